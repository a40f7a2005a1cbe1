"""Carries an errand out with the answers of a table, in the place of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from tollbridge.mcp.oauth.errand import Ask, Errand, Told

T = TypeVar("T")


def run(errand: Errand[T], answers: Mapping[str, Any]) -> tuple[T, list[Ask]]:
    """What came of it, and what it asked. `answers` by URL: a body, or a `Told`; of others, 404."""
    asked: list[Ask] = []
    try:
        ask = next(errand)
        while True:
            asked.append(ask)
            found = answers.get(ask.url, Told(404))
            ask = errand.send(found if isinstance(found, Told) else Told(200, found))
    except StopIteration as done:
        return done.value, asked
