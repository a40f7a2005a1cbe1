"""Events of a stream that is written, each with the next number."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject

_encode = msgspec.json.Encoder().encode


class Numbered:
    __slots__ = ("_next",)

    def __init__(self, first: int = 0) -> None:
        self._next = first

    def event(self, kind: str, fields: JsonObject) -> bytes:
        body = {"type": kind, "sequence_number": self._next, **fields}
        self._next += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(body))

    def grown(self, template: bytes, text: str) -> bytes:
        """An event from a template that `growing` made: the hot path of a translated stream."""
        number = self._next
        self._next = number + 1
        return template % (number, _encode(text))


def growing(kind: str, at: JsonObject, rest: JsonObject | None = None) -> bytes:
    """A template of an event whose `delta` is all that changes. `at`: what stands before it, `rest` after it."""
    name = kind.encode()
    before, after = _escaped(at), b"" if rest is None else b"," + _escaped(rest)
    return b'event: %b\ndata: {"type":"%b","sequence_number":%%d,%b,"delta":%%b%b}\n\n' % (name, name, before, after)


def _escaped(fields: JsonObject) -> bytes:
    return _encode(fields)[1:-1].replace(b"%", b"%%")
