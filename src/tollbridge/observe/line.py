"""A record as one line of JSON: what the request log, the journal and its reader agree on."""

from __future__ import annotations

import time

import msgspec

from tollbridge.observe.record import NOT_LOGGED, Record

_MILLISECONDS = tuple(f".{ms:03d}Z" for ms in range(1000))
"""Spelling them anew took a quarter of the time of a line."""


def spelled(at: float) -> str:
    """A moment as lines tell it, in UTC."""
    second = int(at)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + _MILLISECONDS[int((at - second) * 1000)]


class Scribe:
    """Writes records as JSON, without a line's end. Not for several threads: it keeps the second it last spelled."""

    __slots__ = ("_encode", "_second", "_shown")

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._second, self._shown = -1, ""

    def line(self, record: Record) -> bytes:
        """Sets `ts` and `level` of the record on the way."""
        at = record.at
        second = int(at)
        if second != self._second:
            self._second, self._shown = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        record.ts = self._shown + _MILLISECONDS[int((at - second) * 1000)]
        record.level = "error" if record.status >= 500 else "info"
        return self.again(record)

    def again(self, record: Record) -> bytes:
        """As `line`, of one that has its `ts`: it was a line before."""
        at, began = record.at, record.began
        record.at = record.began = NOT_LOGGED
        json = self._encode(record)
        record.at, record.began = at, began
        return json
