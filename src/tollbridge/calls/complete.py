"""One attempt at a legacy completion: relayed where the provider speaks that, else by way of a chat."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming, exchange
from tollbridge.errors import BadRequestError
from tollbridge.transport.base import Transport


def exchange_completion(
    ask: Ask, deployment: Deployment, transport: Transport
) -> Coroutine[Any, Any, Answer | Streaming]:
    """Raises APIError, as `exchange` does."""
    return exchange(ask, _native(deployment) or deployment, transport)


def _native(deployment: Deployment) -> Deployment | None:
    try:
        spoken = deployment.task("completions")
    except BadRequestError:
        return None
    return msgspec.structs.replace(spoken, id=deployment.id, group=deployment.group)
