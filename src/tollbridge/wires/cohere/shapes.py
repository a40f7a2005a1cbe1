"""What answers look like: used only to explain a failure, never to read."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json
from tollbridge.wires.stumble import said


class _Block(msgspec.Struct):
    type: str
    text: str | None = None
    thinking: str | None = None


class _Function(msgspec.Struct):
    name: str
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Source(msgspec.Struct):
    id: str | None = None
    document: dict[str, Any] | None = None
    tool_output: dict[str, Any] | None = None


class _Citation(msgspec.Struct):
    start: int | None = None
    end: int | None = None
    text: str | None = None
    sources: list[_Source] | None = None
    content_index: int | None = None
    type: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Block] | None = None
    tool_plan: str | None = None
    tool_calls: list[_Call] | None = None
    citations: list[_Citation] | None = None


class _Logprob(msgspec.Struct):
    text: str | None = None
    logprobs: list[float] | None = None


class _Response(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None
    logprobs: list[_Logprob] | None = None


def explain_response(body: Json, cause: Exception) -> NoReturn:
    """Raise BadGatewayError that names the place in a provider's body."""
    fault = said(body, cause)
    try:
        msgspec.convert(body, _Response)
    except msgspec.ValidationError as found:
        fault = str(found)
    raise BadGatewayError(f"The provider's answer could not be read: {fault}", body=body) from cause


def explain_event(event: Json, cause: Exception) -> NoReturn:
    """Raise BadGatewayError for an event of a provider's stream."""
    what = f"`{event.get('type')}` event" if isinstance(event, dict) else "event"
    raise BadGatewayError(
        f"The provider's stream holds an {what} that could not be read: {said(event, cause)}"
    ) from cause
