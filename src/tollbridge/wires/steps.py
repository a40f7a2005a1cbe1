"""A wire whose answer takes more than one request: what was answered says where the rest is.

`next_step` is pure. It is asked with each answer in turn, until it says None: that one is the answer. Who asks, and
where a link may lead, is `calls.follow`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from tollbridge.model.json import Json


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """`url`: what is asked for next. `stream`: it is the stream itself, and the last step. `waits`: it is the same
    question once more, which is worth a pause. `stop`: where a POST tells that nobody waits any more."""

    url: str
    stop: str = ""
    stream: bool = False
    waits: bool = False


@runtime_checkable
class Stepwise(Protocol):
    @property
    def waits(self) -> tuple[tuple[str, str], ...]:
        """Headers that ask for the whole answer at once, where it does not take long."""

    def next_step(self, answer: Json, stream: bool) -> Step | None:
        """`stream`: a stream is wanted."""
