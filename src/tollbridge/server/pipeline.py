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
import time
from functools import partial

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.costed_stream import CostedStream
from tollbridge.calls.exchange import Answer, Streaming, exchange
from tollbridge.calls.heard import heard_in
from tollbridge.calls.listed import ListedStream, as_list
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError, ServiceUnavailableError
from tollbridge.ledger.meter import Said
from tollbridge.model.json import JsonObject
from tollbridge.model.money import spell_dollars
from tollbridge.observe import Record
from tollbridge.routing.engine import Trace
from tollbridge.server.accounting import account, answered, asked_last, failed, of
from tollbridge.server.allowance import Held
from tollbridge.server.answers import (
    JSON_LINES,
    LISTED_LINES,
    STREAM_LINES,
    cost_headers,
    error_answer,
    own_headers,
    passed_on,
    route_headers,
)
from tollbridge.server.controls import NOTHING
from tollbridge.server.gateway import Gateway
from tollbridge.server.idempotency import HEADER as IDEMPOTENCY
from tollbridge.server.idempotency import Claim
from tollbridge.server.identify import CONFIRMED_S, confirm
from tollbridge.server.inbound import ClientGone, Headers, Inbound, Responder
from tollbridge.server.keeping import Keeper, Keeping, Kept
from tollbridge.server.loop_stream import streamed
from tollbridge.server.presence import Heartbeat, Leaving
from tollbridge.server.reachable import reachable
from tollbridge.server.reading import listed, policy_for, read_ask
from tollbridge.server.running import Running
from tollbridge.server.tool_loop import AskProvider, ToolLoop, definitions, opened
from tollbridge.server.tool_loop import answered as whole
from tollbridge.wires.base import Head, Wire
from tollbridge.wires.openai_responses.vocabulary import NAME as RESPONSES

DRAIN_EVERY_BYTES = 32 * 1024
"""A client's pace is asked for that often: it may be so much further behind than the responder allows."""


