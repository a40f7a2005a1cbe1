"""Replicate's stream -> events.

    event: output   data: a piece of the text          event: error   data: {"detail"} or words
    event: done     data: {} | {"reason": "error" | "canceled"}

`logs` and what else there may be says nothing of the answer. `done` is the end marker. Usage is not told.
https://replicate.com/docs/topics/predictions/streaming (seen 2026-11-26)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tollbridge.errors import Truncated
from tollbridge.model.events import Began, Closed, Event, Finished, Grew, Opened
from tollbridge.model.parts import Text
from tollbridge.model.response import Finish
from tollbridge.wires.base import SseEvent
from tollbridge.wires.failure import json_or_text
from tollbridge.wires.replicate.errors import failed


class ReplicateReader:
    def __init__(self) -> None:
        self._began = self._opened = False
        self.ended = False

    def feed(self, event: SseEvent) -> Iterable[Event]:
        """Raises APIError for an error, and for an end that is none."""
        match event.event:
            case "output":
                return list(self._grown(event.data))
            case "error":
                raise failed(json_or_text(event.data.encode()), "failed")
            case "done":
                said = json_or_text(event.data.encode())
                reason = said.get("reason") if isinstance(said, dict) else None
                if reason not in (None, ""):
                    raise failed(said, {"error": "failed"}.get(str(reason), str(reason)))
                return list(self._end())
        return ()

    def close(self) -> Iterable[Event]:
        """Raises Truncated where `done` never came."""
        if not self.ended:
            raise Truncated("The stream ended before its event `done`; what came until then is not a whole answer.")
        return ()

    def _grown(self, text: str) -> Iterator[Event]:
        yield from self._head()
        if not self._opened:
            self._opened = True
            yield Opened(0, 0, Text(text=""))
        if text:
            yield Grew(0, 0, text)

    def _end(self) -> Iterator[Event]:
        if self.ended:
            return
        yield from self._head()
        if self._opened:
            yield Closed(0, 0)
        yield Finished(0, Finish(reason="stop"))
        self.ended = True

    def _head(self) -> Iterator[Event]:
        if not self._began:
            self._began = True
            yield Began("", "", None)
