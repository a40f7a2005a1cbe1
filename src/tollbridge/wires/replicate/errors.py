"""Errors: `{"title", "detail", "status"}` by status, and a prediction that failed, which says why in `error`.

    401 unauthenticated   402 no credit   404 no such model   422 input that the model refuses   429 throttled

https://replicate.com/docs/reference/http (seen 2026-11-26)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tollbridge.errors import APIError, APIStatusError, BadGatewayError, ContextWindowExceededError, from_status
from tollbridge.model.json import Json
from tollbridge.wires.failure import json_or_text, retry_after_s
from tollbridge.wires.replicate.vocabulary import NAME

_SHOWN_MAX = 2000
_TOO_LONG = re.compile(
    r"(?:prompt|input)[^.]{0,40}(?:too long|exceeds?[^.]{0,40}(?:length|tokens|context))"
    r"|context (?:length|window)[^.]{0,40}exceed",
    re.IGNORECASE,
)
_AVAILABLE_IN = re.compile(r"available in (\d+) second")


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    said = json_or_text(body)
    message = _message(said) or f"The provider answered {status} without a message."
    found: type[APIStatusError] = from_status(status)
    if status in (400, 422) and _TOO_LONG.search(message):
        found = ContextWindowExceededError
    waits = retry_after_s(headers)
    told = _AVAILABLE_IN.search(message) if waits is None else None
    error = found(
        message[:_SHOWN_MAX],
        status_code=None if found is ContextWindowExceededError else status,
        wire=NAME,
        body=said,
        retry_after_s=waits if told is None else float(told[1]),
    )
    if status in (401, 402, 403):
        error.fault = "operator"
    return error


def failed(said: Json, status: str) -> APIError:
    """A prediction that ended without an answer; `said` is its `error`."""
    message = (_message(said) or f"The prediction ended as {status!r} and does not say why.")[:_SHOWN_MAX]
    if _TOO_LONG.search(message):
        return ContextWindowExceededError(message, wire=NAME, body=said)
    return BadGatewayError(message, wire=NAME, code=f"prediction_{status}", body=said)


def _message(said: Json) -> str:
    match said:
        case str():
            return " ".join(said.split()) if said.lstrip()[:1] != "<" else "A web page instead of an answer"
        case {"detail": str(detail)} if detail.strip():
            return detail.strip()
        case {"title": str(title)} if title.strip():
            return title.strip()
        case {"error": str(error)} if error.strip():
            return error.strip()
    return ""
