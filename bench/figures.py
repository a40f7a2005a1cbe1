"""The figures of a run: one value per (scenario, target, metric) and round. Ratios are taken within a round, then the
median over rounds: what the machine did to one target in a round it did to the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from statistics import median

UNITS = {
    "cpu_ms": "CPU-ms/request",
    "cpu_us_event": "CPU-us/event",
    "p50_ms": "ms (p50)",
    "p99_ms": "ms (p99)",
    "start_s": "s",
    "rss_mb": "MB",
    "import_ms": "ms",
    "import_mb": "MB",
    "completion_ms": "ms",
    "rps": "/s",
    "page_ms": "ms",
    "spend_ms": "ms",
}

Key = tuple[str, str, str]


class Figures:
    def __init__(self) -> None:
        self.rounds: dict[Key, dict[int, float]] = defaultdict(dict)
        self.notes: dict[tuple[str, str], str] = {}
        self.errors: list[str] = []

    def add(self, scenario: str, target: str, round_number: int, values: dict[str, float]) -> None:
        for metric, value in values.items():
            self.rounds[scenario, target, metric][round_number] = value

    def value(self, scenario: str, target: str, metric: str) -> float | None:
        values = self.rounds.get((scenario, target, metric))
        return median(values.values()) if values else None

    def ratio(self, one: Key, other: Key) -> float | None:
        return self._paired(one, other, lambda a, b: a / b if b else float("inf"))

    def difference(self, one: Key, other: Key) -> float | None:
        return self._paired(one, other, lambda a, b: a - b)

    def _paired(self, one: Key, other: Key, join: Callable[[float, float], float]) -> float | None:
        mine, theirs = self.rounds.get(one, {}), self.rounds.get(other, {})
        pairs = [join(mine[n], theirs[n]) for n in mine if n in theirs]
        return median(pairs) if pairs else None
