"""What a soak is allowed and what it found."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec


class Bounds(msgspec.Struct, frozen=True):
    """`seconds`, `requests`: the soak ends with whichever comes first."""

    seconds: float
    requests: int
    seed: int = 1


class Clock:
    """Where a soak is within its bounds."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._began = time.monotonic()
        self.asked = 0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def another(self) -> bool:
        """Whether one more may be asked; it counts as asked."""
        if self.asked >= self._bounds.requests or self.elapsed_s >= self._bounds.seconds:
            return False
        self.asked += 1
        return True


class Outcome(msgspec.Struct):
    """`figures`: what was measured, for a reader. `problems`: what must not be."""

    figures: list[tuple[str, str]]
    problems: list[str]

    def shown(self) -> str:
        width = max(len(name) for name, _ in self.figures)
        lines = [f"  {name.ljust(width)}  {value}" for name, value in self.figures]
        return "\n".join([*lines, *(f"  WRONG: {problem}" for problem in self.problems)])


class Sample(msgspec.Struct, frozen=True):
    """Of the process under load, at a moment."""

    seconds: float
    requests: int
    rss_mb: float
    files: int


def slope(samples: Sequence[Sample]) -> float | None:
    """MB per 100,000 requests after the first third, by least squares; None where there is too little to tell."""
    settled = samples[len(samples) // 3 :]
    if len(settled) < 3:
        return None
    xs = [sample.requests / 100_000 for sample in settled]
    ys = [sample.rss_mb for sample in settled]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - x_mean) ** 2 for x in xs)
    if not spread:
        return None
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread
