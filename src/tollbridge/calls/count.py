"""Asking a provider that can count how many tokens a request has."""

from __future__ import annotations

import msgspec

from tollbridge.calls.aside import aside
from tollbridge.calls.ask import Ask, field, name_model
from tollbridge.calls.beside import ask_beside, below
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import ERROR_BYTES_MAX, says_no_such_path
from tollbridge.catalog.tokens import count_request
from tollbridge.errors import APIError, BadGatewayError
from tollbridge.transport.base import Incoming, Transport
from tollbridge.wires.openai_responses.vocabulary import NAME as RESPONSES
from tollbridge.wires.tap import decode_object

_encode = msgspec.json.Encoder().encode


WHOLE_REQUESTS = ("generateContentRequest", "generate_content_request")
"""Fields under which a whole request may stand, with its model."""


def counts_upstream(ask: Ask, deployment: Deployment) -> bool:
    """The deployment counts, and reads the question as it was asked."""
    return _path(ask, deployment.for_dialect(ask.dialect.name)) is not None


def _path(ask: Ask, deployment: Deployment) -> str | None:
    """Where it is asked; None where it cannot be."""
    if ask.dialect.name != deployment.wire.name:
        return None
    if ask.dialect.name != RESPONSES:
        return deployment.count_tokens_path
    return below(deployment, "/input_tokens")


def count_here(ask: Ask) -> bytes:
    """Raises BadRequestError."""
    dialect, counted = ask.dialect, count_request(ask.request().value)
    named = {"object": dialect.count_object} if dialect.count_object else {}
    return _encode({**named, dialect.count_field: counted})


async def count_upstream(ask: Ask, deployment: Deployment, transport: Transport) -> bytes:
    """The provider's own answer, as bytes; counted here where this deployment cannot count. Raises APIError, also for
    an answer that is no count."""
    native = deployment.for_dialect(ask.dialect.name)
    path = _path(ask, native)
    if path is None:
        return await aside(count_here, ask)
    try:
        return await _counted(ask, native, transport, path)
    except APIError as error:
        if ask.dialect.name == RESPONSES and says_no_such_path(error):  # many who speak it count nothing
            return await aside(count_here, ask)
        raise


async def _counted(ask: Ask, deployment: Deployment, transport: Transport, path: str) -> bytes:
    fields = {name: raw for name, raw in ask.fields.items() if name not in deployment.drops}
    name_model(fields, deployment.model_raw, in_path=deployment.wire.in_path)
    for name in WHOLE_REQUESTS:
        if name in fields and isinstance(whole := field(fields, name), dict):
            fields[name] = msgspec.Raw(_encode({**whole, "model": f"models/{deployment.model}"}))

    def read(_: Incoming, body: bytes) -> bytes:
        _check(body, ask.dialect.count_field)
        return body

    return await ask_beside(ask, deployment, transport, fields, path, ERROR_BYTES_MAX, read)


def _check(body: bytes, field: str) -> None:
    told = decode_object(body)
    if told is None or told.get(field).__class__ is not int:
        raise BadGatewayError("The provider's answer is no count of tokens.")
