"""Reading along a relayed stream: usage, the end marker and errors, without parsing what does not matter.

`Boundary` cuts the bytes at event borders, so that our own events (heartbeats, errors) can stand between any two
blocks. A wire's `Tap` is fed whole events and gives back what to forward: all of it, but for the usage chunk that
only we asked for. What it wants to know stands in the first event or in the last few: those blocks it keeps, and it
parses them when it is asked, which is once, at the end.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage

BOM = b"\xef\xbb\xbf"
EVENT_BYTES_MAX = 16 * 1024 * 1024
OVERLAP = 3  # a border has four bytes at most
JOINED_BYTES = 64 * 1024
TEXT_MAX = 512
TAIL_EVENTS = 8  # a finish reason, usage, an end marker, and room for what vendors put between them
BORDERS = (b"\n\n", b"\r\n\r\n", b"\r\r")
SPOKEN = re.compile(rb"^(?:%b)?data:" % BOM, re.MULTILINE)
BORDER = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class Along(msgspec.Struct, frozen=True):
    """What a relayed answer says of itself. `id`, `service_tier`: as the client sees them."""

    usage: Usage | None = None
    id: str = ""
    service_tier: str | None = None


class Tap(Protocol):
    """`spoke`: something other than comments went by. `said`: usage, the last valid one, and the rest. `final`: no
    other usage is to come. `ended`: the format's end was seen. `marked`: and with its end marker, so that nothing more
    is to come; `ending`: the last block may hold that, and asking is worth it."""

    spoke: bool
    ending: bool

    @property
    def said(self) -> Along: ...
    @property
    def final(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    @property
    def marked(self) -> bool: ...
    def feed(self, block: bytes) -> bytes: ...


class Tail:
    """The last events of a stream, found when asked for. `add`: a block of whole ones; the deque's own method, for it
    is called for each."""

    __slots__ = ("_blocks", "_events", "_last", "add")

    def __init__(self) -> None:
        self._blocks: deque[bytes] = deque(maxlen=TAIL_EVENTS)
        self.add = self._blocks.append
        self._events: list[bytes] = []
        self._last: bytes | None = None  # the block up to which `_events` were found

    def events(self) -> list[bytes]:
        """The data of the last TAIL_EVENTS events, the latest first."""
        if self._blocks and self._last is not self._blocks[-1]:
            self._last = self._blocks[-1]
            data = b"".join(self._blocks)
            self._events = [found for _, found in pieces(data[_start_of_last(data) :]) if found][::-1]
        return self._events


def _start_of_last(data: bytes) -> int:
    """Where the last TAIL_EVENTS events begin; with other borders than LF LF, where all begin."""
    at = len(data)
    for _ in range(TAIL_EVENTS + 1):
        at = data.rfind(b"\n\n", 0, at)
        if at < 0:
            return 0
    return at + 2


class Boundary:
    """Cuts a byte stream into blocks of whole events. Each byte is looked at once, however large an event grows."""

    __slots__ = ("_held", "_size")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """All whole events so far; what follows the last border is kept."""
        if not self._held and data.endswith(b"\n\n"):
            return data
        before = self._held[-1][-OVERLAP:] if self._held else b""
        end = _end_of_last_border(before + data) - len(before)
        if end <= 0:
            self._hold(data)
            return b""
        block = b"".join((*self._held, data[:end]))
        self._held, self._size = [], 0
        if end < len(data):
            self._hold(data[end:])
        return block

    def rest(self) -> bytes:
        """What came after the last border."""
        return b"".join(self._held)

    def _hold(self, data: bytes) -> None:
        # Short pieces are joined, so that the last one always has room for a border that is cut in two.
        if self._held and len(self._held[-1]) < JOINED_BYTES:
            self._held[-1] += data
        else:
            self._held.append(data)
        self._size += len(data)
        if self._size > EVENT_BYTES_MAX:
            raise BadGatewayError(f"The provider sent one event of more than {EVENT_BYTES_MAX >> 20} MiB.")


def _end_of_last_border(data: bytes) -> int:
    """0 where there is none."""
    found = ((data.rfind(border), len(border)) for border in BORDERS)
    return max((at + length for at, length in found if at >= 0), default=0)


def pieces(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each event of a block of whole events: (its bytes with the border, its data)."""
    start = 0
    for border in BORDER.finditer(block):
        event = block[start : border.end()]
        start = border.end()
        yield event, data_of(event)
    if start < len(block):
        yield block[start:], data_of(block[start:])


def first_object(block: bytes) -> JsonObject:
    """The first JSON object that a block of whole events tells; empty where there is none."""
    return next((found for _, data in pieces(block) if data and (found := decode_object(data)) is not None), {})


def last_object(block: bytes) -> JsonObject:
    """The last JSON object that a block of whole events tells; empty where there is none."""
    found = [told for _, data in pieces(block) if data and (told := decode_object(data)) is not None]
    return found[-1] if found else {}


def text_of(value: Json) -> str:
    """A string of moderate length, else ""."""
    return value if isinstance(value, str) and len(value) <= TEXT_MAX else ""


def event_around(block: bytes, index: int) -> tuple[int, int]:
    """Where the event that holds `index` begins and ends, its border included."""
    before = max(block.rfind(border, 0, index) + len(border) if border in block[:index] else 0 for border in BORDERS)
    after = BORDER.search(block, index)
    return before, len(block) if after is None else after.end()


def speaks(block: bytes) -> bool:
    """There is more than comments in it."""
    return block.startswith(b"data:") or SPOKEN.search(block) is not None


def data_of(event: bytes) -> bytes:
    """The data lines of an event, joined as the SSE format says."""
    lines = [line[5:].removeprefix(b" ") for line in event.removeprefix(BOM).splitlines() if line.startswith(b"data:")]
    return lines[0] if len(lines) == 1 else b"\n".join(lines)


def decode_object(data: bytes) -> JsonObject | None:
    """The JSON object in `data`; None where it is something else."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
