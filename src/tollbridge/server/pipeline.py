"""The life of a request: identify -> peek -> authorize -> hold -> route -> account -> answer. Plain calls in a row.

(`admit` in `app.py` identifies, before the body is read.) What waits for the provider and what writes to the client is
one task; when the client leaves it is cancelled, and the provider's connection with it, or it goes on reading alone (a
drain), as the operator said. A stream is told in whole events, with comments in long silences; where it breaks, the
client is told so in its dialect and never shown a normal end.

A request that a provider was asked for is accounted for once: what it used and cost is written to the journal *before*
the client has the last bytes of its answer, and what was held for it (`Held`) is given back after them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.exchange import Answer, Streaming, exchange
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError, BadRequestError, ServiceUnavailableError
from tollbridge.ledger.meter import Said, counted
from tollbridge.model.json import JsonObject
from tollbridge.observe import Record
from tollbridge.server.accounting import account, answered
from tollbridge.server.answers import (
    JSON_LINES,
    own_headers,
)
from tollbridge.server.controls import NOTHING
from tollbridge.server.idempotency import HEADER as IDEMPOTENCY
from tollbridge.server.idempotency import Claim
from tollbridge.server.identify import CONFIRMED_S, confirm
from tollbridge.server.inbound import ClientGone, Inbound, Responder
from tollbridge.server.keeping import Keeping, Kept
from tollbridge.server.loop_stream import streamed
from tollbridge.server.presence import Heartbeat, Leaving
from tollbridge.server.reachable import reachable
from tollbridge.server.reading import policy_for, read_ask
from tollbridge.server.several import SeveralModels, ask_each, read_several
from tollbridge.server.telling import Telling
from tollbridge.server.tool_loop import AskProvider, definitions, opened
from tollbridge.server.tool_loop import answered as whole
from tollbridge.wires.openai_responses.vocabulary import NAME as RESPONSES


class Conversation(Telling):
    """One generation request on its way: who asks, in which dialect, how it is answered. A task (`server.tasks`) is one
    with another way to read the request (`_read_ask`) and to ask a provider (`_exchange`)."""

    __slots__ = ()

    _read_ask = staticmethod(read_ask)
    _exchange = staticmethod(exchange)

    async def run(self, model: str | None = None) -> None:
        """Answers, whatever happens, and accounts for it. `model` is that of the path, where the path names one."""
        gateway = self._gateway
        load = gateway.load
        load.requests += 1
        leaving = self._leaving = Leaving(gateway, self._responder, self._whole, self._loop)
        record, stopping = self._record, False
        try:
            try:
                try:
                    await self._converse(model)
                except SeveralModels as named:
                    await self._ask_each(named)
            except APIError as error:
                await self._refuse(error)
        except (asyncio.CancelledError, ClientGone) as error:
            stopping = isinstance(error, asyncio.CancelledError) and not leaving.left
            if not self._accounted or (not self._entered and record.outcome == "ok"):
                leaving.tell(record, error)
            if not leaving.left:  # a forced shutdown, or a client that takes nothing
                raise
        except Exception as error:
            if not self._accounted:
                record.status, record.outcome, record.error_class = 500, "gateway_error", type(error).__name__
            raise
        finally:
            leaving.over()
            if self._heartbeat is not None:
                self._heartbeat.stop()
                load.streams -= 1
            try:
                if not self._entered:
                    if leaving.early and not self._accounted:
                        record.status, record.outcome = 499, "cancelled"
                    await self._account(here=stopping)
            finally:
                load.requests -= 1  # nothing is waited for from here on, and nothing below is to keep it
                if not self._entered:  # it was cancelled while it was counted: this process stops
                    await self._account(here=True)
                if self._held is not None:
                    self._held.settle(record)
                if self._claim is not None:
                    self._claim.drop()
                self._trace.let_go()
                if self._alone is not None and gateway.responses is not None:
                    await gateway.responses.background.over(self._alone)

    async def _converse(self, model: str | None) -> None:
        gateway = self._gateway
        if gateway.load.requests > gateway.rules.requests_max:
            raise self._shed("The gateway is at its limit; retry soon.")
        if self._loop.time() - self._inbound.received > CONFIRMED_S:
            await confirm(gateway.authenticator, self._inbound)
        ask, controls = self._read_ask(gateway, self._dialect, self._inbound, self._record, model)
        self._ask = ask
        if ask.stream:
            self._record.stream = True
            if gateway.load.streams >= gateway.rules.streams_max:
                raise self._shed("Too many streams are open; retry soon.")
            gateway.load.streams += 1
            self._heartbeat = Heartbeat(
                gateway.rules.heartbeat_s, self._responder, self._early_headers, self._loop, self._dialect.alive
            )
        engine = gateway.engine
        if gateway.journal.failing:
            gateway.journal.check()
        principal = self._inbound.principal
        if gateway.references is not None:
            for one in (ask, *ask.instead.values()) if ask.instead else (ask,):
                if one.sealed:
                    gateway.references.open(one, principal)
        allowed = reachable(gateway, principal, ask)
        if IDEMPOTENCY in self._inbound.headers:
            if await self._repeated(ask.stream):
                return
            principal = self._inbound.principal
        keeping: Keeping | None = None
        if self._dialect.name == RESPONSES and gateway.responses is not None and principal is not None:
            keeping = self._keeping = await gateway.responses.begin(principal.id, ask)
        if principal is not None and principal.key is not None:
            self._held = gateway.allowance.hold(principal.key, ask, engine.routes, controls.fallbacks)
        if keeping is not None and keeping.kept.background:
            await self._go_on_alone(keeping.kept, ask)
        policy = engine.policy if controls is NOTHING else policy_for(controls, engine.policy)
        names_tools = "tools" in ask.fields or "mcp_servers" in ask.fields
        found = definitions(gateway.tools, ask, self._inbound) if names_tools else []
        if found:
            if ask.instead:
                raise BadRequestError(
                    "Where tools are run here, a fallback goes on from what they told, and is asked nothing else - at "
                    "`$.fallbacks`. Name models alone.",
                    param="fallbacks",
                )
            provider = partial(
                engine.ask, trace=self._trace, policy=policy, fallbacks=controls.fallbacks, allowed=allowed
            )
            result = await self._with_tools(ask, found, provider)
        else:
            result = await engine.run(
                ask, self._trace, self._exchange, policy=policy, fallbacks=controls.fallbacks, allowed=allowed
            )
        answered(self._record, self._trace, result)
        if isinstance(result, Answer):
            await self._reply(result)
        else:
            await self._tell(result)

    async def _ask_each(self, named: SeveralModels) -> None:
        """Each is accounted for, and this is none. Who leaves leaves all of them, but for who will ask again."""
        gateway, dialect, loop = self._gateway, self._dialect, self._loop
        wanted = read_several(named, self._inbound.body)
        if IDEMPOTENCY in self._inbound.headers and await self._repeated(wanted.stream):
            return
        if self._claim is None:
            self._leaving.over()

        def run(inbound: Inbound, responder: Responder, record: Record) -> Coroutine[Any, Any, None]:
            return Conversation(gateway, dialect, inbound, responder, record, loop).run()

        self._accounted = self._entered = True
        await ask_each(wanted, self._inbound, self._responder, self._record, dialect, run, self._claim)

    async def _go_on_alone(self, kept: Kept, ask: Ask) -> None:
        """What was asked is done whether the client stays or not; it is told so, or sees the stream."""
        responder, leaving, responses = self._responder, self._leaving, self._gateway.responses
        assert responses is not None
        client = responder if ask.stream else None
        running, queued = await responses.background.begin(kept, ask, client, leaving.cancel)
        self._alone = running
        leaving.moves_to(running)
        if not ask.stream:
            headers = [JSON_LINES, own_headers(self._record, self._dialect)]
            if self._held is not None:
                headers.append(self._held.headers())
            if self._claim is not None:
                await self._claim.keep(200, headers, queued)
            responder.reply(200, headers, queued)
        self._responder = self._keeping = running

    async def _with_tools(self, ask: Ask, found: list[JsonObject], provider: AskProvider) -> Answer | Streaming:
        """Where the request names tools that are run here."""
        tools = self._gateway.tools
        assert tools is not None
        loop = self._loop_of_tools = await opened(
            tools, ask, found, self._inbound, self._record, provider, self._round_over
        )
        return await (streamed(loop) if ask.stream else whole(loop))

    async def _round_over(self, ask: Ask, said: Said, stream: Stream | None) -> None:
        """A round of a tool loop that is not the last: it has an entry of its own."""
        record, trace = self._record, self._trace
        entry = msgspec.structs.replace(record, attempts=0, status=200)
        if self._loop_of_tools is not None:
            later_s = self._loop_of_tools.round_began - record.began
            entry.began, entry.at = record.began + later_s, record.at + later_s
            entry.ttft_ms = max(0.0, record.ttft_ms - later_s * 1000)
        counts = None
        try:
            counts = await counted(trace.attempts, ask, said)
        finally:  # also where the client leaves meanwhile: its request has an entry of its own
            account(self._gateway, entry, trace, ask, said, stream, None, counts)
            self._next_round(entry)

    def _next_round(self, entry: Record) -> None:
        """`entry`: of the one before."""
        record, trace = self._record, self._trace
        if self._loop_of_tools is not None:
            self._loop_of_tools.elsewhere.seconds += entry.upstream_ms / 1000
        record.parent = record.parent or entry.id
        record.attempts = 0  # the next round is asked of whoever answers then
        cost, before = entry.cost_nanousd, self._before_nanousd
        self._before_nanousd = None if cost is None or before is None else before + cost
        trace.let_go()
        trace.attempts.clear()
        if self._held is not None:
            self._held.round_over(entry)

    def _shed(self, message: str) -> ServiceUnavailableError:
        self._gateway.load.shed += 1
        return ServiceUnavailableError(message, retry_after_s=1.0, code="overloaded")

    async def _repeated(self, stream: bool) -> bool:
        """Answers with the first result under the same Idempotency-Key; where this is the first, it is to be kept."""
        idempotency, inbound, principal = self._gateway.idempotency, self._inbound, self._inbound.principal
        if idempotency is None or principal is None or stream:
            return False
        begun = await idempotency.begin(principal, inbound.path, inbound.headers[IDEMPOTENCY], inbound.body)
        if isinstance(begun, Claim):
            self._claim = begun
            self._leaving.wanted = True
            await confirm(self._gateway.authenticator, inbound)  # it may have waited long for another's result
            return False
        if principal.key is not None:
            self._gateway.allowance.count(principal.key)
        self._record.status = begun.status
        await self._account()
        own = own_headers(self._record, self._dialect)
        self._responder.reply(begun.status, [*begun.headers, own], begun.body)
        return True
