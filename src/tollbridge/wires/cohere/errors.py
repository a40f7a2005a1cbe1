"""Errors: `{"message", "id", "error_type"?}`, by status; in a stream an event like that, or a `message-end` with one.
https://docs.cohere.com/reference/errors (seen 2026-11-26), and a recorded refusal of too long a prompt."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.errors import (
    APIError,
    APIStatusError,
    APITimeoutError,
    BadGatewayError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    from_status,
)
from tollbridge.model.json import Json
from tollbridge.wires.cohere.vocabulary import NAME
from tollbridge.wires.failure import json_or_text, retry_after_s

_TOO_LONG = ("too many tokens", "size limit exceeded", "context length")
_BLOCKED = 498  # "the input or the output holds a token that is blocked"
_SHOWN_MAX = 2000


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    said = json_or_text(body)
    message = _message(said) or f"The provider answered {status} without a message."
    kind = said.get("error_type") if isinstance(said, dict) else None
    error = _class_of(status, kind, message)(
        message[:_SHOWN_MAX],
        status_code=status,
        type=kind if isinstance(kind, str) else None,
        wire=NAME,
        body=said,
        request_id=_text(said.get("id")) if isinstance(said, dict) else "",
        retry_after_s=retry_after_s(headers),
    )
    if status in (401, 403):
        error.fault = "operator"
    return error


def error_inside(said: Json) -> APIError:
    """An error in a 200, whole or in a stream: what kind it is, only its words tell."""
    message = _message(said) or "The provider ended the answer with an error."
    kind = said.get("error_type") if isinstance(said, dict) else None
    if kind == "TOO_MANY_TOKENS" or any(words in message.lower() for words in _TOO_LONG):
        return ContextWindowExceededError(message[:_SHOWN_MAX], wire=NAME, body=said)
    return BadGatewayError(message[:_SHOWN_MAX], body=said)


def broken(reason: str, said: Json) -> APIError:
    """A `finish_reason` that says that the answer is not whole."""
    if reason == "TIMEOUT":
        return APITimeoutError("The provider gave up: the answer took too long.", body=said)
    return error_inside(said)


def _class_of(status: int, kind: Json, message: str) -> type[APIStatusError]:
    if status in (400, 413, 422) and (
        kind == "TOO_MANY_TOKENS" or any(words in message.lower() for words in _TOO_LONG)
    ):
        return ContextWindowExceededError
    return ContentPolicyViolationError if status == _BLOCKED else from_status(status)


def _message(said: Json) -> str:
    match said:
        case str():
            return said.strip()
        case {"message": str(message)} if message:
            return message
        case {"error": str(message)} | {"error": {"message": str(message)}} | {"detail": str(message)} if message:
            return message
        case {"delta": dict(inner)}:
            return _message(inner)
        case _:
            return ""


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
