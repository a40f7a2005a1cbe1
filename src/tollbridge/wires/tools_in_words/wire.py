"""A provider's wire whose answers are read with the calls taken out of their texts.

In a stream, each text part becomes as many parts as it turns out to hold: texts and calls, numbered in the order in
which they open. Usage waits for text that is held back, so that it counts all that came before it. Ids of calls are
made of the answer's own id and moment, so that two answers give different ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.json import Json
from tollbridge.model.parts import Part, Text, ToolCall
from tollbridge.model.request import Request
from tollbridge.model.response import Choice, Finish, Response, Usage
from tollbridge.wires.base import HttpRequest, ProviderWire, SseEvent, StreamReader, Target, Written
from tollbridge.wires.tap import Along, Tap
from tollbridge.wires.tools_in_words.finding import Call, Finder, Found


class InWords:
    """`wires.base.ProviderWire` around another one. `names`: of the tools that were offered."""

    def __init__(self, wire: ProviderWire, names: frozenset[str]) -> None:
        self._wire = wire
        self._names = names
        self.name = wire.name
        self.in_path = wire.in_path
        self.asks_for_usage = wire.asks_for_usage
        self.streams_bare_json = wire.streams_bare_json
        self.stream_parser = wire.stream_parser

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]:
        return self._wire.write_request(request, to)

    def read_response(self, body: Json) -> Response:
        response = self._wire.read_response(body)
        salt = _salt(response.id, response.created)
        choices = tuple(_with_calls(choice, self._names, salt) for choice in response.choices)
        return msgspec.structs.replace(response, choices=choices)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return self._wire.read_error(status, headers, body)

    def stream_reader(self) -> StreamReader:
        return _Reader(self._wire.stream_reader(), self._names)

    def stream_tap(self, hides_usage: bool) -> Tap:
        return self._wire.stream_tap(hides_usage)

    def read_along(self, body: bytes) -> Along:
        return self._wire.read_along(body)


def _with_calls(choice: Choice, names: frozenset[str], salt: str) -> Choice:
    parts: list[Part] = []
    calls = 0
    for part in choice.parts:
        if not isinstance(part, Text):
            parts.append(part)
            continue
        finder = Finder(names)
        found = [*finder.feed(part.text), *finder.close()]
        if not any(isinstance(one, Call) for one in found):
            parts.append(part)
            continue
        for one in _joined(found):
            parts.append(_tool_call(one, salt, calls) if isinstance(one, Call) else Text(text=one))
            calls += isinstance(one, Call)
        first = next((place for place, made in enumerate(parts) if isinstance(made, Text)), None)
        if first is not None and (part.citations or part.extra):
            parts[first] = msgspec.structs.replace(parts[first], citations=part.citations, extra=part.extra)
    finish = _finish(choice.finish) if calls else choice.finish
    return msgspec.structs.replace(choice, parts=tuple(parts), finish=finish)


def _joined(found: Iterable[Found]) -> Iterator[Found]:
    """Pieces of text between calls as one."""
    text = ""
    for one in found:
        if isinstance(one, str):
            text += one
            continue
        if text:
            yield text
        text = ""
        yield one
    if text:
        yield text


def _finish(finish: Finish | None) -> Finish | None:
    if finish is None or finish.reason != "stop":
        return finish
    return Finish(reason="tool_calls", raw=finish.raw)


def _salt(answer_id: str, created: int | None) -> str:
    return f"{answer_id}\n{created}"


def _tool_call(call: Call, salt: str, number: int) -> ToolCall:
    said = f"{salt}\n{number}\n{call.name}\n{call.arguments}".encode()
    made = hashlib.blake2b(said, digest_size=12).hexdigest()
    return ToolCall(id=f"call_{made}", name=call.name, arguments=call.arguments)


class _Growing:
    """A text part of the provider's. `place`: of the text that it is writing to now; None while none is open."""

    __slots__ = ("finder", "first", "opened", "place")

    def __init__(self, opened: Text, names: frozenset[str]) -> None:
        self.opened = opened
        self.finder = Finder(names)
        self.place: int | None = None
        self.first: int | None = None  # the first text that it opened: what is cited is cited there


