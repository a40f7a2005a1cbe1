"""One request that is passed through: who may -> what is asked -> hold -> send -> tell -> account.

Method, path, query and body go on as they came, and so does the answer, in both directions at the pace of who takes it.
What changes: the credential; a JSON body is without what it says to the gateway alone (`litellm_metadata`); of the
client's headers only those on the list go along (`along.py`), of the provider's only those on theirs; no error shows a
secret; a redirect is not followed.

A request to a known endpoint is priced and metered like any other. Of all else it is not known what it costs: its entry
in the ledger says so (no cost, which is not 0), and a budget lets one at a time through while something is left of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from msgspec.json import encode

from tollbridge.calls.ask import Ask, Fields, decode, is_true, peek, string_field
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import ANSWER_BYTES_MAX, ERROR_BYTES_MAX
from tollbridge.calls.framed import unlisted
from tollbridge.calls.heard import heard_in
from tollbridge.calls.listed import ListedStream
from tollbridge.calls.place import Place
from tollbridge.calls.redact import redact, redact_errors, without_secrets
from tollbridge.calls.relayed_stream import RelayedStream
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError, BadRequestError, ServiceUnavailableError
from tollbridge.ledger.meter import Said, counted
from tollbridge.observe import Record
from tollbridge.passing.along import headers_along, request_along
from tollbridge.passing.begun import Begun
from tollbridge.passing.endpoints import Endpoint, known
from tollbridge.passing.way import Way
from tollbridge.routing.engine import Attempt, Trace
from tollbridge.secret import without_keys
from tollbridge.server.accounting import account, failed
from tollbridge.server.allowance import Held
from tollbridge.server.answers import (
    cost_headers,
    error_answer,
    own_headers,
    passed_on,
    printable,
    shown_to,
    time_headers,
)
from tollbridge.server.controls import NOTHING, take_notes
from tollbridge.server.gateway import Gateway
from tollbridge.server.identify import confirm
from tollbridge.server.inbound import ClientGone, Headers, Inbound, Responder
from tollbridge.server.multipart import read_field
from tollbridge.server.notes import LOGGED_CHARACTERS_MAX
from tollbridge.server.other_models import check_named
from tollbridge.server.presence import Leaving
from tollbridge.server.reachable import unpriced
from tollbridge.server.uploading import collected, confirmed, kept_or_flowing
from tollbridge.transport.base import Flow, Incoming, Outgoing
from tollbridge.wires.base import Head, Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT

Deployments = Callable[[Place, str], Deployment]
"""What a provider's model is and costs. Raises APIError."""

_READS = ("GET", "HEAD")
_EVENTS = b"text/event-stream"


