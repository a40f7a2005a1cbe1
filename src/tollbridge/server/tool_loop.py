"""A conversation with tools that are run here: the model asks for them, they are called, it is asked again.

1. A round is a request of its own to a provider, with its own entry in the ledger (`parent`: the first round's) and its
   own cost. What the client is told is the sum of all.
2. Calls of one round run side by side. A round ends the loop where it asks for nothing that is run here, for something
   that the client must run or allow first, or where there were `ROUNDS_MAX`: calls that are not run go to the client.
3. The client sees everything that was said, in order, and what was called, in the words that its dialect has for it.
4. `tool_choice: required` binds the first round only: else no round would end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec

from tollbridge.calls.ask import Ask, field
from tollbridge.calls.asked import head_of, write
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.heard import Heard
from tollbridge.calls.kept import check_served
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError
from tollbridge.ledger.meter import Said
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.fold import Folder
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, Request, Tool, ToolChoice
from tollbridge.model.response import Caveat, Choice, Finish, Response, Usage
from tollbridge.observe import Record
from tollbridge.server.inbound import Inbound
from tollbridge.server.tool_parts import flat, shown_call, shown_listings, unrun_call
from tollbridge.server.toolbox import Ran, Toolbox, Toolboxes
from tollbridge.wires.base import StreamWriter, Written
from tollbridge.wires.neutral import NEUTRAL, read_answer, read_events
from tollbridge.wires.tap import Along

ROUNDS_MAX = 16
MARK = b'"mcp"'
BETWEEN = "\n\n"
"""Between what two rounds said, where a dialect has one text for all."""

AskProvider = Callable[[Ask], Awaitable[Answer | Streaming]]
Account = Callable[[Ask, Said, Stream | None], None]
"""Of a round that is over and not the last."""


class ToolLoop:
    """`request`: without the definitions that are ours. `ask_provider`: one round; `account`: what it cost."""

    def __init__(
        self, ask: Ask, request: Request, toolbox: Toolbox, ask_provider: AskProvider, account: Account
    ) -> None:
        self.client = ask
        self.toolbox = toolbox
        self.account = account
        self.usage: Usage | None = None
        self._ask_provider = ask_provider
        self._request = msgspec.structs.replace(request, tools=(*request.tools, *toolbox.tools))
        self._rounds = 0
        self.ask = self._next_ask()

    @property
    def ends(self) -> bool:
        """No round may follow."""
        return self._rounds >= ROUNDS_MAX

    async def round(self) -> Answer | Streaming:
        self.ask = self._next_ask()
        self._rounds += 1
        return await self._ask_provider(self.ask)

    def _next_ask(self) -> Ask:
        client = self.client
        ask = Ask(
            NEUTRAL,
            b"",
            {},
            client.model,
            stream=client.stream,
            id=client.id,
            created=client.created,
            headers=client.headers,
            seals=client.seals,
            include_usage=client.include_usage,
            strict=client.strict,
            drop_params=client.drop_params,
            timeout_s=client.timeout_s,
            caveats=client.caveats,
        )
        ask.native = client.dialect.name
        ask.reads(Written(self._request))
        return ask

    def calls(self, parts: Sequence[Part]) -> tuple[list[ToolCall], bool]:
        """(the calls of this round that are run here, whether the loop goes on): all of its calls, or none."""
        calls = [part for part in parts if isinstance(part, ToolCall) and part.runs_on == "client"]
        mine = [call for call in calls if self.toolbox.owns(call.name)]
        goes_on = bool(mine) and len(mine) == len(calls) and all(self.toolbox.runs(call.name) for call in mine)
        return mine, goes_on and not self.ends

    async def run(self, parts: tuple[Part, ...], calls: Sequence[ToolCall]) -> list[Ran]:
        """Makes the calls, and adds them and what they came to to the request."""
        ran = await asyncio.gather(*(self.toolbox.call(call) for call in calls))
        results = tuple(
            ToolResult(call_id=call.id, content=done.content, is_error=done.failed)
            for call, done in zip(calls, ran, strict=True)
        )
        messages = (
            *self._request.messages,
            Message(role="assistant", parts=parts),
            Message(role="user", parts=results),
        )
        choice = self._request.tool_choice
        if not isinstance(choice, ToolChoice) or choice.mode in ("required", "tool"):
            choice = None
        self._request = msgspec.structs.replace(self._request, messages=messages, tool_choice=choice)
        return ran

    def count(self, usage: Usage | None) -> None:
        if usage is not None:
            self.usage = usage if self.usage is None else together(self.usage, usage)

    def shown(self, calls: Sequence[ToolCall], ran: Sequence[Ran]) -> list[Part]:
        dialect = self.client.dialect.name
        return [part for call, done in zip(calls, ran, strict=True) for part in shown_call(dialect, call, done)]

    def unrun(self, part: Part) -> Part:
        """A call of ours that the client has to allow, in its dialect's words."""
        if isinstance(part, ToolCall) and self.toolbox.owns(part.name):
            return unrun_call(self.client.dialect.name, part, self.toolbox.label(part.name))
        return part

    def listings(self) -> list[Part]:
        return shown_listings(self.client.dialect.name, self.toolbox.listings)


