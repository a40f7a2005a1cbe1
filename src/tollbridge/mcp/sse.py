"""Server-sent events with their ids, which MCP resumes streams by. (`wires/sse.py` reads those of models, which have
none.) A line ends with LF, CR LF or CR; an event without data is given too: it may carry an id or a `retry`."""

from __future__ import annotations

import msgspec

EVENT_BYTES_MAX = 16 * 1024 * 1024


class Framed(msgspec.Struct, frozen=True):
    """`id`: None where the event has none. `retry_ms`: how long to wait before coming again."""

    event: str = "message"
    data: str = ""
    id: str | None = None
    retry_ms: int | None = None


class TooLarge(Exception):
    """An event is over `EVENT_BYTES_MAX`."""


class Events:
    """`feed` bytes as they come. What the end of the stream cuts off is no event."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._return = False

    def feed(self, data: bytes) -> list[Framed]:
        """Each byte is looked at once, however many pieces an event comes in. Raises TooLarge."""
        if self._return:
            data = b"\r" + data
        self._return = data.endswith(b"\r")  # its LF may be to come
        data = (data[:-1] if self._return else data).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        last = self._parts[-1] if self._parts else b""
        if b"\n\n" not in data and not (last.endswith(b"\n") and data.startswith(b"\n")):
            return self._keep(data)
        blocks = b"".join((*self._parts, data)).split(b"\n\n")
        self._parts, self._size = [], 0
        self._keep(blocks.pop())
        return [framed for block in blocks if (framed := read_event(block)) is not None]

    def _keep(self, data: bytes) -> list[Framed]:
        self._size += len(data)
        if self._size > EVENT_BYTES_MAX:
            raise TooLarge
        if data:
            self._parts.append(data)
        return []


def read_event(block: bytes) -> Framed | None:
    event, data, id, retry = "message", [], None, None
    for line in block.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event = value or "message"
        elif name == "id" and "\0" not in value:
            id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    if not data and id is None and retry is None:
        return None
    return Framed(event, "\n".join(data), id, retry)


def write_event(data: bytes, *, id: str | None = None, event: str = "message", retry_ms: int | None = None) -> bytes:
    """`data`: without line ends, as JSON is."""
    lines = [] if event == "message" else [b"event: " + event.encode()]
    if id is not None:
        lines.append(b"id: " + id.encode())
    if retry_ms is not None:
        lines.append(b"retry: %d" % retry_ms)
    lines.append(b"data: " + data)
    return b"\n".join(lines) + b"\n\n"


COMMENT = b":\n\n"
"""Keeps a silent stream open."""