class Passage:
    def __init__(
        self,
        gateway: Gateway,
        way: Way,
        deployments: Deployments,
        inbound: Inbound,
        responder: Responder,
        record: Record,
    ) -> None:
        self._gateway = gateway
        self._way = way
        self._deployments = deployments
        self._inbound = inbound
        self._responder = responder
        self._record = record
        self._dialect: Wire = OPENAI_CHAT
        self._ask: Ask | None = None
        self._held: Held | None = None
        self._trace = Trace([])
        self._said: Said | None = None
        self._stream: Stream | None = None
        self._sent_at: float | None = None
        self._accounted = False  # it is decided how it ended
        self._entered = False  # and written down
        self._told = False

    async def run(self, path: str) -> None:
        """`path`: below the way. Answers, whatever happens, and accounts for it."""
        load, record, stopping = self._gateway.load, self._record, False
        load.requests += 1
        leaving = Leaving(self._gateway, self._responder, lambda: self._told, asyncio.get_running_loop())
        try:
            try:
                await self._pass(path)
            except APIError as error:
                await self._refuse(error)
        except (asyncio.CancelledError, ClientGone) as error:
            stopping = isinstance(error, asyncio.CancelledError) and not leaving.left
            if not self._accounted or (not self._entered and record.outcome == "ok"):
                leaving.tell(record, error)
            if not leaving.left:
                raise
        except Exception as error:
            if not self._accounted:
                record.status, record.outcome, record.error_class = 500, "gateway_error", type(error).__name__
            raise
        finally:
            leaving.over()
            try:
                if not self._entered:
                    await self._account(here=stopping)
            finally:
                load.requests -= 1  # nothing is waited for from here on, and nothing below is to keep it
                if not self._entered:  # it was cancelled while it was counted: this process stops
                    await self._account(here=True)
                if self._held is not None:
                    self._held.settle(record)
                self._trace.let_go()

    # what is asked

    async def _pass(self, path: str) -> None:
        gateway, way, inbound, record = self._gateway, self._way, self._inbound, self._record
        record.provider = record.deployment = way.place.name
        if gateway.load.requests > gateway.rules.requests_max:
            gateway.load.shed += 1
            raise ServiceUnavailableError("The gateway is at its limit; retry soon.", retry_after_s=1.0)
        gateway.journal.check()
        self._noted({})
        endpoint = None if way.own else known(inbound.method, path)
        if endpoint is not None and endpoint.wire:
            self._dialect = gateway.dialects[endpoint.wire]
        whole = way.opens_to(inbound.principal)
        if not whole:
            way.check_path(endpoint)
        body, flow = await self._body(endpoint, whole)
        body = self._name(endpoint, body, whole) if endpoint is not None else self._without_notes(body)
        if flow is not None or body:
            await confirm(gateway.authenticator, inbound)
        self._hold()
        request = await request_along(way, inbound, gateway.rules, path, body, flow)
        await self._tell(await self._send(request))

    async def _body(self, endpoint: Endpoint | None, whole: bool) -> tuple[bytes, Flow | None]:
        """What names a model, or may, is read before anything is sent, and so is JSON, as far as bodies are kept; the
        rest goes on as it comes."""
        inbound = self._inbound
        kind = inbound.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        streams = kind.startswith(b"multipart/") or kind == b"application/octet-stream"
        is_json = kind == b"application/json" or kind.endswith(b"+json")
        authenticator = self._gateway.authenticator
        if inbound.flow is None or (endpoint is not None and (is_json or not (streams and whole))):
            return await collected(authenticator, inbound), None
        return await kept_or_flowing(authenticator, inbound) if is_json else (b"", confirmed(authenticator, inbound))

    def _name(self, endpoint: Endpoint, body: bytes, whole: bool) -> bytes:
        """The model that is asked for, and what it costs. -> the body, without what is for us. Raises APIError where
        the key may not ask for it."""
        record, principal, way = self._record, self._inbound.principal, self._way
        fields: Fields = {}
        kind = self._inbound.headers.get(b"content-type", b"").decode("latin-1")
        model = endpoint.model
        if kind.lower().startswith("multipart/"):
            model = model or (read_field(body, kind, "model") if body else None)
        elif body:
            fields = peek(body)
            if self._noted(fields) or not whole:  # where a name stands twice, the one that is checked goes on
                body = encode(fields)
            if not whole:
                way.check_body(decode(body))
            if model is None and (whole or "model" in fields or not endpoint.wire):
                model = string_field(fields, "model") if "model" in fields else None
        if model is None:
            if not whole:
                raise BadRequestError("The body lacks `model`.", param="model")
            return body
        record.model_requested = record.model = without_keys(model[:LOGGED_CHARACTERS_MAX])
        try:
            deployment = self._deployments(way.place, model)
        except APIError:
            if not whole:
                raise
            return body
        if not whole and principal is not None:
            groups = self._gateway.engine.routes.groups
            way.check_model(principal.access, groups, model, deployment)
            check_named(principal.access, groups, fields, (deployment,))
        if not endpoint.wire:
            return body
        stream = is_true(fields, "stream") if endpoint.stream is None else endpoint.stream
        record.stream = stream
        self._trace.attempts.append(Attempt(deployment))
        self._ask = Ask(self._dialect, body, fields, model, stream=stream, id=record.request_id, created=int(record.at))
        return body

    def _without_notes(self, body: bytes) -> bytes:
        """What is asked is not known; a body that is no JSON object goes on as it is."""
        if body.lstrip()[:1] != b"{":
            return body
        try:
            fields = peek(body)
        except BadRequestError:
            return body
        return encode(fields) if self._noted(fields, known=False) else body

    def _noted(self, fields: Fields, *, known: bool = True) -> bool:
        """Whether something in `fields` was for us alone: it is told to the log, and taken out. `known`: what is asked
        is."""
        sent = len(fields)
        notes = take_notes(fields, self._inbound.headers, known=known)
        if notes is not NOTHING:
            notes.note(self._record)
        return len(fields) != sent

    def _hold(self) -> None:
        gateway, principal, ask = self._gateway, self._inbound.principal, self._ask
        attempts = self._trace.attempts
        if gateway.rules.block_unpriced and self._inbound.method not in (*_READS, "DELETE"):
            known_price = bool(attempts) and attempts[0].deployment.tariff.covers
            if not known_price and self._way.cost_nanousd is None:
                raise unpriced(self._record.model_requested or self._way.path)
        if principal is None or principal.key is None:
            return
        allowance, key = gateway.allowance, principal.key
        if ask is not None:
            self._held = allowance.hold_among(key, ask, [attempts[0].deployment])
        elif self._way.cost_nanousd is not None:
            self._held = allowance.hold_cost(key, self._way.cost_nanousd)
        elif self._inbound.method in _READS:
            self._held = allowance.hold_cost(key, 0)
        else:
            self._held = allowance.hold_unknown(key)

    # what is sent

    async def _send(self, request: Outgoing) -> Incoming:
        place, attempts = self._way.place, self._trace.attempts
        timeouts = place.timeouts
        if attempts:
            deployment = attempts[0].deployment
            timeouts = deployment.stream_timeouts if self._record.stream else deployment.timeouts
        self._sent_at = time.monotonic()
        if attempts:
            attempts[0].began = self._gateway.engine.routes.now()
        try:
            incoming = await self._gateway.engine.transport.send(request, timeouts)
        except APIError as error:
            error.provider = error.provider or place.root.provider
            without_secrets(error, place.hidden)
            self._failed(error)
            raise
        self._record.upstream_ms = (time.monotonic() - self._sent_at) * 1000
        return incoming

    def _failed(self, error: APIError) -> None:
        for attempt in self._trace.attempts:
            attempt.error = error
            attempt.seconds = self._gateway.engine.routes.now() - attempt.began

    # what is told

    async def _tell(self, incoming: Incoming) -> None:
        record = self._record
        record.status, record.relayed = incoming.status, True
        whole = False
        try:
            if self._inbound.method == "HEAD" or incoming.status in (204, 304):
                await self._reply(incoming, b"")
            elif incoming.status >= 400:
                await self._tell_error(incoming)
            elif self._ask is None:
                await self._tell_as_it_comes(incoming)
            elif self._ask.stream:
                await self._tell_stream(incoming, self._ask)
            else:
                await self._tell_answer(incoming)
            whole = True
        finally:
            if not whole or not self._told:
                incoming.abort()

    async def _tell_error(self, incoming: Incoming) -> None:
        body = redact(await incoming.read(ERROR_BYTES_MAX), self._way.place.hidden)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in incoming.headers}
        error = self._dialect.read_error(incoming.status, headers, body)
        error.wire = self._dialect.name
        failed(self._record, error)
        self._failed(error)
        await self._reply(incoming, body)

    async def _tell_answer(self, incoming: Incoming) -> None:
        body = redact_errors(await incoming.read(ANSWER_BYTES_MAX), self._way.place.hidden)
        try:
            along = self._dialect.read_along(body)
            self._said = Said(along, along.usage is not None, partial(heard_in, self._dialect, body), len(body))
        except APIError:  # not of the format: it goes on as it is, and what it cost is not known
            self._ask = None
        await self._reply(incoming, body)

    async def _reply(self, incoming: Incoming, body: bytes) -> None:
        await self._account()
        self._told = True
        self._responder.reply(incoming.status, self._answer_headers(incoming, costs=True), body)

    async def _tell_as_it_comes(self, incoming: Incoming) -> None:
        """The last piece waits until it is known to be the last: the entry is written before it goes."""
        responder = self._responder
        piece = await incoming.chunk()
        responder.start(incoming.status, self._answer_headers(incoming))
        try:
            while piece:
                following = await incoming.chunk()
                if not following:
                    await self._account()
                responder.write(piece)
                await responder.drain()
                piece = following
        except APIError as error:
            failed(self._record, error)
            responder.abort()
            return
        if not self._accounted:
            await self._account()
        self._told = True
        responder.finish()

    async def _tell_stream(self, incoming: Incoming, ask: Ask) -> None:
        responder, dialect = self._responder, self._dialect
        headers = self._answer_headers(incoming)
        first = await incoming.chunk()
        if first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"<"):  # no stream, whatever was asked for
            self._ask = None
            await self._tell_as_it_comes(Begun(incoming, first))
            return
        listed = first.lstrip(b" \t\r\n")[:1] == b"["
        if listed:
            incoming, first = await unlisted(incoming, first)
        hidden = self._way.place.hidden
        stream: Stream = RelayedStream(incoming, dialect, Head(id=ask.id), hides_usage=False, secrets=hidden)
        await stream.begin(first)
        self._stream = stream = ListedStream(stream) if listed else stream
        responder.start(incoming.status, headers)
        self._record.ttft_ms = (time.monotonic() - self._record.began) * 1000
        try:
            while block := await stream.next():
                if stream.closing and not self._accounted:
                    await self._account()
                self._told = self._told or self._accounted
                responder.write(block)
                await responder.drain()
            if not self._accounted:
                await self._account()
            self._told = True
        except APIError as error:
            if not self._accounted:
                failed(self._record, error)
                await self._account()
            responder.write(stream.fail(shown_to(self._inbound.principal, error)))
        responder.finish()

    def _answer_headers(self, incoming: Incoming, *, costs: bool = False) -> Headers:
        held, record = self._held, self._record
        own = own_headers(record, self._dialect) + b"x-tollbridge-provider: %b\r\n" % printable(record.provider)
        if costs:
            own += cost_headers(record.cost_nanousd, held)
            own += time_headers(record) if incoming.status < 400 else b""
        elif held is not None:
            own += held.headers()
        return [own, *headers_along(incoming), *passed_on(incoming.headers, held)]

    async def _refuse(self, error: APIError) -> None:
        record, responder = self._record, self._responder
        status, headers, body = error_answer(self._dialect, shown_to(self._inbound.principal, error), self._held)
        if not self._accounted:
            if self._sent_at is not None and self._trace.attempts and self._trace.attempts[0].error is None:
                self._failed(error)
            record.status = status
            failed(record, error)
            await self._account()
        if responder.started:
            responder.abort()
            return
        self._told = True
        responder.reply(status, [*headers, own_headers(record, self._dialect)], body)

    async def _account(self, *, here: bool = False) -> None:
        """Once. What was refused here is in the log alone. `here`: as a `Telling` has it."""
        self._accounted = True
        record, gateway, attempts = self._record, self._gateway, self._trace.attempts
        stream = self._stream
        if stream is not None:
            self._said = Said(stream.said, stream.exact, stream.heard)
            if stream.broken is not None and record.outcome == "ok":
                failed(record, stream.broken)
        if self._sent_at is None:
            attempts.clear()
        elif attempts and self._ask is not None:
            if self._said is None and attempts[0].error is None:
                attempts[0].abandoned = True
                attempts[0].seconds = gateway.engine.routes.now() - attempts[0].began
            record.attempts = 1
            deployment = attempts[0].deployment
            record.deployment, record.group, record.model = deployment.id, deployment.group, deployment.model
            counts = None if here else await counted(attempts, self._ask, self._said)
            self._entered = True
            account(gateway, record, self._trace, self._ask, self._said, stream, None, counts)
            return
        self._entered = True
        record.duration_ms = (time.monotonic() - record.began) * 1000
        record.overhead_ms = max(0.0, record.duration_ms - record.upstream_ms)
        if self._sent_at is None:
            gateway.observe(record, None)
            return
        record.attempts = 1
        record.id = gateway.ulids.next()
        refused = record.outcome == "upstream_error" and 400 <= record.status < 500
        record.cost_nanousd = 0 if refused else self._way.cost_nanousd
        if record.cost_nanousd is not None:
            record.priced = "config" if not refused else ""
        gateway.observe(record, gateway.journal.append(record))
