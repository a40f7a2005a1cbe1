"""What the mock remembers: its own bill, counters, and the last requests as they came.

The bill is what a provider would charge, whoever was listening: input from the moment the work begins, output for each
content event that was written. A request that was refused costs nothing.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

import msgspec

State = Literal["running", "finished", "broken", "cancelled"]
CAPTURED_BODY_BYTES_MAX = 1 << 20


class Entry(msgspec.Struct, gc=False):
    """One line of the bill. `broken`: the script ended the answer early; `cancelled`: the other side went away. `mark`:
    what the prompt called itself, so that a line can be found whose answer nobody saw."""

    number: int
    id_prefix: str
    model: str
    stream: bool
    input_tokens: int
    output_tokens: int = 0
    state: State = "running"
    mark: str = ""

    @property
    def id(self) -> str:
        """The answer's id, as the caller saw it."""
        return f"{self.id_prefix}{self.number:010d}"


class Received(msgspec.Struct, gc=False):
    """A request as it came in."""

    method: bytes
    url: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Books:
    def __init__(self, keep_entries: int, keep_captures: int) -> None:
        self._keep = (keep_entries, keep_captures)
        self.connections_open = 0
        self.clear()

    def clear(self) -> None:
        entries, captures = self._keep
        self.entries: deque[Entry] = deque(maxlen=entries)
        self.captures: deque[Received] = deque(maxlen=captures)
        self.requests = self.billed = self.refused = self.cancelled = self.broken = 0
        self.input_tokens = self.output_tokens = 0
        self.bytes_in = self.bytes_out = self.connections = 0

    def open(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.billed += 1
        self.input_tokens += entry.input_tokens

    def bill(self) -> dict[str, Any]:
        sums = {"requests": self.billed, "input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        lines = [
            {"id": entry.id, "model": entry.model, "stream": entry.stream, "state": entry.state,
             "input_tokens": entry.input_tokens, "output_tokens": entry.output_tokens, "mark": entry.mark}
            for entry in self.entries
        ]  # fmt: skip
        return {**sums, "entries": lines}

    def stats(self) -> dict[str, int]:
        return {
            "requests": self.requests,
            "billed": self.billed,
            "refused": self.refused,
            "cancelled": self.cancelled,
            "broken": self.broken,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "connections": self.connections,
            "connections_open": self.connections_open,
        }

    def shown_captures(self) -> list[dict[str, Any]]:
        return [
            {
                "method": seen.method.decode("latin-1"),
                "path": seen.url.decode("latin-1"),
                "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in seen.headers],
                "body": seen.body[:CAPTURED_BODY_BYTES_MAX].decode("utf-8", "replace"),
            }
            for seen in self.captures
        ]