def definitions(toolboxes: Toolboxes, ask: Ask, inbound: Inbound) -> list[JsonObject]:
    """Those of the request's tools that are run here. Quick where there are none."""
    raw = ask.fields.get("tools")
    if raw is None or bytes(raw).find(MARK) < 0:
        return []
    tools = field(ask.fields, "tools")
    return [tool for tool in tools if _is_ours(toolboxes, tool, inbound)] if isinstance(tools, list) else []


def _is_ours(toolboxes: Toolboxes, tool: Json, inbound: Inbound) -> bool:
    return isinstance(tool, dict) and tool.get("type") == "mcp" and toolboxes.ours(tool, inbound)


async def opened(
    toolboxes: Toolboxes,
    ask: Ask,
    found: list[JsonObject],
    inbound: Inbound,
    record: Record,
    ask_provider: AskProvider,
    account: Account,
) -> ToolLoop:
    """`found`: its definitions. Raises APIError."""
    check_served(ask, same=False)
    request = ask.request().value
    rest = tuple(tool for tool in request.tools if not (isinstance(tool, Opaque) and tool.value in found))
    taken = frozenset(tool.name for tool in rest if isinstance(tool, Tool))
    toolbox = await toolboxes.open(found, inbound, record, taken)
    choice = request.tool_choice
    if isinstance(choice, Opaque):  # one that names an MCP server
        choice = ToolChoice(mode="required")
    request = msgspec.structs.replace(request, tools=rest, tool_choice=choice if rest or toolbox.tools else None)
    return ToolLoop(ask, request, toolbox, ask_provider, account)


async def streamed(loop: ToolLoop) -> Streaming:
    """With the first event of the first round in hand. Raises APIError."""
    first = await loop.round()
    assert isinstance(first, Streaming)
    return Streaming(first.deployment, LoopStream(loop, first), first.headers, first.caveats, False, first.upstream_s)


async def answered(loop: ToolLoop) -> Answer:
    """The whole answer, when the last round is over. Raises APIError."""
    shown: list[Part] = loop.listings()
    while True:
        result = await loop.round()
        assert isinstance(result, Answer)
        response = read_answer(result.body)
        choice = response.choices[0] if response.choices else Choice()
        loop.count(response.usage)
        calls, goes_on = loop.calls(choice.parts)
        if not goes_on:
            return _last(loop, result, response, choice, shown)
        loop.account(loop.ask, Said(result.said, result.said.usage is not None, _words(choice)), None)
        shown += (part for part in choice.parts if part not in calls)
        shown += loop.shown(calls, await loop.run(choice.parts, calls))


def _last(loop: ToolLoop, result: Answer, response: Response, choice: Choice, shown: list[Part]) -> Answer:
    parts = tuple(_joined([*shown, *map(loop.unrun, choice.parts)], flat(loop.client.dialect.name)))
    whole = msgspec.structs.replace(
        response, choices=(msgspec.structs.replace(choice, parts=parts), *response.choices[1:]), usage=loop.usage
    )
    written = write(loop.client, whole)
    return Answer(
        result.deployment,
        msgspec.json.encode(written.value),
        result.said,
        result.headers,
        (*result.caveats, *written.caveats),
        False,
        result.upstream_s,
    )


def _joined(parts: list[Part], one_text: bool) -> Iterator[Part]:
    """In a dialect that has one text for all, the text of a later round begins anew."""
    said = False
    for number, part in enumerate(parts):
        if isinstance(part, Text) and part.text:
            if said and one_text and not isinstance(parts[number - 1], Text):
                yield Text(text=BETWEEN)
            said = True
        yield part


def _words(choice: Choice) -> Callable[[], Heard]:
    return lambda: Heard("".join(part.text for part in choice.parts if isinstance(part, Text)))


class LoopStream:
    """`calls.streams.Stream`: all rounds as one stream of the client's dialect. `said`, `exact`, `heard`: of the last
    round, which is accounted for when it ends."""

    def __init__(self, loop: ToolLoop, first: Streaming) -> None:
        self._loop = loop
        self._inner: Stream = first.stream
        self._deployment: Deployment = first.deployment
        self._writer: StreamWriter = loop.client.dialect.stream_writer(head_of(loop.client, first.deployment))
        self._due = loop.listings()  # told as soon as the answer has begun
        self._began = False
        self._over = False
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
        return tuple(self._writer.caveats)

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
            return self._end(calls)
        inner = self._inner
        loop.account(loop.ask, Said(inner.said, inner.exact, inner.heard), inner)
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


def together(one: Usage, other: Usage) -> Usage:
    """Of two rounds."""
    sums = {}
    for name in COUNTS:
        counts = [count for count in (getattr(one, name), getattr(other, name)) if count is not None]
        sums[name] = sum(counts) if counts else None
    return Usage(**sums)  # type: ignore[arg-type]


COUNTS = tuple(name for name in Usage.__struct_fields__ if name not in ("origin", "spelling", "extra"))
