"""Cohere's event stream -> events.

    message-start  (content-start content-delta* content-end | citation-start citation-end | tool-plan-delta
                    | tool-call-start tool-call-delta* tool-call-end)*  message-end  [DONE]

- Content blocks and tool calls count from 0, each by themselves; the plan has no index and no end, and is over with the
  first call.
- A citation may come before or after the end of its block, and is of the block `content_index`, else of the first text.
  One whose text is still to come waits for it.
- A `message-end` that says that the answer broke off is an error, after its usage is told.
- Events of other kinds (`debug` ...) say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from tollbridge.errors import APIError, Truncated
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part, Thinking
from tollbridge.wires.base import SseEvent
from tollbridge.wires.cohere.citations import read_citation
from tollbridge.wires.cohere.errors import broken, error_inside
from tollbridge.wires.cohere.logprobs import read_logprobs
from tollbridge.wires.cohere.response import place_of_text, read_block, read_call, read_finish
from tollbridge.wires.cohere.shapes import explain_event
from tollbridge.wires.cohere.usage import read_usage
from tollbridge.wires.cohere.vocabulary import BROKEN
from tollbridge.wires.stumble import STUMBLES

_DONE = "[DONE]"


class CohereReader:
    def __init__(self) -> None:
        self._places = 0
        self._content: list[Part] = []  # the blocks as they began, by index
        self._content_places: dict[int, int] = {}
        self._calls: dict[int, int] = {}
        self._silent: set[int] = set()  # places of calls without arguments so far
        self._plan: int | None = None
        self._waiting: list[JsonObject] = []
        self._broke: APIError | None = None
        self.ended = False

    def feed(self, event: SseEvent) -> Iterable[Event]:
        """Raises APIError for an error, BadGatewayError for what cannot be read."""
        if event.data == _DONE:
            return ()
        said: Json = None
        try:
            said = msgspec.json.decode(event.data)
            kind = said.get("type")
            if kind is None and ("message" in said or "error" in said) and "delta" not in said:
                raise error_inside(said)
            handle = _HANDLERS.get(kind or event.event)
            events = [] if handle is None else list(handle(self, said))
        except STUMBLES as cause:
            explain_event(said, cause)
        return events if self._broke is None else _ending_in(events, self._broke)

    def close(self) -> Iterable[Event]:
        """Raises Truncated where `message-end` never came."""
        if not self.ended:
            raise Truncated("The stream ended before `message-end`; what came until then is not a whole answer.")
        return ()

    def _place(self) -> int:
        place = self._places
        self._places += 1
        return place

    def _message_start(self, said: JsonObject) -> Iterator[Event]:
        answer_id = said.get("id")
        yield Began(answer_id if answer_id.__class__ is str else "")

    def _content_start(self, said: JsonObject) -> Iterator[Event]:
        part = read_block(said["delta"]["message"]["content"])
        place = self._content_places[said["index"]] = self._place()
        self._content.append(part)
        yield Opened(0, place, part)
        waiting, self._waiting = self._waiting, []
        for value in waiting:
            yield from self._cite(value)

    def _content_delta(self, said: JsonObject) -> Iterator[Event]:
        content = said["delta"]["message"]["content"]
        text = content.get("text") or content.get("thinking")
        if text:
            yield Grew(0, self._content_places[said["index"]], text)
        logprobs = said.get("logprobs")
        if logprobs is not None:
            yield Noted(Logprobs(read_logprobs([logprobs])))

    def _content_end(self, said: JsonObject) -> Iterator[Event]:
        yield Closed(0, self._content_places[said["index"]])

    def _plan_delta(self, said: JsonObject) -> Iterator[Event]:
        text = said["delta"]["message"]["tool_plan"]
        if self._plan is None and text:
            self._plan = self._place()
            yield Opened(0, self._plan, Thinking())
        if self._plan is not None and text:
            yield Grew(0, self._plan, text)

    def _call_start(self, said: JsonObject) -> Iterator[Event]:
        call = read_call(said["delta"]["message"]["tool_calls"])
        place = self._calls[said["index"]] = self._place()
        if not call.arguments:
            self._silent.add(place)
        yield Opened(0, place, call)

    def _call_delta(self, said: JsonObject) -> Iterator[Event]:
        text = said["delta"]["message"]["tool_calls"]["function"].get("arguments")
        if text:
            place = self._calls[said["index"]]
            self._silent.discard(place)
            yield Grew(0, place, text, "arguments")

    def _call_end(self, said: JsonObject) -> Iterator[Event]:
        place = self._calls[said["index"]]
        yield from self._spoken(place)
        yield Closed(0, place)

    def _spoken(self, place: int) -> Iterator[Event]:
        """A call that said no arguments has none, which is an empty object."""
        if place in self._silent:
            self._silent.discard(place)
            yield Grew(0, place, "{}", "arguments")

    def _citation_start(self, said: JsonObject) -> Iterator[Event]:
        cited = said["delta"]["message"]["citations"]
        for value in cited if isinstance(cited, list) else [cited]:
            yield from self._cite(value)

    def _cite(self, value: JsonObject) -> Iterator[Event]:
        index = place_of_text(value, self._content)
        if index is None:
            self._waiting.append(value)
            return
        for citation in read_citation(value):
            yield Noted(Cited(self._content_places[index], citation))

    def _message_end(self, said: JsonObject) -> Iterator[Event]:
        delta = said["delta"]
        for place in sorted(self._silent):
            yield from self._spoken(place)
        if self._waiting:
            yield Noted(Extra("message", {"citations": self._waiting}))
        usage = read_usage(delta.get("usage"))
        if usage is not None:
            yield Noted(usage)
        reason = delta.get("finish_reason")
        if reason in BROKEN or delta.get("error"):
            self._broke = broken(reason or "", said)
            return
        finish = read_finish(reason)
        if finish is not None:
            yield Finished(0, finish)
        self.ended = True

    def _error(self, said: JsonObject) -> Iterator[Event]:
        raise error_inside(said)


def _ending_in(events: list[Event], error: APIError) -> Iterator[Event]:
    yield from events
    raise error


_HANDLERS: dict[str, Callable[[CohereReader, JsonObject], Iterator[Event]]] = {
    "content-delta": CohereReader._content_delta,
    "content-start": CohereReader._content_start,
    "content-end": CohereReader._content_end,
    "tool-plan-delta": CohereReader._plan_delta,
    "tool-call-start": CohereReader._call_start,
    "tool-call-delta": CohereReader._call_delta,
    "tool-call-end": CohereReader._call_end,
    "citation-start": CohereReader._citation_start,
    "message-start": CohereReader._message_start,
    "message-end": CohereReader._message_end,
    "error": CohereReader._error,
}
