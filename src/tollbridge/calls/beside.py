"""Something else asked of a deployment than what its path is for: at a path beside it, with the client's own fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from tollbridge.calls.ask import Ask, Fields
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import refused
from tollbridge.calls.outgoing import outgoing, with_token
from tollbridge.calls.redact import without_secrets
from tollbridge.errors import APIError
from tollbridge.transport.base import Incoming, Transport

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


def below(deployment: Deployment, end: str) -> str:
    """The deployment's path, with this at its end."""
    path, mark, query = deployment.path.partition("?")
    return f"{path}{end}{mark}{query}"


async def ask_beside(
    ask: Ask,
    deployment: Deployment,
    transport: Transport,
    fields: Fields,
    path: str,
    most: int,
    read: Callable[[Incoming, bytes], T],
) -> T:
    """What `read` makes of the answer, which may have `most` bytes. Raises APIError with `provider` and `model` set."""
    try:
        request = await with_token(outgoing(ask, deployment, _encode(fields), path), deployment)
        incoming = await transport.send(request, ask.limited(deployment.timeouts))
        if incoming.status >= 400:
            raise await refused(incoming, deployment)
        return read(incoming, await incoming.read(most))
    except APIError as error:
        if not error.provider:
            error.provider, error.model = deployment.provider, deployment.model
        without_secrets(error, deployment.hidden)
        raise
