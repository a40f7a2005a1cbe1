"""How a request is answered: whole, as a stream at the client's pace, with an error; and accounted for, once.

What a request used and cost is written down before the client has the last bytes of its answer. Where it must be
counted here, and that is long, it is waited for: by this request alone, since a thread counts.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from tollbridge.calls.ask import Ask
from tollbridge.calls.costed_stream import PLACES, CostedStream
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.heard import heard_in
from tollbridge.calls.listed import ListedStream, as_list
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError
from tollbridge.ledger.meter import Said, counted
from tollbridge.model.money import spell_dollars
from tollbridge.observe import Record
from tollbridge.routing.engine import Trace
from tollbridge.server.accounting import account, asked_last, failed, of
from tollbridge.server.allowance import Held
from tollbridge.server.answers import (
    LISTED_LINES,
    STREAM_LINES,
    cost_headers,
    error_answer,
    own_headers,
    passed_on,
    route_headers,
    shown_to,
    time_headers,
)
from tollbridge.server.gateway import Gateway
from tollbridge.server.idempotency import Claim
from tollbridge.server.inbound import ClientGone, Headers, Inbound, Responder
from tollbridge.server.keeping import Keeper
from tollbridge.server.presence import Heartbeat
from tollbridge.server.reading import listed
from tollbridge.server.running import Running
from tollbridge.server.tool_loop import ToolLoop
from tollbridge.wires.base import Head, Wire
from tollbridge.wires.usage_place import UsagePlace

DRAIN_EVERY_BYTES = 32 * 1024
"""A client's pace is asked for that often: it may be so much further behind than the responder allows."""


