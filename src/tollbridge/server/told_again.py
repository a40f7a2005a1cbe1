"""The events of one stream, kept so that they can be told again: to who comes later, or comes back."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator

import msgspec

from tollbridge.server.keeping import KEPT_BYTES_MAX

LAST = sys.maxsize
"""The number of an event that has none of its own, and is told to whoever asks for what comes after any other."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[int, bytes]]).decode


class Events:
    """`number`: the highest so far. `bytes`: of all of them; above `KEPT_BYTES_MAX` they are `too_many`, and none is
    kept from then on. `closed`: one of them said how it ended."""

    __slots__ = ("_told", "bytes", "closed", "number")

    def __init__(self) -> None:
        self._told: list[tuple[int, bytes]] = []
        self.bytes = 0
        self.number = -1
        self.closed = False

    @property
    def too_many(self) -> bool:
        return self.bytes > KEPT_BYTES_MAX

    def add(self, event: bytes, number: int) -> None:
        """`number`: below the highest so far where it has none."""
        if number != LAST:
            number = self.number = max(self.number, number)
        self.bytes += len(event)
        if self.too_many:
            self._told.clear()
        else:
            self._told.append((number, event))

    def since(self, at: int, after: int) -> Iterator[bytes]:
        """From the `at`-th on, those that are numbered after `after`."""
        for number, event in self._told[at:]:
            if number > after:
                yield event

    def __len__(self) -> int:
        return len(self._told)

    def squeezed(self) -> bytes:
        """Of megabytes it takes a noticeable time."""
        return zlib.compress(_pack(self._told))


NONE_YET = Events().squeezed()


def replay(events: bytes, after: int) -> list[bytes]:
    """What was `squeezed`, from the event after that number on. Of megabytes it takes a noticeable time."""
    return [event for number, event in _unpack(zlib.decompress(events)) if number > after]
