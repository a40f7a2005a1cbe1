"""Events -> Response, Response -> events, and events in a row: the only place where streams are assembled.

`Folder` follows `events`' grammar per choice: parts are kept by (choice, index) and joined in index order, so that
interleaved choices and tool calls never mix. `unfold` is its inverse. `Sequencer` serves writers that must finish one
block before the next (Anthropic): while a block is current, what belongs to others waits.

The sequencer's rules
1. The first open part is current; its Grew pass through at once.
2. When another part opens, a current ToolCall is closed once its arguments are a complete JSON object, any other part
   at once (if it grows again later, that opens a new block). Until then the other waits, with all that belongs to it.
3. Parts that wait are released in index order; Closed and Finished release as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tollbridge.model.events import (
    Began,
    Cited,
    Closed,
    Event,
    Extra,
    Finished,
    Grew,
    Logprobs,
    Noted,
    Opened,
)
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Choice, Finish, Response, Usage


def fold(events: Iterable[Event], *, origin: str = "") -> Response:
    """The whole answer that a stream told."""
    folder = Folder(origin=origin)
    for event in events:
        folder.add(event)
    return folder.response()


class _Growing:
    """A part under way: what it opened with, and the pieces since."""

    __slots__ = ("citations", "extra", "part", "signature", "text")

    def __init__(self, part: Part) -> None:
        self.part = part
        self.text: list[str] = []
        self.signature: list[str] = []
        self.citations: list[Citation] = []
        self.extra: JsonObject = {}

    def whole(self) -> Part:
        part, text = self.part, "".join(self.text)
        changes: dict[str, object] = {}
        match part:
            case Text():
                changes = {"text": part.text + text, "citations": (*part.citations, *self.citations)}
            case Thinking():
                changes = {"text": part.text + text, "signature": _joined(part.signature, self.signature)}
            case ToolCall():
                changes = {"arguments": part.arguments + text, "signature": _joined(part.signature, self.signature)}
            case Refusal():
                changes = {"text": part.text + text}
            case _:
                return part
        if self.extra:
            changes["extra"] = _merged(part.extra, self.extra)
        return msgspec.structs.replace(part, **changes)


class _GrowingChoice:
    __slots__ = ("extra", "finish", "logprobs", "message_extra", "parts")

    def __init__(self) -> None:
        self.parts: dict[int, _Growing] = {}
        self.finish: Finish | None = None
        self.logprobs: Json = None
        self.extra: JsonObject = {}
        self.message_extra: JsonObject = {}


class Folder:
    """Collects events; `response()` may be asked at any time, also of a stream that was cut."""

    def __init__(self, *, origin: str = "") -> None:
        self._origin = origin
        self._head = Began()
        self._extra: JsonObject = {}
        self._choices: dict[int, _GrowingChoice] = {}
        self.usage: Usage | None = None

    def add(self, event: Event) -> None:
        match event:
            case Grew(choice, index, text, aspect):
                growing = self._choices[choice].parts[index]
                (growing.signature if aspect == "signature" else growing.text).append(text)
            case Opened(choice, index, part):
                self._choice(choice).parts[index] = _Growing(part)
            case Closed():
                pass
            case Noted(Usage() as usage):
                self.usage = usage
            case Noted(Cited(index, citation), choice):
                self._choices[choice].parts[index].citations.append(citation)
            case Noted(Logprobs(value), choice):
                into = self._choice(choice)
                into.logprobs = _merged(into.logprobs, value)
            case Noted(Extra() as extra, choice):
                self._note_extra(extra, choice)
            case Finished(choice, finish):
                self._choice(choice).finish = finish
            case Began():
                self._head = event
                self._extra = _merged(self._extra, event.extra)

    def response(self) -> Response:
        return Response(
            id=self._head.id,
            model=self._head.model,
            created=self._head.created,
            choices=tuple(
                Choice(
                    index=index,
                    parts=tuple(choice.parts[i].whole() for i in sorted(choice.parts)),
                    finish=choice.finish,
                    logprobs=choice.logprobs,
                    message_extra=choice.message_extra,
                    extra=choice.extra,
                )
                for index, choice in sorted(self._choices.items())
            ),
            usage=self.usage,
            origin=self._origin,
            extra=self._extra,
        )

    def _choice(self, index: int) -> _GrowingChoice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _GrowingChoice()
        return choice

    def _note_extra(self, extra: Extra, choice: int) -> None:
        if extra.of == "response":
            self._extra = _merged(self._extra, extra.value)
            return
        into = self._choice(choice)
        if extra.of == "choice":
            into.extra = _merged(into.extra, extra.value)
        elif extra.of == "message":
            into.message_extra = _merged(into.message_extra, extra.value)
        else:
            growing = into.parts[extra.index]
            growing.extra = _merged(growing.extra, extra.value)


def unfold(response: Response) -> Iterator[Event]:
    """The events of an answer that is already whole; folding them gives it back."""
    yield Began(response.id, response.model, response.created, response.extra)
    for choice in response.choices:
        if choice.message_extra:
            yield Noted(Extra("message", choice.message_extra), choice.index)
        for index, part in enumerate(choice.parts):
            yield from _unfold_part(choice.index, index, part)
        if choice.logprobs is not None:
            yield Noted(Logprobs(choice.logprobs), choice.index)
        if choice.extra:
            yield Noted(Extra("choice", choice.extra), choice.index)
        if choice.finish is not None:
            yield Finished(choice.index, choice.finish)
    if response.usage is not None:
        yield Noted(response.usage)


def _unfold_part(choice: int, index: int, part: Part) -> Iterator[Event]:
    match part:
        case Text():
            yield Opened(choice, index, msgspec.structs.replace(part, text="", citations=()))
            if part.text:
                yield Grew(choice, index, part.text)
            for citation in part.citations:
                yield Noted(Cited(index, citation), choice)
        case Thinking(redacted=False):
            yield Opened(choice, index, msgspec.structs.replace(part, text="", signature=None))
            if part.text:
                yield Grew(choice, index, part.text)
            if part.signature is not None:
                yield Grew(choice, index, part.signature, "signature")
        case ToolCall():
            yield Opened(choice, index, msgspec.structs.replace(part, arguments=""))
            if part.arguments:
                yield Grew(choice, index, part.arguments, "arguments")
        case Refusal():
            yield Opened(choice, index, msgspec.structs.replace(part, text=""))
            if part.text:
                yield Grew(choice, index, part.text)
        case _:
            yield Opened(choice, index, part)
    yield Closed(choice, index)


class Sequencer:
    """Puts the parts of one choice in a row; see the rules at the head of the file."""

    def __init__(self) -> None:
        self._current: int | None = None
        self._part: Part | None = None
        self._seen: list[str] = []
        self._complete: bool | None = None  # whether the current call's arguments are complete JSON; None: not looked
        self._waiting: dict[int, list[Event]] = {}
        self._templates: dict[int, Part] = {}

    def feed(self, event: Event) -> Iterator[Event]:
        """The events that may be written now. Closed for a part comes exactly once, before the next Opened."""
        match event:
            case Grew(_, index):
                if index == self._current:
                    yield self._grown(event)
                elif index in self._waiting:
                    self._waiting[index].append(event)
                    if self._may_close():
                        yield from self._advance(event.choice)
                else:
                    yield from self._reopen(event)
            case Opened(choice, index, part):
                self._templates[index] = part
                self._waiting[index] = [event]
                if self._may_close():
                    yield from self._advance(choice)
            case Closed(choice, index):
                if index == self._current:
                    yield from self._advance(choice)
                elif index in self._waiting:
                    self._waiting[index].append(event)
            case Noted(Cited(index) | Extra(of="part", index=index)) if index in self._waiting:
                self._waiting[index].append(event)
            case Finished(choice):
                while self._current is not None:
                    yield from self._advance(choice)
                yield event
            case _:
                yield event

    def _grown(self, event: Grew) -> Grew:
        if event.aspect == "arguments":
            self._seen.append(event.text)
            self._complete = None
        return event

    def _may_close(self) -> bool:
        """Nothing is under way, or nothing that another part could not interrupt."""
        if not isinstance(self._part, ToolCall):
            return True
        if self._complete is None:
            self._complete = _is_object("".join((self._part.arguments, *self._seen)))
        return self._complete

    def _advance(self, choice: int) -> Iterator[Event]:
        """Close what is current and open what waits, in index order, until one of them must be waited for."""
        yield from self._close_current(choice)
        while self._waiting and self._may_close():
            yield from self._close_current(choice)
            for event in self._waiting.pop(min(self._waiting)):
                match event:
                    case Opened(_, index, part):
                        self._current, self._part, self._seen, self._complete = index, part, [], None
                        yield event
                    case Closed():
                        yield from self._close_current(choice)
                    case Grew():
                        yield self._grown(event)
                    case _:
                        yield event

    def _close_current(self, choice: int) -> Iterator[Event]:
        current, self._current, self._part = self._current, None, None
        if current is not None:
            yield Closed(choice, current)

    def _reopen(self, event: Grew) -> Iterator[Event]:
        """A part that was closed for another's sake grows again: text and thinking go on in a new block."""
        template = self._templates[event.index]
        if isinstance(template, ToolCall):
            return  # its arguments were complete JSON: only white space can follow
        self._waiting[event.index] = [Opened(event.choice, event.index, _empty(template)), event]
        if self._may_close():
            yield from self._advance(event.choice)


def _is_object(text: str) -> bool:
    """Whole arguments. A number or a word could still grow; an object that is whole cannot."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def _empty(part: Part) -> Part:
    match part:
        case Text():
            return Text(text="")
        case Thinking():
            return Thinking(origin=part.origin, account=part.account)
        case Refusal():
            return Refusal(text="")
        case _:
            return part


def _joined(start: str | None, pieces: list[str]) -> str | None:
    return start if not pieces else (start or "") + "".join(pieces)


def _merged(old: Json, new: Json) -> Json:
    """`new` into `old`: objects by key, lists appended, else the later value counts."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _merged(old[key], value) if key in old else value for key, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    return old if new is None else new
