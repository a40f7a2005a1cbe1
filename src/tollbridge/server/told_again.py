"""The events of one stream, kept so that they can be told again: to who comes later, or comes back."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterator

from tollbridge.server.keeping import KEPT_BYTES_MAX

LAST = sys.maxsize
"""The number of an event that has none of its own, and is told to whoever asks for what comes after any other."""

PIECE_BYTES = 64 * 1024
_HEAD = struct.Struct(">qI")
"""Before each event: its number, and how long it is."""


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
        """`number`: negative where it has none; it counts as the next then."""
        if number != LAST:
            number = self.number = max(self.number, number if number >= 0 else self.number + 1)
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
        packed = zlib.compressobj()
        pieces = [packed.compress(_HEAD.pack(number, len(event)) + event) for number, event in self._told]
        return b"".join((*pieces, packed.flush()))


NONE_YET = Events().squeezed()


def replay(events: bytes, after: int) -> Iterator[bytes]:
    """What was `squeezed`, from the event after that number on, a piece at a time: whoever is told it reads at a pace
    of their own, and many may."""
    held = bytearray()
    for piece in _pieces(events):
        held += piece
        at = 0
        while len(held) - at >= _HEAD.size:
            number, size = _HEAD.unpack_from(held, at)
            end = at + _HEAD.size + size
            if end > len(held):
                break
            if number > after:
                yield bytes(held[at + _HEAD.size : end])
            at = end
        del held[:at]


def _pieces(squeezed: bytes) -> Iterator[bytes]:
    packed = zlib.decompressobj()
    while squeezed:
        yield packed.decompress(squeezed, PIECE_BYTES)
        squeezed = packed.unconsumed_tail
    yield packed.flush()
