"""Chat chunks -> events. One state per choice, so that interleaved choices never mix.

Rules
1. `content` grows one Text, plain reasoning one Thinking, `refusal` one Refusal, however they interleave: so the same
   answer, not streamed, has them. Our own dialect says where a new one begins (`text_breaks`, `position`).
2. A tool call is known by its `index`; by its id where providers leave the index out or give every call the same.
3. Parts stay open, and Finished is held back, until the stream's end: some providers say more after the finish reason.
4. The end is `[DONE]`, or the end of the bytes once each choice has a finish reason: some providers send no `[DONE]`.
   Anything else is Truncated.
5. Unknown fields become Extra when they change. Padding against traffic analysis is left out.
6. `message` beside `delta` repeats what the deltas say (Perplexity, Writer), and so does `text` (Together).
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError, Truncated
from tollbridge.model.events import Began, Event, Extra, Noted
from tollbridge.model.json import JsonObject
from tollbridge.wires.base import SseEvent
from tollbridge.wires.openai_chat.errors import read_inner_error
from tollbridge.wires.openai_chat.shapes import explain_response
from tollbridge.wires.openai_chat.stream_choice import ChoiceReader
from tollbridge.wires.openai_chat.usage import read_usage
from tollbridge.wires.stumble import STUMBLES

PADDING = frozenset({"obfuscation", "p"})
_HEAD = frozenset({"id", "object", "created", "model", "choices", "usage", "error"}) | PADDING
_decode = msgspec.json.Decoder().decode
_MISSING: Any = object()


class ChatStreamReader:
    """See `wires.base.StreamReader`."""

    def __init__(self) -> None:
        self._began = False
        self.ended = False
        self._id = ""
        self._seen: JsonObject = {}
        self._before: JsonObject = {}  # unknown fields of chunks that came before the head
        self._choices: dict[int, ChoiceReader] = {}

    def feed(self, event: SseEvent) -> list[Event]:
        data = event.data
        if self.ended or not data:
            return []
        if data == "[DONE]" or data.strip() == "[DONE]":
            return self._end()
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as failure:
            if event.event == "error":
                raise read_inner_error(data) from failure
            raise BadGatewayError("The provider's stream holds a chunk that is not JSON.") from failure
        try:
            return self._read(chunk, event.event)
        except STUMBLES as failure:
            raise explain_response(chunk, failure, "chunk") from failure

    def close(self) -> list[Event]:
        if self.ended:
            return []
        if not self._choices or not all(choice.raw for choice in self._choices.values()):
            raise Truncated("The provider's stream ended before its end marker; what arrived is incomplete.")
        return self._end()

    def _end(self) -> list[Event]:
        self.ended = True
        return [event for choice in self._choices.values() for event in choice.end()]

    def _read(self, chunk: JsonObject, name: str) -> list[Event]:
        events: list[Event] = []
        if name == "error" or chunk.get("error"):
            raise read_inner_error(chunk)
        usage = chunk.get("usage")
        if chunk.keys() - _HEAD:
            groq = chunk.get("x_groq")
            if groq.__class__ is dict and "usage" in groq:  # Groq's corner for it
                usage = usage or groq["usage"]
                chunk["x_groq"] = {key: value for key, value in groq.items() if key != "usage"}
            extra = self._news(chunk)
        else:
            extra = None
        if not self._began and not chunk.get("id") and not chunk.get("choices") and usage is None:
            self._before.update(extra or {})  # Azure tells what it filtered before it has an id
        elif not self._began:
            self._begin(chunk, {**self._before, **(extra or {})}, events)
        elif extra:
            events.append(Noted(Extra("response", extra)))
        for choice in chunk.get("choices") or ():
            index = choice.get("index") or 0
            if index.__class__ is not int:
                raise TypeError("index")
            if choice.get("error"):
                raise read_inner_error({"error": choice["error"]})
            state = self._choices.get(index)
            if state is None:
                state = self._choices[index] = ChoiceReader(index, self._id)
            state.read(choice, events)
        if usage is not None:
            counted = read_usage(usage)
            if counted is not None:
                events.append(Noted(counted))
        return events

    def _begin(self, chunk: JsonObject, extra: JsonObject, events: list[Event]) -> None:
        self._began = True
        id, model, created = chunk.get("id"), chunk.get("model"), chunk.get("created")
        self._id = id if id.__class__ is str else ""
        model = model if model.__class__ is str else ""
        events.append(Began(self._id, model, created if created.__class__ is int else None, extra))

    def _news(self, chunk: JsonObject) -> JsonObject:
        """The unknown fields of a chunk that say something new."""
        news: JsonObject = {}
        for key, value in chunk.items():
            if key in _HEAD or value is None or self._seen.get(key, _MISSING) == value:
                continue
            self._seen[key] = value
            news[key] = value
        return news
