"""A stream as one JSON array, item by item: how Gemini's servers stream to those who do not ask for `alt=sse`.

    [{...}
    ,
    {...}]

`ItemParser` cuts the bytes at the items' borders without parsing them, `Listing` writes such an array. Text in an item
cannot hold a bare control character, so that a scan for quotes, brackets and braces finds the borders.
"""

from __future__ import annotations

import re

from tollbridge.errors import BadGatewayError, Truncated

ITEM_BYTES_MAX = 16 * 1024 * 1024
_MARK = re.compile(rb'["\\{}\[\]]')
_IN_TEXT = re.compile(rb'["\\]')
_BETWEEN = b" \t\r\n,"


class ItemParser:
    """`feed` bytes as they come, then `close`. Raises BadGatewayError where they are no array of objects, Truncated
    where its end never came."""

    __slots__ = ("_at", "_begun", "_buffer", "_depth", "_in_text", "_over")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # nothing before it needs to be looked at again
        self._depth = 0
        self._in_text = False
        self._begun = self._over = False

    def feed(self, data: bytes) -> list[bytes]:
        """The items that are whole now."""
        self._buffer += data
        items: list[bytes] = []
        while not self._over:
            item = self._next()
            if item is None:
                break
            items.append(item)
        if len(self._buffer) > ITEM_BYTES_MAX:
            raise BadGatewayError(f"The provider sent one item of more than {ITEM_BYTES_MAX >> 20} MiB.")
        return items

    def close(self) -> None:
        if not self._over:
            raise Truncated("The provider's array ended before its last bracket; what arrived is incomplete.")

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if self._depth == 0:
            at = 0
            while at < len(buffer) and (buffer[at] in _BETWEEN or (buffer[at] == ord("[") and not self._begun)):
                self._begun = self._begun or buffer[at] == ord("[")
                at += 1
            del buffer[:at]
            self._at = 0
            if not buffer:
                return None
            if buffer[0] == ord("]") and self._begun:
                self._over = True
                return None
            if buffer[0] != ord("{") or not self._begun:
                raise BadGatewayError("The provider's stream is no array of objects.")
        return self._item()

    def _item(self) -> bytes | None:
        buffer = self._buffer
        while True:
            found = (_IN_TEXT if self._in_text else _MARK).search(buffer, self._at)
            if found is None:
                self._at = len(buffer)
                return None
            mark, self._at = found[0], found.end()
            if mark == b"\\":
                if self._at == len(buffer):
                    self._at -= 1  # what it escapes is still to come
                    return None
                self._at += 1
            elif mark == b'"':
                self._in_text = not self._in_text
            elif mark in b"{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    item = bytes(buffer[: self._at])
                    del buffer[: self._at]
                    self._at = 0
                    return item


class Listing:
    """Items as one array, as they come."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = False

    def item(self, data: bytes) -> bytes:
        lead = b",\r\n" if self._begun else b"["
        self._begun = True
        return lead + data

    def end(self) -> bytes:
        return b"]" if self._begun else b"[]"
