"""All rounds of a tool loop as one stream of the client's dialect: what its own tools were called for is hidden, what
came of it is shown between two rounds, and the end is told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tollbridge.calls.asked import head_of
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Streaming
from tollbridge.calls.heard import Heard
from tollbridge.calls.streams import ByNext, Stream
from tollbridge.errors import APIError
from tollbridge.ledger.meter import Said
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.fold import Folder
from tollbridge.model.parts import Part, Text, ToolCall
from tollbridge.model.response import Caveat, Choice, Finish, Usage
from tollbridge.server.tool_loop import BETWEEN, ToolLoop
from tollbridge.server.tool_parts import flat
from tollbridge.wires.base import StreamWriter
from tollbridge.wires.neutral import read_events
from tollbridge.wires.tap import Along


async def streamed(loop: ToolLoop) -> Streaming:
    """With the first event of the first round in hand. Raises APIError."""
    shown = [*loop.listings(), *await loop.before()]
    first = await loop.round()
    assert isinstance(first, Streaming)
    return Streaming(
        first.deployment, LoopStream(loop, first, shown), first.headers, first.caveats, False, first.upstream_s
    )


class LoopStream(ByNext):
    """`calls.streams.Stream`: all rounds as one stream of the client's dialect. `said`, `exact`, `heard`: of the last
    round, which is accounted for when it ends."""

    def __init__(self, loop: ToolLoop, first: Streaming, shown: list[Part]) -> None:
        self._loop = loop
        self._inner: Stream = first.stream
        self._deployment: Deployment = first.deployment
        self._writer: StreamWriter = loop.client.dialect.stream_writer(head_of(loop.client, first.deployment))
        self._due = shown  # told as soon as the answer has begun
        self._began = False
        self._over = False
        self._told: tuple[Caveat, ...] = ()
        self._next = 0  # index of the client's next part
        self._places: dict[int, int | None] = {}  # of this round's parts; None: hidden
        self._round = Folder()
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._said_before = self._says = False  # text, in earlier rounds and in this one

    @property
    def broken(self) -> APIError | None:
        return self._inner.broken

    @property
    def closing(self) -> bool:
        return self._over

    @property
    def ended(self) -> bool:
        return self._over

    @property
    def said(self) -> Along:
        return self._inner.said

    @property
    def exact(self) -> bool:
        return self._inner.exact

    def heard(self) -> Heard:
        return self._inner.heard()

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        return (*self._writer.caveats, *self._told)

    async def begin(self, first: bytes) -> None:
        """It has begun: `first` of the constructor."""

    async def next(self) -> bytes:
        while not self._over:
            block = await self._inner.next()
            if block:
                told = b"".join([self._event(event) for event in read_events(block)])
            else:
                told = await self._round_ended()
            if told:
                return told
        return b""

    def fail(self, error: APIError) -> bytes:
        return self._writer.fail(error)

    def abort(self) -> None:
        self._inner.abort()

    async def _round_ended(self) -> bytes:
        loop = self._loop
        response = self._round.response()
        choice = response.choices[0] if response.choices else Choice()
        calls, goes_on = loop.calls(choice.parts)
        loop.count(self._usage)
        if not goes_on:
            self._told = loop.unfinished(calls)
            return self._end(calls)
        inner = self._inner
        await loop.account(loop.ask, Said(inner.said, inner.exact, inner.heard), inner)
        shown = loop.shown(calls, await loop.run(choice.parts, calls))
        told = b"".join(map(self._emit, self._whole(shown)))
        result = await loop.round()
        assert isinstance(result, Streaming)
        self._inner, self._deployment = result.stream, result.deployment
        self._places, self._round, self._usage = {}, Folder(), None
        self._said_before, self._says = self._said_before or self._says, False
        return told

    def _end(self, calls: Sequence[ToolCall]) -> bytes:
        """What was asked for and is not run here, then the end."""
        loop = self._loop
        told = [self._emit(event) for event in self._whole([loop.unrun(call) for call in calls])]
        if loop.usage is not None:
            told.append(self._emit(Noted(loop.usage)))
        told.append(self._emit(Finished(0, self._finish or Finish(reason="other"))))
        self._over = True
        return b"".join(told) + self._writer.close()

    def _event(self, event: Event) -> bytes:
        self._round.add(event)
        match event:
            case Began():
                if self._began:
                    return b""
                self._began = True
                due, self._due = self._due, []
                return self._emit(event) + b"".join(map(self._emit, self._whole(due)))
            case Noted(Usage() as usage):
                self._usage = usage
                return b""
            case Finished(choice, finish):
                if choice == 0:
                    self._finish = finish
                return b""
            case Opened(0, index, part):
                if isinstance(part, ToolCall) and part.runs_on == "client" and self._loop.toolbox.owns(part.name):
                    self._places[index] = None
                    return b""
                place = self._places[index] = self._place()
                return self._between(part) + self._emit(Opened(0, place, part))
            case Grew(0, index, text, aspect):
                place_of = self._places.get(index)
                return b"" if place_of is None else self._emit(Grew(0, place_of, text, aspect))
            case Closed(0, index):
                place_of = self._places.get(index)
                return b"" if place_of is None else self._emit(Closed(0, place_of))
            case Noted(Extra(of="part", value=value, index=index), 0):
                place_of = self._places.get(index)
                return b"" if place_of is None else self._emit(Noted(Extra("part", value, place_of), 0))
            case Noted(Cited(index, citation), 0):
                place_of = self._places.get(index)
                return b"" if place_of is None else self._emit(Noted(Cited(place_of, citation), 0))
            case _:
                return self._emit(event)

    def _between(self, part: Part) -> bytes:
        """Before the first text of a later round, in a dialect that has one text for all."""
        if not isinstance(part, Text):
            return b""
        apart = self._said_before and not self._says and flat(self._loop.client.dialect.name)
        self._says = True
        return b"".join(map(self._emit, self._whole([Text(text=BETWEEN)]))) if apart else b""

    def _whole(self, parts: Sequence[Part]) -> Iterator[Event]:
        for part in parts:
            place = self._place()
            yield Opened(0, place, part)
            yield Closed(0, place)

    def _place(self) -> int:
        place, self._next = self._next, self._next + 1
        return place

    def _emit(self, event: Event) -> bytes:
        return self._writer.write(event)
