"""Asking a provider that can count how many tokens a request has."""

from __future__ import annotations

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import ERROR_BYTES_MAX, refused
from tollbridge.calls.prepare import outgoing
from tollbridge.calls.redact import without_secrets
from tollbridge.catalog.tokens import count_request
from tollbridge.errors import APIError, BadGatewayError
from tollbridge.transport.base import Transport

_encode = msgspec.json.Encoder().encode


class _Counted(msgspec.Struct):
    input_tokens: int


_decode = msgspec.json.Decoder(_Counted).decode


async def count_upstream(ask: Ask, deployment: Deployment, transport: Transport) -> bytes:
    """The provider's own answer, as bytes; counted here where this deployment cannot count. Raises APIError, also for
    an answer that is no count."""
    path = deployment.count_tokens_path
    if path is None:
        return _encode({"input_tokens": count_request(ask.request().value)})
    fields = {name: raw for name, raw in ask.fields.items() if name not in deployment.drops}
    fields["model"] = deployment.model_raw
    try:
        incoming = await transport.send(
            outgoing(ask, deployment, _encode(fields), path), ask.limited(deployment.timeouts)
        )
        if incoming.status >= 400:
            raise await refused(incoming, deployment)
        body = await incoming.read(ERROR_BYTES_MAX)
        _check(body)
        return body
    except APIError as error:
        if not error.provider:
            error.provider, error.model = deployment.provider, deployment.model
        without_secrets(error, deployment.hidden)
        raise


def _check(body: bytes) -> None:
    try:
        _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError(f"The provider's answer is no count of tokens: {error}.") from error
