"""Newline-delimited JSON <-> framed events, incremental: how Ollama streams. https://github.com/ndjson/ndjson-spec

1. A line is one JSON text and ends with LF or CR LF; JSON holds no bare line end, so that the bytes are cut unread.
2. Empty lines are nothing; one byte order mark may stand first. The last line's end may be missing.
3. Bytes are decoded a whole line at a time, so that a character cut by a chunk border stays whole; what is no UTF-8
   becomes U+FFFD.
"""

from __future__ import annotations

from tollbridge.errors import BadGatewayError
from tollbridge.wires.base import SseEvent
from tollbridge.wires.tap import BOM

LINE_BYTES_MAX = 16 * 1024 * 1024


class LineParser:
    """`feed` bytes as they come, then `close`. Raises BadGatewayError where a line is over `line_bytes_max`. Each byte
    is looked at once, however long a line grows."""

    __slots__ = ("_begun", "_held", "_line_bytes_max", "_size")

    def __init__(self, *, line_bytes_max: int = LINE_BYTES_MAX) -> None:
        self._line_bytes_max = line_bytes_max
        self._held: list[bytes] = []  # of the line under way
        self._size = 0
        self._begun = False

    def feed(self, data: bytes) -> list[SseEvent]:
        end = data.rfind(b"\n")
        if end < 0:
            self._hold(data)
            return []
        whole = b"".join((*self._held, data[:end]))
        self._held, self._size = [], 0
        lines = whole.split(b"\n")
        if len(whole) > self._line_bytes_max and max(map(len, lines)) > self._line_bytes_max:
            raise self._too_long()
        self._hold(data[end + 1 :])
        return self._events(lines)

    def close(self) -> list[SseEvent]:
        """The last line, where its end never came."""
        rest, self._held = b"".join(self._held), []
        return self._events([rest])

    def _hold(self, data: bytes) -> None:
        if data:
            self._held.append(data)
            self._size += len(data)
            if self._size > self._line_bytes_max:
                raise self._too_long()

    def _events(self, lines: list[bytes]) -> list[SseEvent]:
        if not self._begun and lines:
            self._begun = True
            lines = [lines[0].removeprefix(BOM), *lines[1:]]
        stripped = (line.strip() for line in lines)
        return [SseEvent(line.decode("utf-8", "replace")) for line in stripped if line]

    def _too_long(self) -> BadGatewayError:
        return BadGatewayError(
            f"The provider sent one line of more than {self._line_bytes_max} bytes; the stream was given up."
        )
