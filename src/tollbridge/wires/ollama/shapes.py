"""What answers look like: used only to explain a failure, never to read."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json
from tollbridge.wires.stumble import said


class _Function(msgspec.Struct):
    name: str
    arguments: dict[str, Any] | str | None = None


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Logprob(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[dict[str, Any]] | None = None


class _Response(msgspec.Struct):
    message: _Message | None = None
    response: str | None = None
    logprobs: list[_Logprob] | None = None


def explain_response(body: Json, cause: Exception) -> NoReturn:
    """Raise BadGatewayError that names the place in a provider's body."""
    raise BadGatewayError(f"The provider's answer could not be read: {_fault(body, cause)}", body=body) from cause


def explain_line(line: Json, cause: Exception) -> NoReturn:
    """Raise BadGatewayError for a line of a provider's stream."""
    raise BadGatewayError(f"A line of the provider's stream could not be read: {_fault(line, cause)}") from cause


def _fault(body: Json, cause: Exception) -> str:
    try:
        msgspec.convert(body, _Response)
    except msgspec.ValidationError as found:
        return str(found)
    return said(body, cause)
