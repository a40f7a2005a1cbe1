"""The life of a request: identify -> peek -> route -> answer -> account. Plain calls, in this order.

(`admit` in `app.py` identifies, before the body is read.) What waits for the provider and what writes to the client is
one task; when the client leaves it is cancelled, and the provider's connection with it, or it goes on reading alone (a
drain), as the operator said. A stream is told in whole events, with comments in long silences; where it breaks, the
client is told so in its dialect and never shown a normal end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import msgspec

from tollbridge.calls.ask import Ask, is_true, peek, string_field
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.provider_headers import provider_headers
from tollbridge.errors import APIError, APITimeoutError, ServiceUnavailableError
from tollbridge.observe import Record
from tollbridge.observe.record import Outcome
from tollbridge.routing.engine import Trace
from tollbridge.routing.plan import Policy
from tollbridge.server.answers import (
    EVENT_STREAM,
    JSON,
    NO_BUFFERING,
    NO_CACHE,
    Headers,
    error_answer,
    own_headers,
)
from tollbridge.server.controls import Controls, take_controls
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import ClientGone, Inbound, Responder
from tollbridge.server.presence import Heartbeat, Leaving
from tollbridge.wires.base import Head, Wire

FORWARDED = ("anthropic-beta", "anthropic-version", "openai-beta", "idempotency-key", "traceparent")
_FORWARDED = tuple((name.encode(), name) for name in FORWARDED)


class Conversation:
    """One generation request on its way: who asks, in which dialect, how it is answered."""

    __slots__ = ("_dialect", "_gateway", "_heartbeat", "_inbound", "_responder", "record")

    def __init__(self, gateway: Gateway, dialect: Wire, inbound: Inbound, responder: Responder, record: Record) -> None:
        self._gateway = gateway
        self._dialect = dialect
        self._inbound = inbound
        self._responder = responder
        self._heartbeat: Heartbeat | None = None
        self.record = record

    async def run(self, model: str | None = None) -> None:
        """Answers, whatever happens, and accounts for it. `model` is that of the path, where the path names one."""
        load = self._gateway.load
        trace = Trace([])
        if load.requests >= self._gateway.rules.requests_max:
            load.shed += 1
            self._refuse(ServiceUnavailableError("The gateway is at its limit; retry soon.", retry_after_s=1.0))
            return
        load.requests += 1
        leaving = Leaving(self._gateway, self._responder)
        try:
            ask, controls = self._read(model)
            result = await self._gateway.engine.ask(
                ask, trace, policy=self._policy(controls), fallbacks=controls.fallbacks
            )
            self._note(result, trace)
            if isinstance(result, Answer):
                self._reply(result)
            else:
                await self._tell(result)
        except APIError as error:
            self._fail(error, trace)
        except (asyncio.CancelledError, ClientGone):
            self.record.status, self.record.outcome = 499, "cancelled"
            if not leaving.left:
                raise
        finally:
            leaving.over()
            if self._heartbeat is not None:
                self._heartbeat.stop()
            load.requests -= 1
            self._account(trace)

    def _read(self, model: str | None) -> tuple[Ask, Controls]:
        inbound, record, rules = self._inbound, self.record, self._gateway.rules
        fields = peek(inbound.body)
        if model is None:
            model = string_field(fields, "model")
        record.model_asked = model
        stream = record.stream = is_true(fields, "stream")
        controls = take_controls(
            fields,
            inbound.headers,
            metadata_is_ours=self._dialect.asks_for_usage,
            allowed=rules.client_fields,
        )
        record.user, record.tags, record.metadata = controls.user, controls.tags, controls.metadata
        ask = Ask(
            self._dialect,
            inbound.body,
            fields,
            model,
            stream=stream,
            id=record.id,
            created=int(record.at),
            headers=forwarded_headers(inbound.headers),
            seals=self._gateway.seals,
            include_usage=stream and (rules.expose_usage or wants_usage(fields)),
            strict=controls.strict or rules.strict,
            timeout_s=controls.timeout_s,
        )
        group = self._gateway.engine.routes.groups.resolve(model)
        record.group = group.label
        ask.model = group.name
        if stream:
            if self._gateway.load.streams >= rules.streams_max:
                self._gateway.load.shed += 1
                raise ServiceUnavailableError("Too many streams are open; retry soon.", retry_after_s=1.0)
            self._heartbeat = Heartbeat(rules.heartbeat_s, self._responder, self._stream_headers)
        return ask, controls

    def _policy(self, controls: Controls) -> Policy:
        policy = self._gateway.engine.policy
        if controls.retries is None and controls.timeout_s is None:
            return policy
        changes: dict[str, object] = {}
        if controls.retries is not None:
            changes.update(retries=controls.retries, retries_of_deployment=False)
        if controls.timeout_s is not None:
            changes["deadline_s"] = controls.timeout_s
        return msgspec.structs.replace(policy, **changes)

    def _note(self, result: Answer | Streaming, trace: Trace) -> None:
        record, deployment = self.record, result.deployment
        record.deployment, record.provider, record.model = deployment.id, deployment.provider, deployment.model
        record.group, record.relayed, record.caveats = deployment.group, result.relayed, result.caveats
        record.attempts, record.fallbacks = len(trace.attempts), trace.fallbacks
        record.upstream_s = result.upstream_s

    def _reply(self, answer: Answer) -> None:
        self.record.usage, self.record.status = answer.usage, 200
        headers = [
            JSON,
            *own_headers(self.record, answer.deployment, answer.caveats),
            *provider_headers(answer.headers),
        ]
        if self._responder.gone:
            raise ClientGone
        self._responder.reply(200, headers, answer.body)

    def _stream_headers(self) -> Headers:
        return [EVENT_STREAM, NO_CACHE, NO_BUFFERING, *own_headers(self.record, None, ())]

    async def _tell(self, streaming: Streaming) -> None:
        responder, stream, record = self._responder, streaming.stream, self.record
        heartbeat = self._heartbeat
        record.status = 200
        if not responder.started:
            headers = [
                EVENT_STREAM,
                NO_CACHE,
                NO_BUFFERING,
                *own_headers(record, streaming.deployment, streaming.caveats),
                *provider_headers(streaming.headers),
            ]
            responder.start(200, headers)
        record.first_s = time.monotonic() - record.received
        self._gateway.load.streams += 1
        try:
            while block := await stream.next():
                responder.write(block)
                if heartbeat is not None:
                    heartbeat.heard()
                if not responder.gone:
                    await responder.drain()
            responder.finish()
            if stream.broken is not None:
                record.error, record.outcome = type(stream.broken).__name__, "upstream_error"
        except APIError as error:
            self._break_off(streaming, error)
        except ClientGone:
            if self._gateway.rules.cancel_on_disconnect:
                raise
            while await stream.next():
                continue
        finally:
            self._gateway.load.streams -= 1
            stream.abort()
            record.usage = stream.usage
            record.caveats = (*record.caveats, *stream.caveats)

    def _break_off(self, streaming: Streaming, error: APIError) -> None:
        """The stream broke after its first event: the dialect's error, then the end."""
        if not error.provider:
            error.provider, error.model = streaming.deployment.provider, streaming.deployment.model
        self.record.error = type(error).__name__
        self.record.outcome = "timeout" if isinstance(error, APITimeoutError) else "upstream_error"
        self._responder.write(streaming.stream.fail(error))
        self._responder.finish()

    def _fail(self, error: APIError, trace: Trace) -> None:
        record = self.record
        record.attempts, record.fallbacks = len(trace.attempts), trace.fallbacks
        if trace.attempts:
            last = trace.attempts[-1].deployment
            record.deployment, record.provider, record.model = last.id, last.provider, last.model
        record.upstream_s = trace.upstream_s
        self._refuse(error)

    def _refuse(self, error: APIError) -> None:
        record, responder = self.record, self._responder
        status, headers, body = error_answer(self._dialect, error)
        record.status, record.error = status, type(error).__name__
        record.outcome = outcome(error)
        if responder.started:  # a heartbeat began the stream: the error comes as an event
            responder.write(self._dialect.stream_writer(Head()).fail(error))
            responder.finish()
            return
        responder.reply(status, [*headers, *own_headers(record, None, ())], body)

    def _account(self, trace: Trace) -> None:
        record = self.record
        record.duration_s = time.monotonic() - record.received
        for observer in self._gateway.observers:
            observer.done(record)


def forwarded_headers(headers: Mapping[bytes, bytes]) -> tuple[tuple[str, str], ...]:
    """The client's headers that may go upstream; the provider's wire picks its own of them."""
    return tuple((name, headers[raw].decode("latin-1")) for raw, name in _FORWARDED if raw in headers)


def outcome(error: APIError) -> Outcome:
    if isinstance(error, APITimeoutError):
        return "timeout"
    if error.provider:
        return "upstream_error"
    return "client_error" if error.fault == "client" else "gateway_error"


def wants_usage(fields: dict[str, msgspec.Raw]) -> bool:
    """`stream_options.include_usage` is true."""
    options = fields.get("stream_options")
    try:
        return options is not None and msgspec.json.decode(options, type=_StreamOptions).include_usage is True
    except msgspec.DecodeError:
        return False


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None
