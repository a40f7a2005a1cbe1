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
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec

from tollbridge.calls.ask import Ask, field
from tollbridge.calls.asked import write
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.heard import Heard
from tollbridge.calls.kept import check_served
from tollbridge.calls.streams import Stream
from tollbridge.errors import BadRequestError
from tollbridge.ledger.meter import Said
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, Request, Tool, ToolChoice
from tollbridge.model.response import Caveat, Choice, Response, Usage
from tollbridge.observe import Record
from tollbridge.server.accounting import Elsewhere
from tollbridge.server.connectors import TOOLSET, connectors, without
from tollbridge.server.inbound import Inbound
from tollbridge.server.tool_history import REFUSED, Answered, remembered
from tollbridge.server.tool_parts import flat, shown_call, shown_listings, unrun_call
from tollbridge.server.toolbox import Ran, Toolbox, Toolboxes
from tollbridge.wires.base import Written
from tollbridge.wires.neutral import NEUTRAL, read_answer

ROUNDS_MAX = 16
NONE = "there is no such server for this key, or it has none that is allowed."
MARKS = (b'"mcp"', b'"url"', b"\\u00")
"""Without one of them a tool is no server. The last: a letter may be written so."""
DEFINED = frozenset(
    {"type", "server_label", "server_url", "require_approval", "allowed_tools", "denied_tools"}
    | {"headers", "authorization"}
)
"""The fields of a definition that mean something here."""
BETWEEN = "\n\n"
"""Between what two rounds said, where a dialect has one text for all."""

AskProvider = Callable[[Ask], Awaitable[Answer | Streaming]]
Account = Callable[[Ask, Said, Stream | None], Awaitable[None]]
"""Of a round that is over and not the last."""


class ToolLoop:
    """`request`: without the definitions that are ours. `ask_provider`: one round; `account`: what it cost."""

    def __init__(
        self,
        ask: Ask,
        request: Request,
        toolbox: Toolbox,
        ask_provider: AskProvider,
        account: Account,
        allowed: Sequence[Answered] = (),
        *,
        elsewhere: Elsewhere,
    ) -> None:
        """`allowed`: what the client answered to calls that waited for it. `elsewhere`: what was waited for so far."""
        self.client = ask
        self._allowed = allowed
        self.toolbox = toolbox
        self.account = account
        self.usage: Usage | None = None
        self._ask_provider = ask_provider
        self._request = msgspec.structs.replace(request, tools=(*request.tools, *toolbox.tools))
        self._rounds = 0
        self.round_began = 0.0
        self.elsewhere = elsewhere
        self.ask = self._next_ask()

    @property
    def ends(self) -> bool:
        """No round may follow."""
        return self._rounds >= ROUNDS_MAX

    async def round(self) -> Answer | Streaming:
        self.ask = self._next_ask()
        self._rounds += 1
        self.round_began = time.monotonic()
        result = await self._ask_provider(self.ask)
        if self._rounds == 1:
            self.elsewhere.to_words_s = self.elsewhere.seconds + result.upstream_s
        return result

    def _next_ask(self) -> Ask:
        """The client's, asked on from what was said since: all that it wished for holds in each round."""
        ask = msgspec.structs.replace(
            self.client,
            dialect=NEUTRAL,
            body=b"",
            fields={},
            native=self.client.dialect.name,
            client=self.client,
            _sealed=None,
        )
        ask.reads(Written(self._request))
        return ask

    async def before(self) -> list[Part]:
        """Makes the calls that the client allowed meanwhile; what it is shown of them."""
        if not self._allowed:
            return []
        mine = [one.call for one in self._allowed if one.allowed and self.toolbox.owns(one.call.name)]
        ran = dict(zip([call.id for call in mine], await self._make(mine), strict=True))
        calls, results = [], []
        for one in self._allowed:
            done = ran.get(one.call.id)
            content: tuple[Part, ...] = (Text(text=REFUSED),) if done is None else done.content
            calls.append(one.call)
            results.append(ToolResult(call_id=one.call.id, content=content, is_error=done is None or done.failed))
        self._add(tuple(calls), tuple(results))
        return self.shown(mine, [ran[call.id] for call in mine])

    def calls(self, parts: Sequence[Part]) -> tuple[list[ToolCall], bool]:
        """(the calls of this round that are run here, whether the loop goes on): all of its calls, or none."""
        calls = [part for part in parts if isinstance(part, ToolCall) and part.runs_on == "client"]
        mine = [call for call in calls if self.toolbox.owns(call.name)]
        goes_on = bool(mine) and len(mine) == len(calls) and all(self.toolbox.runs(call.name) for call in mine)
        return mine, goes_on and not self.ends

    def unfinished(self, calls: Sequence[ToolCall]) -> tuple[Caveat, ...]:
        """Of calls that would have been run, had there been fewer rounds."""
        if not self.ends or not calls or not all(self.toolbox.runs(call.name) for call in calls):
            return ()
        detail = f"The model was asked {ROUNDS_MAX} times, which is all: its last calls were not run."
        return (Caveat(code="rounds_ended", where="$.tools", detail=detail),)

    async def run(self, parts: tuple[Part, ...], calls: Sequence[ToolCall]) -> list[Ran]:
        """Makes the calls, and adds them and what they came to to the request."""
        ran = await self._make(calls)
        results = tuple(
            ToolResult(call_id=call.id, content=done.content, is_error=done.failed)
            for call, done in zip(calls, ran, strict=True)
        )
        self._add(parts, results)
        choice = self._request.tool_choice
        if not isinstance(choice, ToolChoice) or choice.mode in ("required", "tool"):
            self._request = msgspec.structs.replace(self._request, tool_choice=None)
        return ran

    async def _make(self, calls: Sequence[ToolCall]) -> list[Ran]:
        began = time.monotonic()
        try:
            return list(await asyncio.gather(*(self.toolbox.call(call) for call in calls)))
        finally:
            self.elsewhere.seconds += time.monotonic() - began

    def _add(self, parts: tuple[Part, ...], results: tuple[ToolResult, ...]) -> None:
        messages = (
            *self._request.messages,
            Message(role="assistant", parts=parts),
            Message(role="user", parts=results),
        )
        self._request = msgspec.structs.replace(self._request, messages=messages)

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


