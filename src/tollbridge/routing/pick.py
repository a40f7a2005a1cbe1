"""Choosing one deployment of several: lowest `order` first, then a shuffle by weight. Pure; chance is an argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class Weighed(Protocol):
    @property
    def weight(self) -> float | None: ...
    @property
    def rpm(self) -> int | None: ...
    @property
    def tpm(self) -> int | None: ...
    @property
    def order(self) -> int | None: ...


W = TypeVar("W", bound=Weighed)


def pick(candidates: Sequence[W], chance: Callable[[], float]) -> W:
    """One of `candidates` (at least one). `chance` gives a float in [0, 1).

    Weights are those of the first of `weight`, `rpm`, `tpm` that any candidate names, as in LiteLLM's simple-shuffle;
    a candidate that does not name it counts as 0, and where the sum is 0 all are equal."""
    if len(candidates) == 1:
        return candidates[0]
    first = lowest_order(candidates)
    weights = weights_of(first)
    point = chance() * sum(weights)
    for candidate, weight in zip(first, weights, strict=True):
        point -= weight
        if point < 0:
            return candidate
    return first[-1]


def lowest_order(candidates: Sequence[W]) -> Sequence[W]:
    """Those with the smallest `order`; one without comes last."""
    if all(candidate.order is None for candidate in candidates):
        return candidates
    best = min(candidate.order for candidate in candidates if candidate.order is not None)
    return [candidate for candidate in candidates if candidate.order == best]


def weights_of(candidates: Sequence[Weighed]) -> list[float]:
    for field in ("weight", "rpm", "tpm"):
        weights = [float(getattr(candidate, field) or 0) for candidate in candidates]
        if sum(weights) > 0:
            return weights
    return [1.0] * len(candidates)
