"""Counters and histograms as plain dicts and lists; prometheus_client writes them out when somebody scrapes.

Labels come from the configuration alone (group names, providers), never from a request: a client cannot grow them.

A request is only noted. Two hundred are counted at once, or those that there are when somebody looks: a loop over many
takes a part of what it takes to come back for each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tollbridge.observe.record import Record

if TYPE_CHECKING:
    from prometheus_client.core import Metric

DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
OVERHEAD_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)

Labels = tuple[str, ...]
NOTED_MAX = 200
STATUS_CLASSES = {n: f"{n}xx" for n in range(1, 6)}


class Histogram:
    """Observes milliseconds, tells seconds. `below`: how many were at most each bound; the last one is all."""

    __slots__ = ("below", "buckets", "total_ms")

    def __init__(self, buckets: tuple[float, ...]) -> None:
        self.buckets = buckets
        self.below = [0] * (len(buckets) + 1)
        self.total_ms = 0.0

    def observe(self, values: list[float]) -> None:
        """Takes the list, and sorts it."""
        values.sort()
        self.total_ms += sum(values)
        below = self.below
        for n, bound in enumerate(self.buckets):
            below[n] += bisect_right(values, bound * 1000)
        below[-1] += len(values)


class Row:
    """Everything that is counted under one set of labels: endpoint, provider, group."""

    __slots__ = ("cost_nanousd", "duration", "first_token", "overhead", "statuses", "tokens", "unpriced", "upstream")

    def __init__(self) -> None:
        self.cost_nanousd = self.unpriced = 0
        self.statuses: dict[int, int] = defaultdict(int)
        self.tokens: dict[str, int] = defaultdict(int)
        self.duration = Histogram(DURATION_BUCKETS_S)
        self.upstream = Histogram(DURATION_BUCKETS_S)
        self.first_token = Histogram(DURATION_BUCKETS_S)
        self.overhead = Histogram(OVERHEAD_BUCKETS_S)

    def count(self, records: Sequence[Record]) -> None:
        asked = [record for record in records if record.upstream_ms]
        self.duration.observe([record.duration_ms for record in records])
        self.upstream.observe([record.upstream_ms for record in asked])
        self.overhead.observe([record.overhead_ms for record in asked])
        self.first_token.observe([record.ttft_ms for record in records if record.ttft_ms])
        statuses, tokens = self.statuses, self.tokens
        for record in records:
            statuses[record.status // 100] += 1
            self.cost_nanousd += record.cost_nanousd or 0
            if record.tokens is not None:
                self.unpriced += record.cost_nanousd is None
                for kind, count in record.tokens.items():
                    tokens[kind] += count


class Metrics:
    """An Observer. `gauges` and `counters` are asked at scrape time: name -> (help, label names, function giving
    {labels: value})."""

    def __init__(self) -> None:
        self._noted: list[Record] = []
        self._rows: dict[Labels, Row] = {}
        self.attempts: dict[Labels, int] = defaultdict(int)
        self.fallbacks = 0
        self.caveats: dict[Labels, int] = defaultdict(int)
        self.gauges: dict[str, tuple[str, tuple[str, ...], Callable[[], Mapping[Labels, float]]]] = {}
        self.counters: dict[str, tuple[str, Callable[[], float]]] = {}

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """One without labels."""
        self.gauges[name] = (text, (), lambda: {(): float(read())})

    def done(self, record: Record, line: bytes | None = None) -> None:
        noted = self._noted
        noted.append(record)
        if len(noted) >= NOTED_MAX:
            self._count()

    @property
    def rows(self) -> Mapping[Labels, Row]:
        self._count()
        return self._rows

    def _count(self) -> None:
        noted, self._noted = self._noted, []
        alike: dict[Labels, list[Record]] = defaultdict(list)
        for record in noted:
            alike[(record.endpoint, record.provider, record.group)].append(record)
            if record.fallbacks:
                self.fallbacks += 1
            for caveat in record.caveats:
                self.caveats[(caveat.partition(" ")[0],)] += 1
        for labels, records in alike.items():
            row = self._rows.get(labels)
            if row is None:
                row = self._rows[labels] = Row()
            row.count(records)

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
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        names = ("endpoint", "provider", "model")
        requests = CounterMetricFamily("tollbridge_requests", "Requests", labels=(*names, "status_class"))
        spent = CounterMetricFamily("tollbridge_tokens", "Tokens as the providers told them", labels=("type", *names))
        for labels, row in self.rows.items():
            for status, count in row.statuses.items():
                requests.add_metric((*labels, STATUS_CLASSES.get(status, "none")), count)
            for kind, count in row.tokens.items():
                spent.add_metric((kind, *labels), count)
        yield requests
        yield spent
        yield from self._money()
        tables: tuple[tuple[str, str, Labels, dict[Labels, int]], ...] = (
            ("tollbridge_attempts", "Attempts upstream", ("provider", "outcome"), self.attempts),
            ("tollbridge_caveats", "What a format could not say", ("code",), self.caveats),
        )
        for name, text, label_names, table in tables:
            counter = CounterMetricFamily(name, text, labels=label_names)
            for labels, count in table.items():
                counter.add_metric(labels, count)
            yield counter
        yield CounterMetricFamily("tollbridge_fallbacks", "Requests that needed a fallback", value=self.fallbacks)
        for name, (text, read) in self.counters.items():
            yield CounterMetricFamily(name, text, value=read())
        for name, text, of in (
            ("tollbridge_request_duration_seconds", "Whole request", "duration"),
            ("tollbridge_upstream_duration_seconds", "Waiting for the provider", "upstream"),
            ("tollbridge_time_to_first_token_seconds", "Until the first bytes of a stream", "first_token"),
            ("tollbridge_overhead_seconds", "Added by the gateway", "overhead"),
        ):
            yield self._histogram(name, text, names, of)
        for name, (text, label_names, read_all) in self.gauges.items():
            gauge = GaugeMetricFamily(name, text, labels=label_names)
            for labels, value in read_all().items():
                gauge.add_metric(labels, value)
            yield gauge

    def _money(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        names = ("provider", "model")
        cost = CounterMetricFamily("tollbridge_cost_usd", "What requests cost, where that is known", labels=names)
        unpriced = CounterMetricFamily(
            "tollbridge_unpriced_requests", "Requests with usage and without a price", labels=names
        )
        sums: dict[Labels, list[int]] = {}
        for (_, provider, group), row in self.rows.items():
            total = sums.setdefault((provider, group), [0, 0])
            total[0] += row.cost_nanousd
            total[1] += row.unpriced
        for labels, (nanousd, count) in sums.items():
            cost.add_metric(labels, nanousd / 1e9)
            unpriced.add_metric(labels, count)
        yield cost
        yield unpriced

    def _histogram(self, name: str, text: str, label_names: tuple[str, ...], of: str) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(name, text, labels=label_names)
        for labels, row in self.rows.items():
            histogram: Histogram = getattr(row, of)
            if histogram.below[-1]:
                bounds = (*map(str, histogram.buckets), "+Inf")
                family.add_metric(labels, list(zip(bounds, histogram.below, strict=True)), histogram.total_ms / 1000)
        return family
