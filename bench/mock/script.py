"""What the mock shall do with one request, as text short enough to stand in a model's name.

    mock                                   eight events, at once
    mock,delay_ms=60,events=100,pace_ms=20 wait, then a hundred events, one each 20 ms
    mock,status=429,retry_after=2          refuse
    mock,events=20,rst=5                   reset the connection after the fifth event
    mock,cut=0                             close it before the first byte

The text after the first comma is the script; `Script` lists the words. A bare word means `true`. Counts of events
that end an answer early (`rst`, `cut`, `silence`, `error`) count *content* events, from 0. For an answer that does not
stream, 0 is before the first byte and anything more is half-way through the body.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

Usage = Literal["right", "none", "null", "twice", "negative"]
Garbage = Literal["none", "html", "json", "type", "empty", "gzip_bomb"]
Ending = Literal["keep", "close", "stale", "cut", "rst", "silence"]

EARLY_ENDINGS: tuple[Ending, ...] = ("rst", "cut", "silence")


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, cache_hash=True):
    """`events` of `size` characters make the text, streamed or not; each counts as one output token.

    `split_bytes` writes the answer in pieces of that size. `stale_ms` closes the kept-alive connection so long after
    the answer, unannounced; `close` announces it. `error` sends an error event into a 200 stream. `tool` answers with a
    tool call whose arguments come in `events` pieces."""

    delay_ms: float = 0
    events: int = 8
    size: int = 16
    pace_ms: float = 0
    status: int = 200
    retry_after: str | None = None
    rst: int | None = None
    cut: int | None = None
    silence: int | None = None
    error: int | None = None
    usage: Usage = "right"
    garbage: Garbage = "none"
    split_bytes: int = 0
    close: bool = False
    stale_ms: float | None = None
    tool: bool = False

    @property
    def instant(self) -> bool:
        """Whether one write, now, is the whole performance."""
        return msgspec.structs.replace(self, events=0, size=0, tool=False, usage="right") == INSTANT

    @property
    def early_ending(self) -> tuple[Ending, int] | None:
        """How and after how many content events the answer breaks off."""
        for ending in EARLY_ENDINGS:
            count = getattr(self, ending)
            if count is not None:
                return ending, count
        return None

    @property
    def ending(self) -> Ending:
        return "close" if self.close else "keep" if self.stale_ms is None else "stale"


INSTANT = Script(events=0, size=0)


@lru_cache(maxsize=1024)
def read_script(text: str) -> Script:
    """`delay_ms=60,close` -> Script. Raises msgspec.ValidationError where a word is unknown or a value does not fit."""
    words = (word.strip().partition("=") for word in text.split(",") if word.strip())
    return msgspec.convert({key: value or "true" for key, _, value in words}, Script, strict=False)


def script_in_name(model: str) -> str:
    """The script that a model's name carries; empty where it carries none."""
    return model.partition(",")[2] if "=" in model else ""
