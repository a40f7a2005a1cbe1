"""Send one prepared ask, read the answer. Raises APIError: every foreign error is translated here, once.

A stream is handed over with its first event in hand: until then it may be tried elsewhere, from then on it is this
deployment's, and an end without the format's end marker is an error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Coroutine, Mapping
from email.utils import mktime_tz, parsedate_tz
from functools import partial
from typing import Any

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.asked import head_of, write
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.estimate import as_shown, estimated_aside, is_told, must_tell
from tollbridge.calls.framed import unframed, unlisted
from tollbridge.calls.heard import said_by
from tollbridge.calls.outgoing import with_token
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.calls.redact import ERROR_MARK, redact, redact_errors, without_secrets
from tollbridge.calls.relayed_stream import RelayedStream
from tollbridge.calls.streams import Stream, stream_error
from tollbridge.calls.structured import AsText, as_text
from tollbridge.calls.translated_stream import TranslatedStream, WholeStream
from tollbridge.errors import APIError, BadGatewayError
from tollbridge.model.json import Json
from tollbridge.model.response import Caveat, Response
from tollbridge.transport.base import Incoming, Transport
from tollbridge.wires import failure
from tollbridge.wires.base import Head, ProviderWire
from tollbridge.wires.openai_chat.mending import MendingTap, mend
from tollbridge.wires.tap import Along

JSON_KIND = b"content-type: application/json\r\n"
ERROR_BYTES_MAX = 1024 * 1024
ANSWER_BYTES_MAX = 256 * 1024 * 1024

_OF_A_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
"""`model 'x' not found`, as Ollama and Cohere say it without a code."""

_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True, eq=False):
    """A whole answer in the client's dialect, and what it says of itself. `headers`: the provider's, as received.
    `kind`: the header of its media type, as a line. `exact`: of a task, its usage is not our own count."""

    deployment: Deployment
    body: bytes
    said: Along
    headers: list[tuple[bytes, bytes]]
    caveats: tuple[Caveat, ...]
    relayed: bool
    upstream_s: float
    kind: bytes = JSON_KIND
    exact: bool = True


class Streaming(msgspec.Struct, frozen=True, eq=False):
    """A stream in the client's dialect that has begun. `kind`: as of an answer, where it is not one of events."""

    deployment: Deployment
    stream: Stream
    headers: list[tuple[bytes, bytes]]
    caveats: tuple[Caveat, ...]
    relayed: bool
    upstream_s: float
    kind: bytes = b""


def exchange(ask: Ask, deployment: Deployment, transport: Transport) -> Coroutine[Any, Any, Answer | Streaming]:
    """One attempt. Raises APIError with `provider` and `model` set."""
    spoken = deployment.also.get(ask.native or ask.dialect.name, deployment)
    if spoken is deployment or not deployment.also_unsure:
        return _exchange(ask, spoken, transport)  # not by way of another coroutine: it is the hot path
    return _unsure(ask, deployment, spoken, transport)


async def _unsure(ask: Ask, deployment: Deployment, spoken: Deployment, transport: Transport) -> Answer | Streaming:
    """A server that turns out not to have the path of the client's own dialect is asked in its first format."""
    try:
        return await _exchange(ask, spoken, transport)
    except APIError as error:
        if not says_no_such_path(error):
            raise
    return await _exchange(ask, deployment, transport)


def says_no_such_path(error: APIError) -> bool:
    """Of a path, nothing of a model or of what is kept: those have codes, or words."""
    if error.status_code not in (404, 405, 501) or not error.wire or error.code is not None or error.param is not None:
        return False
    return _OF_A_MODEL.search(error.message) is None


async def _exchange(ask: Ask, deployment: Deployment, transport: Transport) -> Answer | Streaming:
    try:
        prepared = prepare(ask, deployment)
    except APIError as error:
        error.unsent = True
        raise
    try:
        began = time.monotonic()
        sent = prepared.outgoing if deployment.tokens is None else await with_token(prepared.outgoing, deployment)
        if deployment.steps is None:
            incoming = await transport.send(sent, prepared.timeouts)
        else:
            incoming = await deployment.steps.ask(sent, transport, prepared.timeouts, stream=ask.stream)
        if incoming.status >= 400:
            raise await refused(incoming, deployment)
        if ask.stream:
            stream = await _open(ask, deployment, incoming, prepared)
            waited = time.monotonic() - began
            return Streaming(deployment, stream, incoming.headers, prepared.caveats, prepared.relayed, waited)
        body = await incoming.read(ANSWER_BYTES_MAX)
        if body.find(ERROR_MARK) >= 0:
            body = redact_errors(body, deployment.hidden)
        waited = time.monotonic() - began
        if prepared.relayed:
            said = deployment.wire.read_along(body)
            if deployment.mends:
                body = mend(body)
            return Answer(deployment, body, said, incoming.headers, prepared.caveats, True, waited)
        response = _read(body, deployment, ask, prepared.wire)
        if prepared.by_tool:
            response = as_text(response)
        said, caveats = said_by(response), prepared.caveats
        if not is_told(response.usage):
            shown = await as_shown(response, ask, deployment)
            response, caveats = shown.response, (*caveats, *shown.caveats)
        written = write(ask, response)
        caveats = (*caveats, *written.caveats)
        return Answer(deployment, _encode(written.value), said, incoming.headers, caveats, False, waited)
    except APIError as error:
        if not error.provider:
            error.provider, error.model = deployment.provider, deployment.model
        without_secrets(error, deployment.hidden)
        raise


