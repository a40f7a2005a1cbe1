"""One attempt at a legacy completion: relayed where the provider speaks that, else by way of a chat."""

from __future__ import annotations

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming, exchange, says_no_such_path
from tollbridge.errors import APIError, BadRequestError
from tollbridge.transport.base import Transport
from tollbridge.wires.openai_completions import check_sayable


async def exchange_completion(ask: Ask, deployment: Deployment, transport: Transport) -> Answer | Streaming:
    """Raises APIError, as `exchange` does. A server that turns out not to have the path is asked for a chat."""
    native = _native(deployment)
    if native is not None:
        try:
            return await exchange(ask, native, transport)
        except APIError as error:
            if not says_no_such_path(error):
                raise
    _check(ask, deployment)
    return await exchange(ask, deployment, transport)


def _check(ask: Ask, deployment: Deployment) -> None:
    try:
        check_sayable(ask.json())
    except BadRequestError as error:
        error.provider, error.model, error.unsent = deployment.provider, deployment.model, True
        raise


def _native(deployment: Deployment) -> Deployment | None:
    try:
        spoken = deployment.task("completions")
    except BadRequestError:
        return None
    return msgspec.structs.replace(spoken, id=deployment.id, group=deployment.group)
