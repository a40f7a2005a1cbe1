"""Errors: `{"error": "..."}`, by status; in a stream that began with 200, a line of that kind. What sort they are, only
the words tell (https://github.com/ollama/ollama/blob/main/server/routes.go, seen 2026-11-26)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tollbridge.errors import (
    APIError,
    APIStatusError,
    BadGatewayError,
    ContextWindowExceededError,
    NotFoundError,
    OverloadedError,
    UnsupportedParamsError,
    from_status,
)
from tollbridge.model.json import Json
from tollbridge.wires.failure import json_or_text, retry_after_s
from tollbridge.wires.ollama.vocabulary import NAME

_SHOWN_MAX = 2000
_CANNOT = re.compile(r"does not support (?:tools|thinking|chat|image|vision|insert|\w+ input)", re.IGNORECASE)
_TOO_LONG = re.compile(r"(?:exceed|larger than)[^.]{0,60}context|context (?:length|size|window)[^.]{0,40}exceed", re.I)
_BUSY = re.compile(r"server busy|maximum pending requests", re.IGNORECASE)
_ABSENT = re.compile(r"model .* not found", re.IGNORECASE)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    said = json_or_text(body)
    message = _message(said) or f"The provider answered {status} without a message."
    found: type[APIStatusError] = from_status(status)
    if status == 400:
        found = UnsupportedParamsError if _CANNOT.search(message) else found
    if status in (400, 413, 500) and _TOO_LONG.search(message):
        found = ContextWindowExceededError
    error = found(
        message[:_SHOWN_MAX],
        status_code=None if found is ContextWindowExceededError else status,
        wire=NAME,
        body=said,
        retry_after_s=retry_after_s(headers),
    )
    if status in (401, 403):
        error.fault = "operator"
    return error


def error_inside(said: Json) -> APIError:
    """An error in a 200."""
    message = (_message(said) or "The provider ended the answer with an error.")[:_SHOWN_MAX]
    for words, found in ((_TOO_LONG, ContextWindowExceededError), (_BUSY, OverloadedError), (_ABSENT, NotFoundError)):
        if words.search(message):
            return found(message, wire=NAME, body=said)
    return BadGatewayError(message, body=said)


def _message(said: Json) -> str:
    match said:
        case str():
            return said.strip()
        case {"error": str(message)} | {"error": {"message": str(message)}} | {"message": str(message)} if message:
            return message
        case _:
            return ""
