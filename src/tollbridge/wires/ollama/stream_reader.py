"""Ollama's stream, one JSON object a line -> events.

    {"model", "created_at", "message": {"content", "thinking", "tool_calls"}, "done": false}*
    {..., "done": true, "done_reason", counts and durations}          or, at any time, {"error": "..."}

- All thinking is one part and all text another, each opened when it first says something; a call comes whole.
- What the last line's message says counts too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from tollbridge.errors import Truncated
from tollbridge.model.events import Began, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Text, Thinking
from tollbridge.wires.base import SseEvent
from tollbridge.wires.ollama.errors import error_inside
from tollbridge.wires.ollama.response import (
    extra_of,
    message_of,
    moment,
    read_calls,
    read_finish,
    read_logprobs,
    rest_of,
)
from tollbridge.wires.ollama.shapes import explain_line
from tollbridge.wires.ollama.usage import take_usage
from tollbridge.wires.stumble import STUMBLES


class OllamaReader:
    def __init__(self) -> None:
        self._began = False
        self._places = 0
        self._texts: dict[str, int] = {}
        self._calls = 0
        self.ended = False

    def feed(self, event: SseEvent) -> Iterable[Event]:
        """Raises APIError for an error, BadGatewayError for what cannot be read."""
        line: Json = None
        try:
            line = msgspec.json.decode(event.data)
            if line.get("error"):
                raise error_inside(line)
            return list(self._read(line))
        except STUMBLES as cause:
            explain_line(line, cause)

    def close(self) -> Iterable[Event]:
        """Raises Truncated where no line said `done`."""
        if not self.ended:
            raise Truncated("The stream ended before a line with `done`; what came until then is not a whole answer.")
        return ()

    def _read(self, line: JsonObject) -> Iterator[Event]:
        if not self._began:
            self._began = True
            model = line.get("model")
            yield Began("", model if model.__class__ is str else "", moment(line.get("created_at")))
        message = message_of(line)
        yield from self._said("thinking", message.get("thinking"))
        yield from self._said("content", message.get("content"))
        for call in read_calls(message.get("tool_calls"), str(line.get("created_at")), self._calls):
            place = self._place()
            self._calls += 1
            yield Opened(0, place, msgspec.structs.replace(call, arguments=""))
            yield Grew(0, place, call.arguments, "arguments")
            yield Closed(0, place)
        rest = rest_of(message)
        if rest:
            yield Noted(Extra("message", rest))
        logprobs = read_logprobs(line.get("logprobs"))
        if logprobs is not None:
            yield Noted(Logprobs(logprobs))
        if line.get("done"):
            yield from self._end(line)

    def _said(self, field: Literal["thinking", "content"], text: Json) -> Iterator[Event]:
        if not text:
            return
        if text.__class__ is not str:
            raise TypeError(field)
        place = self._texts.get(field)
        if place is None:
            place = self._texts[field] = self._place()
            yield Opened(0, place, Thinking() if field == "thinking" else Text(text=""))
        yield Grew(0, place, text)

    def _place(self) -> int:
        place = self._places
        self._places += 1
        return place

    def _end(self, line: JsonObject) -> Iterator[Event]:
        rest = dict(line)
        usage = take_usage(rest)
        extra = extra_of(rest)
        if extra:
            yield Noted(Extra("response", extra))
        if usage is not None:
            yield Noted(usage)
        yield Finished(0, read_finish(line.get("done_reason"), calls=self._calls > 0))
        self.ended = True
