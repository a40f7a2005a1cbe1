"""Counters and histograms as plain dicts and lists; prometheus_client writes them out when somebody scrapes.

Labels come from the configuration alone (group names, providers), never from a request: a client cannot grow them.

What a histogram observes is kept as it is, and counted a thousand at a time: a sort, and a search for each bound, take
less than a search for each value.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tollbridge.observe.record import Record

if TYPE_CHECKING:
    from prometheus_client.core import Metric

DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
OVERHEAD_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)

Labels = tuple[str, ...]
UNCOUNTED_MAX = 1000
STATUS_CLASSES = {n: f"{n}xx" for n in range(1, 6)}


class Histogram:
    """Observes milliseconds, tells seconds. `observe`: takes one more; whoever does sees to it that `count` is called
    now and then."""

    __slots__ = ("_below", "_total_ms", "_uncounted", "buckets", "observe")

    def __init__(self, buckets: tuple[float, ...]) -> None:
        self.buckets = buckets
        self._below = [0] * (len(buckets) + 1)
        self._total_ms = 0.0
        self._uncounted = array("d")
        self.observe: Callable[[float], None] = self._uncounted.append

    def count(self) -> None:
        values = sorted(self._uncounted)
        del self._uncounted[:]
        self._total_ms += sum(values)
        for n, bound in enumerate(self.buckets):
            self._below[n] += bisect_right(values, bound * 1000)
        self._below[-1] += len(values)

    def told(self) -> tuple[list[tuple[str, int]], float]:
        """How many were at most each bound, the last of which is +Inf; and the sum, in seconds."""
        self.count()
        return list(zip((*map(str, self.buckets), "+Inf"), self._below, strict=True)), self._total_ms / 1000


class Row:
    """Everything that is counted under one set of labels: endpoint, provider, group. `uncounted`: requests that the
    histograms have not counted yet."""

    __slots__ = (
        "cost_nanousd",
        "duration",
        "first_token",
        "overhead",
        "statuses",
        "tokens",
        "uncounted",
        "unpriced",
        "upstream",
    )

    def __init__(self) -> None:
        self.cost_nanousd = self.unpriced = self.uncounted = 0
        self.statuses: dict[int, int] = defaultdict(int)
        self.tokens: dict[str, int] = defaultdict(int)
        self.duration = Histogram(DURATION_BUCKETS_S)
        self.upstream = Histogram(DURATION_BUCKETS_S)
        self.first_token = Histogram(DURATION_BUCKETS_S)
        self.overhead = Histogram(OVERHEAD_BUCKETS_S)

    def count(self) -> None:
        self.uncounted = 0
        for histogram in (self.duration, self.upstream, self.first_token, self.overhead):
            histogram.count()


class Metrics:
    """An Observer. `gauges` and `counters` are asked at scrape time: name -> (help, label names, function giving
    {labels: value})."""

    def __init__(self) -> None:
        self.rows: dict[Labels, Row] = {}
        self.attempts: dict[Labels, int] = defaultdict(int)
        self.fallbacks = 0
        self.caveats: dict[Labels, int] = defaultdict(int)
        self.gauges: dict[str, tuple[str, tuple[str, ...], Callable[[], Mapping[Labels, float]]]] = {}
        self.counters: dict[str, tuple[str, Callable[[], float]]] = {}

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """One without labels."""
        self.gauges[name] = (text, (), lambda: {(): float(read())})

    def done(self, record: Record, line: bytes | None = None) -> None:
        labels = (record.endpoint, record.provider, record.group)
        row = self.rows.get(labels)
        if row is None:
            row = self.rows[labels] = Row()
        row.statuses[record.status // 100] += 1
        row.duration.observe(record.duration_ms)
        if record.upstream_ms:
            row.upstream.observe(record.upstream_ms)
            row.overhead.observe(record.overhead_ms)
        if record.ttft_ms:
            row.first_token.observe(record.ttft_ms)
        row.uncounted += 1
        if row.uncounted >= UNCOUNTED_MAX:
            row.count()
        if record.fallbacks:
            self.fallbacks += 1
        if record.caveats:
            for caveat in record.caveats:
                self.caveats[(caveat.partition(" ")[0],)] += 1
        if record.cost_nanousd:
            row.cost_nanousd += record.cost_nanousd
        if record.tokens is not None:
            if record.cost_nanousd is None:
                row.unpriced += 1
            for kind, count in record.tokens.items():
                row.tokens[kind] += count

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
            cumulative, total_s = histogram.told()
            if cumulative[-1][1]:
                family.add_metric(labels, cumulative, total_s)
        return family
