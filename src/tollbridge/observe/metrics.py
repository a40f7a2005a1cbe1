"""Counters and histograms as plain dicts and lists; prometheus_client writes them out when somebody scrapes.

Labels come from the configuration alone (group names, providers), never from a request: a client cannot grow them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tollbridge.observe.record import Record

if TYPE_CHECKING:
    from prometheus_client.core import Metric

DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
OVERHEAD_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)

Labels = tuple[str, ...]
STATUS_CLASSES = {n: f"{n}xx" for n in range(1, 6)}


class Histogram:
    """Counts per bucket (the last one is +Inf) and the sum, per set of labels."""

    def __init__(self, buckets: tuple[float, ...]) -> None:
        self.buckets = buckets
        self.rows: dict[Labels, tuple[list[int], list[float]]] = {}

    def observe(self, labels: Labels, value: float) -> None:
        row = self.rows.get(labels)
        if row is None:
            row = self.rows[labels] = ([0] * (len(self.buckets) + 1), [0.0])
        row[0][bisect_left(self.buckets, value)] += 1
        row[1][0] += value


class Metrics:
    """An Observer. `gauges` are asked at scrape time: name -> (help, function giving {labels: value})."""

    def __init__(self) -> None:
        self.requests: dict[Labels, int] = defaultdict(int)
        self.tokens: dict[Labels, int] = defaultdict(int)
        self.attempts: dict[Labels, int] = defaultdict(int)
        self.fallbacks = 0
        self.caveats: dict[Labels, int] = defaultdict(int)
        self.duration = Histogram(DURATION_BUCKETS_S)
        self.upstream = Histogram(DURATION_BUCKETS_S)
        self.first_token = Histogram(DURATION_BUCKETS_S)
        self.overhead = Histogram(OVERHEAD_BUCKETS_S)
        self.gauges: dict[str, tuple[str, tuple[str, ...], Callable[[], Mapping[Labels, float]]]] = {}
        self.counters: dict[str, tuple[str, Callable[[], float]]] = {}

    def done(self, record: Record) -> None:
        group = (record.endpoint, record.provider, record.group)
        self.requests[(*group, STATUS_CLASSES.get(record.status // 100, "none"))] += 1
        self.duration.observe(group, record.duration_s)
        if record.upstream_s:
            self.upstream.observe(group, record.upstream_s)
            self.overhead.observe(
                (record.endpoint,), max(0.0, (record.first_s or record.duration_s) - record.upstream_s)
            )
        if record.stream and record.first_s:
            self.first_token.observe(group, record.first_s)
        if record.fallbacks:
            self.fallbacks += 1
        for caveat in record.caveats:
            self.caveats[(caveat.code,)] += 1
        usage = record.usage
        if usage is not None:
            self.tokens[("input", record.provider, record.group)] += usage.input
            self.tokens[("output", record.provider, record.group)] += usage.output
            if usage.cache_read:
                self.tokens[("cache_read", record.provider, record.group)] += usage.cache_read
            if usage.reasoning:
                self.tokens[("reasoning", record.provider, record.group)] += usage.reasoning

    def attempted(self, provider: str, outcome: str) -> None:
        self.attempts[(provider, outcome)] += 1

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        # Imported here: it costs tens of milliseconds, and only a server that is scraped needs it.
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        for name, text, labels, rows in (
            ("tollbridge_requests", "Requests", ("endpoint", "provider", "model", "status_class"), self.requests),
            ("tollbridge_tokens", "Tokens as the providers told them", ("type", "provider", "model"), self.tokens),
            ("tollbridge_attempts", "Attempts upstream", ("provider", "outcome"), self.attempts),
            ("tollbridge_caveats", "What a format could not say", ("code",), self.caveats),
        ):
            counter = CounterMetricFamily(name, text, labels=labels)
            for values, count in rows.items():
                counter.add_metric(values, count)
            yield counter
        yield CounterMetricFamily("tollbridge_fallbacks", "Requests that needed a fallback", value=self.fallbacks)
        for name, (text, read) in self.counters.items():
            yield CounterMetricFamily(name, text, value=read())
        group = ("endpoint", "provider", "model")
        for name, text, labels, histogram in (
            ("tollbridge_request_duration_seconds", "Whole request", group, self.duration),
            ("tollbridge_upstream_duration_seconds", "Waiting for the provider", group, self.upstream),
            ("tollbridge_time_to_first_token_seconds", "Until the first bytes of a stream", group, self.first_token),
            ("tollbridge_overhead_seconds", "Added by the gateway", ("endpoint",), self.overhead),
        ):
            family = HistogramMetricFamily(name, text, labels=labels)
            for values, (counts, total) in histogram.rows.items():
                running, cumulative = 0, []
                for bound, count in zip((*map(str, histogram.buckets), "+Inf"), counts, strict=True):
                    running += count
                    cumulative.append((bound, running))
                family.add_metric(values, cumulative, total[0])
            yield family
        for name, (text, label_names, read_all) in self.gauges.items():
            gauge = GaugeMetricFamily(name, text, labels=label_names)
            for values, value in read_all().items():
                gauge.add_metric(values, value)
            yield gauge