class Conversation:
    """One generation request on its way: who asks, in which dialect, how it is answered. A task (`server.tasks`) is one
    with another way to read the request (`_read_ask`) and to ask a provider (`_exchange`)."""

    __slots__ = (
        "_accounted",
        "_alone",
        "_ask",
        "_before_nanousd",
        "_claim",
        "_dialect",
        "_gateway",
        "_heartbeat",
        "_held",
        "_inbound",
        "_keeping",
        "_leaving",
        "_loop",
        "_loop_of_tools",
        "_record",
        "_responder",
        "_said",
        "_stream",
        "_trace",
    )

    _read_ask = staticmethod(read_ask)
    _exchange = staticmethod(exchange)

    def __init__(
        self,
        gateway: Gateway,
        dialect: Wire,
        inbound: Inbound,
        responder: Responder,
        record: Record,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`loop`: the running one, found once by the caller: asking for it costs a system call on CPython 3.11."""
        self._gateway = gateway
        self._loop = loop
        self._dialect = dialect
        self._inbound = inbound
        self._responder = responder
        self._record = record
        self._accounted = False
        self._alone: Running | None = None
        self._ask: Ask | None = None
        self._before_nanousd: int | None = 0  # what earlier rounds cost
        self._loop_of_tools: ToolLoop | None = None
        self._claim: Claim | None = None
        self._held: Held | None = None
        self._heartbeat: Heartbeat | None = None
        self._keeping: Keeper | None = None
        self._said: Said | None = None
        self._stream: Stream | None = None
        self._trace = Trace([])

    async def run(self, model: str | None = None) -> None:
        """Answers, whatever happens, and accounts for it. `model` is that of the path, where the path names one."""
        gateway = self._gateway
        load = gateway.load
        load.requests += 1
        leaving = self._leaving = Leaving(gateway, self._responder, self._whole, self._loop)
        record = self._record
        try:
            await self._converse(model)
        except APIError as error:
            self._refuse(error)
        except (asyncio.CancelledError, ClientGone) as error:
            if not self._accounted:
                leaving.tell(record, error)
            if not leaving.left:  # a forced shutdown, or a client that takes nothing
                raise
        except Exception as error:
            if not self._accounted:
                record.status, record.outcome, record.error_class = 500, "gateway_error", type(error).__name__
            raise
        finally:
            leaving.over()
            load.requests -= 1
            if self._heartbeat is not None:
                self._heartbeat.stop()
                load.streams -= 1
            if not self._accounted:
                if leaving.early:
                    record.status, record.outcome = 499, "cancelled"
                self._account()
            if self._held is not None:
                self._held.settle(record)
            if self._claim is not None:
                self._claim.drop()
            self._trace.let_go()
            if self._alone is not None and gateway.responses is not None:
                await gateway.responses.background.over(self._alone)

    def _whole(self) -> bool:
        """All of the answer has been handed to the client, though the provider may not be done: many clients leave
        when they have read the end marker."""
        return self._stream is not None and self._stream.ended

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
        if gateway.references is not None and ask.sealed:
            gateway.references.open(ask, principal)
        allowed = reachable(gateway, principal, ask)
        if IDEMPOTENCY in self._inbound.headers:
            if await self._repeated(ask):
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
        found = definitions(gateway.tools, ask, self._inbound) if gateway.tools and "tools" in ask.fields else []
        if found:
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

    async def _go_on_alone(self, kept: Kept, ask: Ask) -> None:
        """What was asked is done whether the client stays or not; it is told so, or sees the stream."""
        responder, leaving, responses = self._responder, self._leaving, self._gateway.responses
        assert responses is not None
        client = responder if ask.stream else None
        running, queued = await responses.background.begin(kept, ask, client, leaving.cancel)
        self._alone = running
        if not ask.stream:
            headers = [JSON_LINES, own_headers(self._record, self._dialect)]
            if self._held is not None:
                headers.append(self._held.headers())
            if self._claim is not None:
                await self._claim.keep(200, headers, queued)
            responder.reply(200, headers, queued)
        leaving.moves_to(running)
        self._responder = self._keeping = running

    async def _with_tools(self, ask: Ask, found: list[JsonObject], provider: AskProvider) -> Answer | Streaming:
        """Where the request names tools that are run here."""
        tools = self._gateway.tools
        assert tools is not None
        loop = self._loop_of_tools = await opened(
            tools, ask, found, self._inbound, self._record, provider, self._round_over
        )
        return await (streamed(loop) if ask.stream else whole(loop))

    def _round_over(self, ask: Ask, said: Said, stream: Stream | None) -> None:
        """A round of a tool loop that is not the last: it has an entry of its own."""
        record, trace = self._record, self._trace
        entry = msgspec.structs.replace(record, attempts=0, status=200)
        account(self._gateway, entry, trace, ask, said, stream)
        record.parent = record.parent or entry.id
        record.attempts = 0  # the next round is asked of whoever answers then
        cost, before = entry.cost_nanousd, self._before_nanousd
        self._before_nanousd = None if cost is None or before is None else before + cost
        trace.let_go()
        trace.attempts.clear()
        if self._held is not None:
            self._held.round_over(entry)

    def _cost(self) -> int | None:
        """Of the whole request, in nano-dollars, as far as it is accounted for."""
        cost, before = self._record.cost_nanousd, self._before_nanousd
        return None if cost is None or before is None else before + cost

    def _shed(self, message: str) -> ServiceUnavailableError:
        self._gateway.load.shed += 1
        return ServiceUnavailableError(message, retry_after_s=1.0, code="overloaded")

    async def _repeated(self, ask: Ask) -> bool:
        """Answers with the first result under the same Idempotency-Key; where this is the first, it is to be kept."""
        idempotency, inbound, principal = self._gateway.idempotency, self._inbound, self._inbound.principal
        if idempotency is None or principal is None or ask.stream:
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
        self._account()
        own = own_headers(self._record, self._dialect)
        self._responder.reply(begun.status, [*begun.headers, own], begun.body)
        return True

    async def _reply(self, answer: Answer) -> None:
        record, responder = self._record, self._responder
        said = answer.said
        self._said = Said(said, said.usage is not None, partial(heard_in, self._dialect, answer.body))
        if responder.gone and self._claim is None:
            raise ClientGone
        if responder.gone:
            record.status, record.outcome = 499, "cancelled"
        self._account()
        ours = (
            answer.kind
            + own_headers(record, self._dialect)
            + route_headers(record, answer.deployment, answer.caveats)
            + cost_headers(record.cost_nanousd if self._before_nanousd == 0 else self._cost(), self._held)
        )
        headers: Headers = [ours, *passed_on(answer.headers, self._held)]
        if self._keeping is not None:
            await self._keeping.whole(answer)
        if self._claim is not None:
            await self._claim.keep(200, headers, answer.body)
        responder.reply(200, headers, answer.body)

    def _early_headers(self) -> Headers:
        """Of a stream that a heartbeat begins, before it is known who answers."""
        return [self._stream_lines(), own_headers(self._record, self._dialect)]

    def _stream_lines(self) -> bytes:
        return LISTED_LINES if listed(self._inbound) else STREAM_LINES

    async def _tell(self, streaming: Streaming) -> None:
        responder, record = self._responder, self._record
        stream = streaming.stream
        if self._gateway.rules.stream_cost and self._tells_usage():
            stream = CostedStream(stream, self._told_cost)
        if listed(self._inbound):
            stream = ListedStream(stream)
        if self._keeping is not None:
            stream = await self._keeping.streamed(streaming, stream)
        self._stream = stream
        if not responder.started:
            responder.start(
                200,
                [
                    self._stream_lines(),
                    own_headers(record, self._dialect),
                    route_headers(record, streaming.deployment, streaming.caveats),
                    b"" if self._held is None else self._held.headers(),
                    *passed_on(streaming.headers, self._held),
                ],
            )
        record.ttft_ms = (time.monotonic() - record.began) * 1000
        try:
            await self._pump(stream)
        except APIError as error:
            self._break_off(of(streaming.deployment, error))
            self._tell_failure(stream, error)
        finally:
            stream.abort()

    def _tell_failure(self, stream: Stream, error: APIError) -> None:
        """Of a stream that broke."""
        self._responder.write(stream.fail(error))
        self._responder.finish()

    async def _pump(self, stream: Stream) -> None:
        """From the provider to the client, at the client's pace; to nobody, where the client left and is drained. What
        is the end of the stream is written down before it is handed on."""
        responder, heartbeat = self._responder, self._heartbeat
        room = DRAIN_EVERY_BYTES

        def hand_on(block: bytes) -> bool:
            """What needs nobody to wait: there is room for it, and more to come."""
            nonlocal room
            if room <= 0 or responder.gone:
                return False
            responder.write(block)
            room -= len(block)
            if heartbeat is not None:
                heartbeat.heard = True
            return True

        while block := await stream.pour(hand_on):
            if responder.gone:
                continue
            if stream.closing and not self._accounted:
                self._close_account(stream)
            responder.write(block)
            if heartbeat is not None:
                heartbeat.heard = True
            room -= len(block)
            if room > 0:
                continue
            room = DRAIN_EVERY_BYTES
            try:
                await responder.drain()
            except ClientGone:
                if self._gateway.rules.cancel_on_disconnect:
                    raise
        if responder.gone and not self._accounted:
            raise ClientGone
        if not self._accounted:
            self._close_account(stream)
        responder.finish()

    def _tells_usage(self) -> bool:
        """In a chunk of its own, which the client asked for."""
        return self._ask is not None and self._ask.include_usage and self._dialect.asks_for_usage

    def _told_cost(self) -> str | None:
        """Dollars, for the stream's last words, which are about to go; where the client left, to nobody."""
        if self._stream is None or self._responder.gone:
            return None
        if not self._accounted:
            self._close_account(self._stream)
        cost = self._cost()
        return None if cost is None else spell_dollars(cost)

    def _close_account(self, stream: Stream) -> None:
        if stream.broken is not None and self._trace.attempts:
            self._break_off(of(self._trace.attempts[-1].deployment, stream.broken))
        else:
            self._account()

    def _break_off(self, error: APIError) -> None:
        """Of a stream: it is accounted for as one that failed, unless it was whole before."""
        if not self._accounted:
            failed(self._record, error)
            self._account()

    def _refuse(self, error: APIError) -> None:
        """Answers with the error. Where what the request used is accounted for already, that stands."""
        record, responder, trace, held = self._record, self._responder, self._trace, self._held
        status, headers, body = error_answer(self._dialect, error, held)
        if not self._accounted:
            if trace.attempts:
                asked_last(record, trace)
            record.status = status
            failed(record, error)
            self._account()
        if responder.started:  # a heartbeat began the stream: the error comes as an event
            responder.write(self._error_event(error))
            responder.finish()
            return
        own = own_headers(record, self._dialect)
        if trace.attempts:
            own += route_headers(record, trace.attempts[-1].deployment, ()) + cost_headers(self._cost(), held)
        elif held is not None:
            own += held.headers()
        responder.reply(status, [*headers, own], body)

    def _error_event(self, error: APIError) -> bytes:
        """Of a stream that nobody answered."""
        told = self._dialect.stream_writer(Head()).fail(error)
        return as_list(told) if listed(self._inbound) else told

    def _account(self) -> None:
        """Once for each request, when all is known that will be."""
        self._accounted = True
        stream = self._stream
        if stream is not None:
            self._said = Said(stream.said, stream.exact, stream.heard)
        loop = self._loop_of_tools
        ask = self._ask if loop is None else loop.ask
        account(self._gateway, self._record, self._trace, ask, self._said, stream)
