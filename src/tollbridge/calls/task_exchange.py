"""Send one ask for a task, read the answer: as `calls.exchange` does for conversations, with the task's own wire.

Relayed: dialect and wire agree, so the content goes on as it came, but for the model's name and what the operator says;
the answer comes back as it is. Translated: read by the dialect, written by the wire, and the answer likewise. One that
is more than the provider takes at once is asked in parts, `PARTS_AT_ONCE` together; where one fails the others are
given up, and it is an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, cast
from urllib.parse import urlencode

import msgspec

from tollbridge.calls.aside import aside, is_short
from tollbridge.calls.ask import Ask, name_model
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import ANSWER_BYTES_MAX, Answer, Streaming, refused, says_no_such_path
from tollbridge.calls.headers import lines
from tollbridge.calls.outgoing import with_token
from tollbridge.calls.prepare import judge
from tollbridge.calls.redact import redact_errors, without_secrets
from tollbridge.calls.task_ask import TaskAsk, with_texts
from tollbridge.calls.task_streams import EventStream, RawStream, ReadyStream
from tollbridge.errors import APIError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat, Usage
from tollbridge.model.tasks.task import TaskRequest, TaskResponse
from tollbridge.transport.base import Incoming, Outgoing, Transport
from tollbridge.wires.base import Written
from tollbridge.wires.multipart import write_form
from tollbridge.wires.one_way import dropped
from tollbridge.wires.tap import Along
from tollbridge.wires.task import AnyProviderTaskWire, At, Blob, Content, Form, Heads

PARTS_AT_ONCE = 8
EVENTS, JSON = b"text/event-stream", b"application/json"

_encode = msgspec.json.Encoder().encode


async def exchange_task(ask: Ask, deployment: Deployment, transport: Transport) -> Answer | Streaming:
    """One attempt. Raises APIError with `provider` and `model` set."""
    assert isinstance(ask, TaskAsk)
    if ask.stream and not ask.wire.streams:
        error = BadRequestError("Answers to this are no streams - at `$.stream`. Leave it out.", param="stream")
        error.unsent = True
        raise error
    try:
        spoken = deployment.task(ask.wire.task.name)
    except APIError as error:
        error.provider, error.model = deployment.provider, deployment.model
        raise
    spoken = msgspec.structs.replace(spoken, id=deployment.id, group=deployment.group)
    try:
        if spoken.wire.name == ask.wire.name:
            return await _relayed(ask, spoken, transport)
        return await _translated(ask, spoken, transport)
    except APIError as error:
        if not error.provider:
            error.provider, error.model = spoken.provider, spoken.model
        without_secrets(error, spoken.hidden)
        if says_no_such_path(error):
            raise _not_there(ask, spoken, error) from error
        raise


def _not_there(ask: TaskAsk, deployment: Deployment, error: APIError) -> BadRequestError:
    """The provider does not do this task. That is no failure of the deployment, which may have a chat to answer."""
    return BadRequestError(
        f"{deployment.provider} has no such task for {ask.model!r}: {error.message}",
        param="model",
        code="unsupported_endpoint",
        provider=deployment.provider,
        model=deployment.model,
        wire=error.wire,
    )


async def _relayed(ask: TaskAsk, deployment: Deployment, transport: Transport) -> Answer | Streaming:
    content, caveats = _as_it_came(ask, deployment)
    caveats = (*ask.caveats, *caveats) if ask.caveats else caveats
    began = time.monotonic()
    incoming = await _sent(ask, deployment, transport, content, caveats)
    kind = _printable(incoming.header(b"content-type") or JSON)
    wire, heads = _wire(deployment), incoming.headers
    if kind.startswith(EVENTS):
        stream = EventStream(incoming, ask, wire, deployment)
        await _begun(stream, incoming)
        return Streaming(deployment, stream, heads, caveats, True, time.monotonic() - began)
    line = lines(((b"content-type", kind),))
    if wire.raw and not kind.startswith(JSON):
        sound = RawStream(incoming, ask, deployment)
        await sound.begin(b"")
        return Streaming(deployment, sound, heads, caveats, True, time.monotonic() - began, line)
    body = redact_errors(await incoming.read(ANSWER_BYTES_MAX), deployment.hidden)
    waited = time.monotonic() - began
    along = wire.read_along(body, _heads(incoming))
    usage, exact = await _used(ask, along.usage, deployment.model)
    said = Along(usage, along.id, along.service_tier)
    body = wire.completed(body, along, ask.id)
    if ask.stream:  # it was answered whole all the same
        asked = ask.asked().value
        told = ask.wire.write_stream(wire.read_response(body, _heads(incoming), asked), asked)
        stream_of_it = ReadyStream(told, said, exact=exact, wire=ask.wire)
        return Streaming(deployment, stream_of_it, heads, caveats, False, waited)
    return Answer(deployment, body, said, heads, caveats, True, waited, line, exact)


def _printable(value: bytes) -> bytes:
    """What a provider says of its answer's kind goes on as a line of ours."""
    return bytes(byte for byte in value if 0x20 <= byte < 0x7F)