class _Reader:
    """`wires.base.StreamReader` around another one."""

    def __init__(self, reader: StreamReader, names: frozenset[str]) -> None:
        self._reader = reader
        self._names = names
        self._salt = _salt("", None)
        self._texts: dict[tuple[int, int], _Growing] = {}
        self._places: dict[tuple[int, int], int] = {}
        self._next: dict[int, int] = {}
        self._calls: dict[int, int] = {}
        self._held_notes: dict[tuple[int, int], list[Cited | Extra]] = {}
        self._usage: Event | None = None
        self.ended = False

    def feed(self, event: SseEvent) -> Iterable[Event]:
        return self._read(self._reader.feed(event))

    def close(self) -> Iterable[Event]:
        return self._read(self._reader.close())

    def _read(self, events: Iterable[Event]) -> Iterator[Event]:
        try:
            for event in events:
                yield from self._event(event)
        except APIError:
            yield from self._used()
            raise
        self.ended = self._reader.ended
        if self.ended:
            yield from self._used()

    def _used(self) -> Iterator[Event]:
        """The usage that waits."""
        if self._usage is not None:
            yield self._usage
        self._usage = None

    def _event(self, event: Event) -> Iterator[Event]:
        match event:
            case Noted(Usage()) if self._texts:
                self._usage = event
            case Grew(choice, index, text, "text") if (choice, index) in self._texts:
                yield from self._used()
                growing = self._texts[choice, index]
                yield from self._told(choice, growing, growing.finder.feed(text))
            case Opened(choice, index, Text() as part):
                growing = self._texts[choice, index] = _Growing(part, self._names)
                if part.text:
                    yield from self._told(choice, growing, growing.finder.feed(part.text))
            case Closed(choice, index) if (choice, index) in self._texts:
                yield from self._over(choice, index)
            case Opened(choice, index, part):
                place = self._places[choice, index] = self._place(choice)
                yield Opened(choice, place, part)
            case Grew(choice, index, text, aspect):
                yield Grew(choice, self._places[choice, index], text, aspect)
            case Closed(choice, index):
                yield Closed(choice, self._places[choice, index])
            case Noted(Cited(index) | Extra(of="part", index=index) as note, choice):
                yield from self._noted(choice, index, note)
            case Finished(choice, finish):
                for chosen, index in [key for key in self._texts if key[0] == choice]:
                    yield from self._over(chosen, index)
                if not self._texts:
                    yield from self._used()
                yield Finished(choice, (_finish(finish) or finish) if self._calls.get(choice) else finish)
            case Began(id=answer_id, created=created):
                self._salt = _salt(answer_id, created)
                yield event
            case _:
                yield event

    def _told(self, choice: int, growing: _Growing, found: Iterable[Found]) -> Iterator[Event]:
        for one in found:
            if isinstance(one, Call):
                yield from self._closed(choice, growing)
                yield from self._call(choice, one)
                continue
            if growing.place is None:
                growing.place = self._place(choice)
                part = Text(text="")
                if growing.first is None:
                    growing.first = growing.place
                    part = msgspec.structs.replace(growing.opened, text="")
                yield Opened(choice, growing.place, part)
            yield Grew(choice, growing.place, one)

    def _call(self, choice: int, call: Call) -> Iterator[Event]:
        number = self._calls.get(choice, 0)
        self._calls[choice] = number + 1
        made, place = _tool_call(call, self._salt, number), self._place(choice)
        yield Opened(choice, place, msgspec.structs.replace(made, arguments=""))
        yield Grew(choice, place, made.arguments, "arguments")
        yield Closed(choice, place)

    def _over(self, choice: int, index: int) -> Iterator[Event]:
        """The provider's text is over: what was held back of it comes out."""
        growing = self._texts.pop((choice, index))
        yield from self._told(choice, growing, growing.finder.close())
        if growing.first is not None:
            self._places[choice, index] = growing.first
            for note in self._held_notes.pop((choice, index), ()):
                yield Noted(_at(note, growing.first), choice)
        yield from self._closed(choice, growing)

    def _closed(self, choice: int, growing: _Growing) -> Iterator[Event]:
        if growing.place is not None:
            yield Closed(choice, growing.place)
            growing.place = None

    def _noted(self, choice: int, index: int, note: Cited | Extra) -> Iterator[Event]:
        """Of a text, once it has opened; what a call was made of has no citations."""
        growing = self._texts.get((choice, index))
        place = self._places.get((choice, index)) if growing is None else growing.first
        if place is not None:
            yield Noted(_at(note, place), choice)
        elif growing is not None:
            self._held_notes.setdefault((choice, index), []).append(note)

    def _place(self, choice: int) -> int:
        place = self._next.get(choice, 0)
        self._next[choice] = place + 1
        return place


def _at(note: Cited | Extra, place: int) -> Cited | Extra:
    return Cited(place, note.citation) if isinstance(note, Cited) else Extra(note.of, note.value, place)