class Telling:
    """The answering half of a request; `pipeline.Conversation` is the other, which asks."""

    __slots__ = (
        "_accounted",
        "_alone",
        "_ask",
        "_before_nanousd",
        "_claim",
        "_dialect",
        "_entered",
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
        self._accounted = False  # it is decided how it ended
        self._entered = False  # and written down
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

    def _whole(self) -> bool:
        """All of the answer has been handed to the client, though the provider may not be done: many clients leave
        when they have read the end marker."""
        return self._stream is not None and self._stream.ended

    def _cost(self) -> int | None:
        """Of the whole request, in nano-dollars, as far as it is accounted for."""
        cost, before, loop = self._record.cost_nanousd, self._before_nanousd, self._loop_of_tools
        if cost is None or before is None:
            return None
        return before + cost + (0 if loop is None else loop.toolbox.cost_nanousd)

    async def _reply(self, answer: Answer) -> None:
        record, responder, tools = self._record, self._responder, self._loop_of_tools
        said = answer.said
        self._said = Said(said, said.usage is not None, partial(heard_in, self._dialect, answer.body), len(answer.body))
        if responder.gone and self._claim is None:
            raise ClientGone
        if responder.gone:
            record.status, record.outcome = 499, "cancelled"
        await self._account()
        ours = (
            answer.kind
            + own_headers(record, self._dialect)
            + route_headers(record, answer.deployment, answer.caveats)
            + cost_headers(record.cost_nanousd if tools is None else self._cost(), self._held)
            + (time_headers(record) if tools is None else time_headers(record, tools.elsewhere.seconds))
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
        responder, record, tools = self._responder, self._record, self._loop_of_tools
        stream = streaming.stream
        if self._gateway.rules.stream_cost and (place := self._usage_place()) is not None:
            stream = CostedStream(stream, place, self._told_cost)
        if listed(self._inbound):
            stream = ListedStream(stream)
        if self._keeping is not None:
            stream = await self._keeping.streamed(streaming, stream)
        self._stream = stream
        record.ttft_ms = (time.monotonic() - record.began) * 1000
        if not responder.started:
            responder.start(
                200,
                [
                    self._stream_lines(),
                    own_headers(record, self._dialect),
                    route_headers(record, streaming.deployment, streaming.caveats),
                    time_headers(record) if tools is None else time_headers(record, tools.elsewhere.seconds),
                    b"" if self._held is None else self._held.headers(),
                    *passed_on(streaming.headers, self._held),
                ],
            )
        try:
            await self._pump(stream)
        except APIError as error:
            await self._break_off(of(streaming.deployment, error))
            self._tell_failure(stream, error)
        finally:
            stream.abort()

    def _tell_failure(self, stream: Stream, error: APIError) -> None:
        """Of a stream that broke."""
        self._responder.write(stream.fail(shown_to(self._inbound.principal, error)))
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
                await self._close_account(stream)
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
            await self._close_account(stream)
        responder.finish()

    def _usage_place(self) -> UsagePlace | None:
        """Of the client's format; None where it tells no usage, or is to be asked for it and was not."""
        wanted = self._ask is not None and (self._ask.include_usage or not self._dialect.asks_for_usage)
        return PLACES.get(self._dialect.name) if wanted else None

    async def _told_cost(self) -> str | None:
        """Dollars, for the stream's last words, which are about to go; where the client left, to nobody."""
        if self._stream is None or self._responder.gone:
            return None
        if not self._accounted:
            await self._close_account(self._stream)
        cost = self._cost()
        return None if cost is None else spell_dollars(cost)

    async def _close_account(self, stream: Stream) -> None:
        if stream.broken is not None and self._trace.attempts:
            await self._break_off(of(self._trace.attempts[-1].deployment, stream.broken))
        else:
            await self._account()

    async def _break_off(self, error: APIError) -> None:
        """Of a stream: it is accounted for as one that failed, unless it was whole before."""
        if not self._accounted:
            failed(self._record, error)
            await self._account()

    async def _refuse(self, error: APIError) -> None:
        """Answers with the error. Where what the request used is accounted for already, that stands."""
        record, responder, trace, held = self._record, self._responder, self._trace, self._held
        shown = shown_to(self._inbound.principal, error)
        status, headers, body = error_answer(self._dialect, shown, held)
        if not self._accounted:
            if trace.attempts:
                asked_last(record, trace)
            record.status = status
            failed(record, error)
            await self._account()
        if responder.started:  # a heartbeat began the stream: the error comes as an event
            responder.write(self._error_event(shown))
            responder.finish()
            return
        own = own_headers(record, self._dialect)
        caveats = () if self._ask is None else self._ask.caveats
        if trace.attempts:
            own += route_headers(record, trace.attempts[-1].deployment, caveats) + cost_headers(self._cost(), held)
        elif held is not None:
            own += held.headers()
        responder.reply(status, [*headers, own], body)

    def _error_event(self, error: APIError) -> bytes:
        """Of a stream that nobody answered."""
        told = self._dialect.stream_writer(Head()).fail(error)
        return as_list(told) if listed(self._inbound) else told

    async def _account(self, *, here: bool = False) -> None:
        """Once for each request, when all is known that will be. Who is cancelled while tokens are counted has no entry
        yet. `here`: they are counted on the event loop, and nothing is waited for."""
        self._accounted = True
        stream = self._stream
        if stream is not None:
            self._said = Said(stream.said, stream.exact, stream.heard)
        loop = self._loop_of_tools
        ask = self._ask if loop is None else loop.ask
        if ask is not None and ask.instead and self._trace.attempts:
            ask = ask.instead.get(self._trace.attempts[-1].fallback, ask)
        elsewhere = None if loop is None else loop.elsewhere
        said, attempts, counts = self._said, self._trace.attempts, None
        usage = None if said is None or not said.exact else said.along.usage
        told = usage is not None and usage.input and usage.output and len(attempts) == 1
        if not (told or here) and attempts and ask is not None:
            counts = await counted(attempts, ask, said)
        self._entered = True
        account(self._gateway, self._record, self._trace, ask, said, stream, elsewhere, counts)