async def _begun(stream: EventStream, incoming: Incoming) -> None:
    began = False
    try:
        await stream.begin(await incoming.chunk())
        began = True
    finally:
        if not began:
            incoming.abort()


async def _translated(ask: TaskAsk, deployment: Deployment, transport: Transport) -> Answer | Streaming:
    asked = ask.asked()
    wire, task = _wire(deployment), ask.wire.task
    request = _with_defaults(ask, deployment) or asked.value
    most = wire.most(deployment.model) if task.parts is not None else None
    inputs: Sequence[TaskRequest] = [request]
    if most is not None and task.parts is not None:
        inputs = task.parts(request, most)
    written = [wire.write_request(part, deployment.target) for part in inputs]
    contents = [changed(one.value, deployment) for one in written]
    caveats = _distinct((*ask.caveats, *asked.caveats, *written[0].caveats, *contents[0][1]))
    began = time.monotonic()
    turns = asyncio.Semaphore(PARTS_AT_ONCE)

    async def answer(content: Content, part: TaskRequest) -> tuple[TaskResponse, Incoming]:
        async with turns:
            incoming = await _sent(ask, deployment, transport, content, caveats)
            body = redact_errors(await incoming.read(ANSWER_BYTES_MAX), deployment.hidden)
        try:
            return wire.read_response(body, _heads(incoming, content), part), incoming
        except APIError as error:
            spent = wire.read_spent(body)
            if spent is not None:
                ask.spent[error] = spent
            raise

    asking = [answer(content, part) for (content, _), part in zip(contents, inputs, strict=True)]
    answers = await _all(asking, ask, deployment)
    waited = time.monotonic() - began
    headers = answers[-1][1].headers
    whole = answers[0][0]
    if len(answers) > 1 and task.joined is not None:
        whole = task.joined([one for one, _ in answers])
    whole = msgspec.structs.replace(
        whole, id=whole.id or ask.id, model=whole.model or deployment.model, created=whole.created or ask.created
    )
    usage, exact = await _used(ask, whole.usage, deployment.model)
    whole = msgspec.structs.replace(whole, usage=usage)
    said = Along(usage, whole.id)
    if ask.stream and not ask.wire.raw:
        stream = ReadyStream(ask.wire.write_stream(whole, request), said, exact=exact, wire=ask.wire)
        return Streaming(deployment, stream, headers, caveats, False, waited)
    shown: Written[JsonObject | Blob] = ask.wire.write_response(whole, request)
    caveats = (*caveats, *shown.caveats)
    match shown.value:
        case Blob(data, media_type):
            kind = lines(((b"content-type", media_type.encode("latin-1", "replace")),))
            return Answer(deployment, data, said, headers, caveats, False, waited, kind, exact)
        case value:
            return Answer(deployment, _encode(value), said, headers, caveats, False, waited, exact=exact)


async def _used(ask: TaskAsk, told: Usage | None, model: str) -> tuple[Usage, bool]:
    """As `ask.usage`; nobody but who asks waits, where long texts must be counted."""
    if (told is not None and (told.input or told.units)) or is_short(ask, 0, model):
        return ask.usage(told, model)
    return await aside(ask.usage, told, model)


async def _all(
    answers: Sequence[Coroutine[Any, Any, tuple[TaskResponse, Incoming]]], ask: TaskAsk, deployment: Deployment
) -> list[tuple[TaskResponse, Incoming]]:
    """In order. Where one fails the rest is cancelled, and its error raised; what the others used is kept with the
    ask."""
    if len(answers) == 1:
        return [await answers[0]]
    tasks = [asyncio.ensure_future(one) for one in answers]
    try:
        return list(await asyncio.gather(*tasks))
    except APIError as error:
        done = [task.result()[0] for task in tasks if task.done() and not task.cancelled() and not task.exception()]
        if done and ask.wire.task.joined is not None:
            ask.spent[error] = ask.wire.task.joined(done).usage or Usage(input=ask.count(deployment.model))
        raise
    finally:
        for task in tasks:
            task.cancel()


def _wire(deployment: Deployment) -> AnyProviderTaskWire:
    return cast(AnyProviderTaskWire, deployment.wire)


