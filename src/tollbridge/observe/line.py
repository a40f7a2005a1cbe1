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
    """Writes records as JSON, without a line's end. Not for several threads: it keeps the second that it last
    spelled."""

    __slots__ = ("_encode", "_head", "_second")

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._second, self._head = -1, ""

    def line(self, record: Record) -> bytes:
        """Sets `ts` and `level` of the record on the way."""
        at, began = record.at, record.began
        second, ms = divmod(int(at * 1000), 1000)
        if second != self._second:
            self._second, self._head = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        record.ts = self._head + _MILLISECONDS[ms]
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