async def _open(ask: Ask, deployment: Deployment, incoming: Incoming, prepared: Prepared) -> Stream:
    """The stream with its first event in hand. What the bytes are decides, not the content type."""
    head = head_of(ask, deployment)
    first = await incoming.chunk()
    start = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    stream: Stream
    if start == b"{" and not prepared.wire.streams_bare_json:
        body = redact_errors(await _rest(first, incoming), deployment.hidden)
        response = _read(body, deployment, ask, prepared.wire)
        response = as_text(response) if prepared.by_tool else response
        stream = WholeStream(response, ask.dialect, head, await as_shown(response, ask, deployment))
    elif start == b"[":
        incoming, first = await unlisted(incoming, first)
        stream = _events(ask, deployment, incoming, prepared, head)
    elif start == b"\x00":
        incoming, first = await unframed(incoming, first)
        stream = _events(ask, deployment, incoming, prepared, head)
    elif start == b"<":
        incoming.abort()
        raise BadGatewayError("The provider answered with a web page instead of a stream.")
    else:
        stream = _events(ask, deployment, incoming, prepared, head)
    began = False
    try:
        await stream.begin(first)
        began = True
    finally:
        if not began:
            incoming.abort()
    return stream


def _events(ask: Ask, deployment: Deployment, incoming: Incoming, prepared: Prepared, head: Head) -> Stream:
    if prepared.relayed:
        hides, secrets = prepared.hides_usage, deployment.hidden
        tap = MendingTap(hides) if deployment.mends else None
        return RelayedStream(incoming, ask.dialect, head, hides_usage=hides, secrets=secrets, tap=tap)
    through = AsText() if prepared.by_tool else None
    return TranslatedStream(
        incoming,
        prepared.wire,
        ask.dialect,
        head,
        secrets=deployment.hidden,
        through=through,
        estimate=partial(estimated_aside, ask, deployment) if must_tell(ask) else None,
    )


async def _rest(first: bytes, incoming: Incoming) -> bytes:
    pieces, size = [first], len(first)
    while piece := await incoming.chunk():
        pieces.append(piece)
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            incoming.abort()
            raise BadGatewayError("The provider's answer is over the limit.")
    return b"".join(pieces)


def _read(body: bytes, deployment: Deployment, ask: Ask, wire: ProviderWire) -> Response:
    """A whole answer in neutral form, with an id and a model. Raises what an error under 200 says, and BadGatewayError
    where the provider said nothing at all: `{}` is no answer."""
    try:
        value: Json = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError(f"The provider's answer is not valid JSON: {error}.") from error
    if isinstance(value, dict) and value.get("error") and not (value.get("choices") or value.get("content")):
        raise stream_error(deployment.wire, value, deployment.hidden)
    response = wire.read_response(value)
    if response.usage is None and not any(choice.parts or choice.finish for choice in response.choices):
        raise BadGatewayError("The provider's answer is JSON, but holds no answer.")
    return msgspec.structs.replace(
        response,
        id=response.id or ask.id,
        model=response.model or deployment.model,
        created=response.created or ask.created,
        account=deployment.account,
    )


async def refused(incoming: Incoming, deployment: Deployment) -> APIError:
    """The provider's error, without secrets. Reads the body."""
    body = redact(await incoming.read(ERROR_BYTES_MAX), deployment.hidden)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in incoming.headers}
    error = deployment.wire.read_error(incoming.status, headers, body)
    error.wire = deployment.wire.name
    error.headers = tuple(headers.items())
    if error.retry_after_s is None:
        error.retry_after_s = retry_after_s(headers, time.time())
    return error


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date; `now` is epoch seconds)."""
    told = failure.retry_after_s(headers)
    if told is not None:
        return told
    moment = parsedate_tz(headers.get("retry-after", ""))
    return None if moment is None else max(0.0, mktime_tz(moment) - now)
