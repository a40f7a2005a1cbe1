"""Bytes <-> server-sent events, incremental. Theory: https://html.spec.whatwg.org/multipage/server-sent-events.html
(section 9.2.6, read 2026-11-21).

1. A line ends with LF, CR LF or CR. A CR ends its line at once; an LF that follows in the next chunk belongs to it.
2. An empty line ends an event. An event without a `data` line is nothing (`event:` alone, comments, `retry`).
3. One space after the colon is dropped; several `data` lines are joined by LF; one byte order mark may stand first.
4. Bytes are decoded a whole event at a time, so that a character cut by a chunk border stays whole; what is no UTF-8
   becomes U+FFFD.
5. The standard drops an event that the end of the stream cuts off. Some providers leave the last empty line away:
   `close` gives that event too, unless told to be strict.
"""

from __future__ import annotations

from tollbridge.errors import BadGatewayError
from tollbridge.wires.base import SseEvent
from tollbridge.wires.tap import BOM

EVENT_BYTES_MAX = 16 * 1024 * 1024
LF, CR = b"\n\r"
COMMENT = b": keep-alive\n\n"


class SseParser:
    """`feed` bytes as they come, then `close`. Raises BadGatewayError where an event is over `event_bytes_max`."""

    __slots__ = ("_after_cr", "_buffer", "_event_bytes_max", "_head", "_scanned")

    def __init__(self, *, event_bytes_max: int = EVENT_BYTES_MAX) -> None:
        self._event_bytes_max = event_bytes_max
        self._buffer = bytearray()
        self._scanned = 0  # no border starts before this offset of the buffer
        self._after_cr = False
        self._head: bytes | None = b""  # what came so far, while a byte order mark is still possible; then None

    def feed(self, data: bytes) -> list[SseEvent]:
        if self._head is not None:
            data = self._without_bom(data)
        if self._after_cr or CR in data:
            data = self._with_plain_line_ends(data)
        if not self._buffer and data.endswith(b"\n\n") and len(data) <= self._event_bytes_max:
            return _events(data[:-2].split(b"\n\n"))
        return self._feed_in_pieces(data)

    def close(self, *, strict: bool = False) -> list[SseEvent]:
        """The last event, where its empty line never came; nothing of it when `strict`."""
        rest = bytes(self._head or b"") + bytes(self._buffer)
        self._buffer.clear()
        self._head = None
        return [] if strict else _events([rest])

    def _feed_in_pieces(self, data: bytes) -> list[SseEvent]:
        buffer = self._buffer
        buffer += data
        end = buffer.rfind(b"\n\n", self._scanned)
        if end < 0:
            self._scanned = max(len(buffer) - 1, 0)
            blocks = []
        else:
            blocks = bytes(buffer[:end]).split(b"\n\n")
            del buffer[: end + 2]
            self._scanned = max(len(buffer) - 1, 0)
        if len(buffer) > self._event_bytes_max or any(len(block) > self._event_bytes_max for block in blocks):
            raise BadGatewayError(
                f"The provider sent one event of more than {self._event_bytes_max} bytes; the stream was given up."
            )
        return _events(blocks)

    def _without_bom(self, data: bytes) -> bytes:
        head = (self._head or b"") + data
        if len(head) < len(BOM) and BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(BOM)

    def _with_plain_line_ends(self, data: bytes) -> bytes:
        if not data:
            return data
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def write(data: bytes, event: bytes = b"") -> bytes:
    """One framed event. `data` may hold line ends: each line gets its own field."""
    if LF in data or CR in data:
        data = b"\ndata: ".join(data.splitlines())
    if event:
        return b"event: %b\ndata: %b\n\n" % (event, data)
    return b"data: %b\n\n" % data


def _events(blocks: list[bytes]) -> list[SseEvent]:
    events = []
    for block in blocks:
        lines = block.count(b"\n")
        if not lines and block[:6] == b"data: ":
            events.append(SseEvent(block[6:].decode("utf-8", "replace")))
        elif lines == 1 and block[:7] == b"event: " and (at := block.find(b"\ndata: ")) > 0:
            events.append(SseEvent(block[at + 7 :].decode("utf-8", "replace"), block[7:at].decode("utf-8", "replace")))
        elif (event := _event(block)) is not None:
            events.append(event)
    return events


def _event(block: bytes) -> SseEvent | None:
    data: list[str] = []
    name = id = ""
    for line in block.decode("utf-8", "replace").split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            id = value
    return SseEvent("\n".join(data), name, id) if data else None