async def _sent(
    ask: TaskAsk, deployment: Deployment, transport: Transport, content: Content, caveats: tuple[Caveat, ...]
) -> Incoming:
    """The answer's head is here, and it is no error."""
    if caveats:
        judge(caveats, ask, deployment)
    timeouts = ask.limited(deployment.times(ask))
    outgoing = await with_token(_outgoing(ask, deployment, content), deployment)
    incoming = await transport.send(outgoing, timeouts)
    if incoming.status >= 400:
        raise await refused(incoming, deployment)
    return incoming


def _outgoing(ask: TaskAsk, deployment: Deployment, content: Content) -> Outgoing:
    target = deployment.path
    if isinstance(content, At):
        path, mark, query = target.partition("?")
        path = path.removesuffix("/") if content.path.startswith("/") else path
        target = f"{path}{content.path}{mark}{query}"
        if content.query:
            target += ("&" if "?" in target else "?") + urlencode(content.query)
        content = content.content
    match content:
        case Form():
            body, kind = write_form(content)
        case Blob(data, media_type):
            body, kind = data, media_type or "application/octet-stream"
        case value:
            body, kind = _encode(value), "application/json"
    headers = tuple(header for header in deployment.headers if header[0].lower() != "content-type")
    forwarded = tuple(header for header in ask.headers if header[0] == "traceparent" or header[0].startswith("x-"))
    named = {name for name, _ in forwarded}
    return Outgoing(
        origin=deployment.origin,
        method="POST",
        target=target,
        headers=(
            ("content-type", kind),
            *(header for header in headers if header[0].lower() not in named),
            *forwarded,
        ),
        body=body,
    )


def _as_it_came(ask: TaskAsk, deployment: Deployment) -> tuple[Content, tuple[Caveat, ...]]:
    if ask.form is not None:
        form = with_texts(ask.form, {"model": deployment.model}, over=True)
        form = with_texts(form, dict(deployment.defaults), over=False) if deployment.defaults else form
        names = {name for name, _ in form.fields if name in deployment.drops}
        form = Form(tuple(pair for pair in form.fields if pair[0] not in names))
        if deployment.forced_raw:
            form = with_texts(form, _forced(deployment), over=True)
        return form, tuple(map(dropped, sorted(names)))
    body: JsonObject = {**deployment.defaults, **ask.fields}  # their values stay as they were written
    name_model(body, deployment.model, in_path=_wire(deployment).in_path)
    return changed(body, deployment)


def changed(content: Content, deployment: Deployment) -> tuple[Content, tuple[Caveat, ...]]:
    """With the names that this provider has for fields, without what it refuses, and with what the operator forces."""
    if isinstance(content, At):
        inner, caveats = changed(content.content, deployment)
        assert not isinstance(inner, At)
        query = dict(content.query)
        if not isinstance(inner, dict):  # there is no body to have them
            query.update((name, _text(value)) for name, value in _forced(deployment).items())
        return At(inner, content.path, tuple(query.items())), caveats
    if not isinstance(content, dict):
        return content, ()
    for old, new in deployment.renames.items():
        if old in content:
            value = content.pop(old)
            content.setdefault(new, value)
    lost = [name for name in content if name in deployment.drops]
    for name in lost:
        del content[name]
    content.update(deployment.forced_raw)
    return content, tuple(dropped(name) for name in lost)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else _encode(value).decode()


def _forced(deployment: Deployment) -> JsonObject:
    return {name: msgspec.json.decode(raw) for name, raw in deployment.forced_raw.items()}


def _with_defaults(ask: TaskAsk, deployment: Deployment) -> TaskRequest | None:
    """The request with the operator's defaults, where there are some; they are written in the dialect's words."""
    if not deployment.defaults:
        return None
    content = ask.content()
    if isinstance(content, dict):
        return cast(TaskRequest, ask.wire.read_request({**deployment.defaults, **content}).value)
    assert isinstance(content, Form)
    return cast(TaskRequest, ask.wire.read_request(with_texts(content, dict(deployment.defaults), over=False)).value)


def _heads(incoming: Incoming, content: Content | None = None) -> Heads:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in incoming.headers}
    return Heads(headers.get("content-type", ""), headers, _sent_fields(content))


def _sent_fields(content: Content | None) -> JsonObject:
    if isinstance(content, At):
        content = content.content
    if not isinstance(content, dict):
        return {}
    return {
        name: msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value for name, value in content.items()
    }


def _distinct(caveats: tuple[Caveat, ...]) -> tuple[Caveat, ...]:
    return tuple(dict.fromkeys(caveats))
