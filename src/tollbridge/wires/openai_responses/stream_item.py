"""One item of a stream: its events -> parts. The rules stand at the head of `stream_reader`.

A message is a part for each of its contents, anything else is one part. A custom tool's free text becomes the arguments
of a function with one string, piece by piece.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.model.events import Cited, Closed, Event, Extra, Grew, Logprobs, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.wires import free_text
from tollbridge.wires.openai_responses.answer import is_custom, read_output, take_logprobs
from tollbridge.wires.openai_responses.content import read_citation, read_part
from tollbridge.wires.openai_responses.items import ItemReader
from tollbridge.wires.openai_responses.reasoning import write_signature
from tollbridge.wires.openai_responses.vocabulary import (
    BETWEEN_PIECES,
    BREAKS,
    CALLS,
    FIELD,
    ITEM,
    NAME,
    without,
)

_ITEMS = ItemReader(None)
_MISSING: Any = object()


class Places:
    """The indexes of the parts, and the parts that were opened, as they were then."""

    __slots__ = ("_next", "opened")

    def __init__(self) -> None:
        self._next = 0
        self.opened: list[Part] = []

    def next(self) -> int:
        self._next += 1
        return self._next - 1


class _Growing:
    """A part under way. `piece`: which piece of a reasoning text grows, and how long it is."""

    __slots__ = ("cited", "extra", "index", "over", "part", "piece", "piece_length", "text")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.extra: JsonObject = {} if isinstance(part, Opaque) else dict(part.extra)
        self.text: list[str] = []
        self.cited = 0
        self.piece = 0
        self.piece_length = 0
        self.over = False


class ItemUnderWay:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._place: int | None = places.next()  # of its first part; taken when that opens
        self._fields: JsonObject = {}
        self._growing: dict[int, _Growing] = {}
        self._logprobs = 0  # how many were told
        self._signed = ""  # of a signature: its id is known first
        self._over = False

    def added(self, item: JsonObject, events: list[Event]) -> None:
        kind = item["type"]
        if kind in ("message", "reasoning"):
            self._fields = without(item, "type", "role", "content")
        elif kind in CALLS:
            self._open(0, _empty(_ITEMS.call({**item, CALLS[kind]: ""})), events)

    def part(self, at: int, part: JsonObject, events: list[Event]) -> None:
        kind = part.get("type")
        if at not in self._growing and kind in ("output_text", "refusal"):
            self._open(at, Text(text="") if kind == "output_text" else Refusal(text=""), events)

    def part_done(self, at: int, part: JsonObject, events: list[Event]) -> None:
        """A content of a message is whole; its part is closed with its item, which has more to say of it."""
        if at in self._growing and part.get("type") in ("output_text", "refusal"):
            logprobs: list[Json] = []
            if not part.get("logprobs"):  # some have them in the whole item alone
                part = without(part, "logprobs")
            self._complete(at, take_logprobs(read_part(part, "assistant"), logprobs), events)
            self._probable(logprobs, events)
            self._growing[at].over = True

    def _probable(self, logprobs: list[Json], events: list[Event]) -> None:
        if logprobs:
            self._logprobs += len(logprobs)
            events.append(Noted(Logprobs({"content": logprobs})))

    def grow(self, kind: str, at: int, text: str, events: list[Event]) -> None:
        if kind in ("summary", "content"):
            self._think(kind, at, text, events)
            return
        if at not in self._growing:
            if kind not in ("text", "refusal"):
                return  # arguments of a call that nobody has named yet; they stand in the whole item
            self._open(at, Text(text="") if kind == "text" else Refusal(text=""), events)
        growing = self._growing[at]
        growing.text.append(text)
        if kind == "input":
            text = free_text.wrap_piece(text)
        if text:
            events.append(Grew(0, growing.index, text, "arguments" if kind in ("arguments", "input") else "text"))

    def _think(self, field: str, piece: int, text: str, events: list[Event]) -> None:
        growing = self._growing.get(0)
        if growing is None:
            extra = {} if field == "summary" else {FIELD: field}
            self._open(0, Thinking(origin=NAME, extra=extra), events)
            growing = self._growing[0]
            growing.piece = piece
        elif growing.part.extra.get(FIELD, "summary") != field:  # type: ignore[union-attr]
            return  # of the two, the one that came first is the text; the other stands in the whole item
        if piece != growing.piece:
            events.append(Noted(Extra("part", {BREAKS: [growing.piece_length]}, growing.index)))
            events.append(Grew(0, growing.index, BETWEEN_PIECES))
            growing.text.append(BETWEEN_PIECES)
            growing.piece, growing.piece_length = piece, 0
        growing.piece_length += len(text)
        growing.text.append(text)
        if text:
            events.append(Grew(0, growing.index, text))

    def cite(self, at: int, annotation: JsonObject, events: list[Event]) -> None:
        growing = self._growing.get(at)
        if growing is not None:
            growing.cited += 1
            events.append(Noted(Cited(growing.index, read_citation(annotation))))

    def done(self, item: JsonObject, events: list[Event]) -> None:
        """What is known now that it is whole."""
        if self._over:
            return
        logprobs: list[Json] = []
        parts = read_output(item, logprobs)
        self._probable(logprobs[self._logprobs :], events)
        if not isinstance(parts[0], Opaque) or not self._growing:
            places = sorted(self._growing)  # some count a message's contents from 1
            for number, part in enumerate(parts):
                self._complete(places[number] if number < len(places) else number, part, events)
        self.close(events)

    def close(self, events: list[Event]) -> None:
        if self._over:
            return
        self._over = True
        for growing in self._growing.values():
            events.append(Closed(0, growing.index))

    def _complete(self, at: int, whole: Part, events: list[Event]) -> None:
        if isinstance(whole, Opaque | Media):
            self._open(at, whole, events)
            return
        if at not in self._growing:
            self._open(at, _empty(whole), events)
        growing = self._growing[at]
        text = "".join(growing.text)
        rest = _rest(whole, text, growing.over)
        if rest:
            growing.text.append(rest)
            events.append(Grew(0, growing.index, rest, "arguments" if isinstance(whole, ToolCall) else "text"))
        if isinstance(whole, Thinking) and whole.signature:
            signature = whole.signature.removeprefix(self._signed)
            if signature:
                events.append(Grew(0, growing.index, signature, "signature"))
        for citation in whole.citations[growing.cited :] if isinstance(whole, Text) else ():
            growing.cited += 1
            events.append(Noted(Cited(growing.index, citation)))
        news = {key: value for key, value in whole.extra.items() if growing.extra.get(key, _MISSING) != value}
        growing.extra.update(news)
        if growing.piece_length and growing.piece:
            news.pop(BREAKS, None)  # told when each piece began
        if news:
            events.append(Noted(Extra("part", news, growing.index)))

    def _open(self, at: int, part: Part, events: list[Event]) -> None:
        if isinstance(part, Text | Refusal) and not self._growing:
            part = msgspec.structs.replace(part, extra={**part.extra, ITEM: self._fields})
        index, self._place = self._places.next() if self._place is None else self._place, None
        self._growing[at] = _Growing(index, part)
        self._places.opened.append(part)
        events.append(Opened(0, index, part))
        if isinstance(part, ToolCall) and is_custom(part):
            events.append(Grew(0, index, free_text.BEGINS, "arguments"))
        elif isinstance(part, Thinking) and self._fields.get("id").__class__ is str:
            self._signed = write_signature(self._fields["id"], None) or ""
            events.append(Grew(0, index, self._signed, "signature"))


def _empty(part: Part) -> Part:
    match part:
        case Text():
            return Text(text="")
        case Refusal():
            return Refusal(text="")
        case Thinking():
            return Thinking(origin=part.origin, extra={FIELD: part.extra[FIELD]} if FIELD in part.extra else {})
        case ToolCall():
            return msgspec.structs.replace(part, arguments="")
        case _:
            return part


def _rest(whole: Part, told: str, over: bool) -> str:
    """Of the text, what was not streamed. Nothing, where what was streamed is another text."""
    if over:
        return ""
    match whole:
        case ToolCall(arguments=arguments) if is_custom(whole):
            text = free_text.unwrap(arguments)
            return (free_text.wrap_piece(text[len(told) :]) if text.startswith(told) else "") + free_text.ENDS
        case ToolCall(arguments=text) | Text(text=text) | Refusal(text=text) | Thinking(text=text):
            return text[len(told) :] if text.startswith(told) else ""
        case _:
            return ""
