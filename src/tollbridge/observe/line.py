"""A record as one line of JSON: what the request log, the journal and its reader agree on."""

from __future__ import annotations

import time

import msgspec

from tollbridge.observe.record import NOT_LOGGED, Record

_MILLISECONDS = tuple(f".{ms:03d}Z" for ms in range(1000))
"""Spelling them anew took a quarter of the time of a line."""


def spelled(at: float) -> str:
    """A moment as lines tell it, in UTC."""
    second, ms = divmod(int(at * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + _MILLISECONDS[ms]


class Scribe:
    """Writes records as JSON, without a line's end. Not for several threads: it keeps the moment that it last
    spelled."""

    __slots__ = ("_encode", "_head", "_ms", "_second", "_shown")

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._second, self._head = -1, ""
        self._ms, self._shown = -1, ""

    def line(self, record: Record) -> bytes:
        """Sets `ts` and `level` of the record on the way."""
        at, began = record.at, record.began
        ms = int(at * 1000)
        if ms != self._ms:
            self._spell(ms)
        record.ts = self._shown
        record.level = "error" if record.status >= 500 else "info"
        record.at = record.began = NOT_LOGGED
        json = self._encode(record)
        record.at, record.began = at, began
        return json

    def again(self, record: Record) -> bytes:
        """As `line`, of one that has its `ts`: it was a line before."""
        at, began = record.at, record.began
        record.at = record.began = NOT_LOGGED
        json = self._encode(record)
        record.at, record.began = at, began
        return json

    def _spell(self, ms: int) -> None:
        second, rest = divmod(ms, 1000)
        if second != self._second:
            self._second, self._head = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        self._ms, self._shown = ms, self._head + _MILLISECONDS[rest]