def definitions(toolboxes: Toolboxes | None, ask: Ask, inbound: Inbound) -> list[JsonObject]:
    """Those of the request's tools that are run here. Quick where there are none."""
    if toolboxes is None:
        return []
    raw = bytes(ask.fields.get("tools", b""))
    found: list[JsonObject] = []
    if any(raw.find(mark) >= 0 for mark in MARKS):
        tools = field(ask.fields, "tools")
        for at, tool in enumerate(tools if isinstance(tools, list) else ()):
            if _is_ours(toolboxes, tool, inbound):
                found.append(tool)
            elif isinstance(tool, dict) and toolboxes.ours({"server_url": tool.get("url")}, inbound):
                raise BadRequestError(
                    f"A server of this gateway's is a tool of type `mcp`, with a `server_url` - at `$.tools[{at}]`.",
                    param=f"tools[{at}]",
                )
    if "mcp_servers" in ask.fields:
        found += connectors(ask, lambda one: toolboxes.ours(one, inbound))
    return found


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
    """`found`: its definitions; one that gives no tools is a caveat. Raises APIError."""
    check_served(ask, same=False)
    began = time.monotonic()
    request, toolbox = await _parted(toolboxes, ask, found, inbound, record)
    elsewhere = Elsewhere(time.monotonic() - began)
    rest = request.tools
    losses = (*_unused(found), *_toolless(toolbox))
    if losses and ask.strict:
        raise BadRequestError(losses[0].detail, param="tools", code=losses[0].code)
    ask.caveats = (*ask.caveats, *losses)
    choice = request.tool_choice
    if isinstance(choice, Opaque):  # one that names an MCP server
        choice = ToolChoice(mode="required")
    messages, allowed = remembered(request.messages)
    request = msgspec.structs.replace(request, messages=messages, tool_choice=choice if rest or toolbox.tools else None)
    return ToolLoop(ask, request, toolbox, ask_provider, account, allowed, elsewhere=elsewhere)


async def with_tools(
    toolboxes: Toolboxes, ask: Ask, found: list[JsonObject], inbound: Inbound, record: Record
) -> Request:
    """The request as a model sees it: the tools of the servers in the place of their definitions."""
    request, toolbox = await _parted(toolboxes, ask, found, inbound, record)
    return msgspec.structs.replace(request, tools=(*request.tools, *toolbox.tools))


async def _parted(
    toolboxes: Toolboxes, ask: Ask, found: list[JsonObject], inbound: Inbound, record: Record
) -> tuple[Request, Toolbox]:
    """The request without the definitions, and what they give."""
    labels = {one["server_label"] for one in found if one["type"] == TOOLSET}
    request = without(ask.request().value, labels)
    rest = tuple(tool for tool in request.tools if not (isinstance(tool, Opaque) and tool.value in found))
    taken = frozenset(tool.name for tool in rest if isinstance(tool, Tool))
    return msgspec.structs.replace(request, tools=rest), await toolboxes.open(found, inbound, record, taken)


def _unused(found: list[JsonObject]) -> tuple[Caveat, ...]:
    """Fields of definitions that nothing is done with here."""
    told: list[Caveat] = []
    for one in found:
        if names := sorted(name for name, value in one.items() if name not in DEFINED and value is not None):
            shown = ", ".join(f"`{name[:100]}`" for name in names)
            detail = f"Nothing is done here with {shown} of the MCP server {str(one.get('server_label'))[:100]!r}."
            told.append(Caveat(code="dropped_field", where="$.tools", detail=detail))
    return tuple(told)


def _toolless(toolbox: Toolbox) -> tuple[Caveat, ...]:
    return tuple(
        Caveat(
            code="no_tools", where="$.tools", detail=f"The MCP server {one.label!r} gives no tools: {one.error or NONE}"
        )
        for one in toolbox.listings
        if not one.tools
    )


async def answered(loop: ToolLoop) -> Answer:
    """The whole answer, when the last round is over. Raises APIError."""
    shown: list[Part] = [*loop.listings(), *await loop.before()]
    while True:
        result = await loop.round()
        assert isinstance(result, Answer)
        response = read_answer(result.body)
        choice = response.choices[0] if response.choices else Choice()
        loop.count(response.usage)
        calls, goes_on = loop.calls(choice.parts)
        if not goes_on:
            return _last(loop, result, response, choice, shown, loop.unfinished(calls))
        said = Said(result.said, result.said.usage is not None, _words(choice), len(result.body))
        await loop.account(loop.ask, said, None)
        shown += (part for part in choice.parts if part not in calls)
        shown += loop.shown(calls, await loop.run(choice.parts, calls))


def _last(
    loop: ToolLoop, result: Answer, response: Response, choice: Choice, shown: list[Part], told: tuple[Caveat, ...]
) -> Answer:
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
        (*result.caveats, *written.caveats, *told),
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


def together(one: Usage, other: Usage) -> Usage:
    """Of two rounds."""
    sums = {}
    for name in COUNTS:
        counts = [count for count in (getattr(one, name), getattr(other, name)) if count is not None]
        sums[name] = sum(counts) if counts else None
    return Usage(**sums)  # type: ignore[arg-type]


COUNTS = tuple(name for name in Usage.__struct_fields__ if name not in ("origin", "spelling", "extra"))
