"""Names that resemble a wrong one, for "did you mean". Slow (some 10 ms): only on the way to an error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from tollbridge.catalog.facts import catalog

NAME_MAX = 80


def did_you_mean(names: Sequence[str]) -> str:
    """A sentence; of at least one name."""
    return f"Did you mean {' or '.join(map(repr, names))}?"


def near(name: str, among: Iterable[str] | None = None, count: int = 3, likeness: float = 0.72) -> list[str]:
    """Up to `count` names that resemble `name`, the nearest first: `among` these, or all that the catalog has.
    `likeness`: from 0 to 1, what each has at least.

    A name over 80 characters resembles nothing: comparing it would take long, and nobody mistypes that much."""
    if not name or len(name) > NAME_MAX:
        return []
    pool = catalog().names() if among is None else among
    same_size = {other.lower(): other for other in pool if abs(len(other) - len(name)) <= max(3, len(name) // 3)}
    return [same_size[found] for found in get_close_matches(name.lower(), same_size, n=count, cutoff=likeness)]
