"""Errors, both ways: `{"type": "error", "error": {"type", "message"}, "request_id"}`.

Types and statuses: https://platform.claude.com/docs/en/api/errors (seen 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.errors import (
    APIError,
    APIStatusError,
    APITimeoutError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    PaymentRequiredError,
    from_status,
)
from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.aws_errors import aws_error
from tollbridge.wires.failure import json_or_none, seconds

_STATUS: dict[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "timeout_error": 504,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "overloaded_error": 529,
}
_TYPE: dict[int, str] = {status: kind for kind, status in _STATUS.items()} | {408: "timeout_error"}

# Words in the message of a 400 that name a finer reason; the type is `invalid_request_error` for all of them.
_FINER: tuple[tuple[str, type[APIStatusError]], ...] = (
    ("prompt is too long", ContextWindowExceededError),
    ("exceed context limit", ContextWindowExceededError),
    ("input is too long", ContextWindowExceededError),
    ("content filtering policy", ContentPolicyViolationError),
    ("credit balance is too low", PaymentRequiredError),
)
# The provider's own words to the gateway's credentials are the operator's to mend.
_OPERATOR = frozenset((401, 402, 403))
_SHOWN_HEADERS = ("retry-after", "request-id", "anthropic-ratelimit-")
_MAX_QUOTE = 300


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    """An answer with an error status, of any shape: other servers of this format answer `{"message"}` or HTML."""
    if (theirs := aws_error(status, headers, body, "")) is not None:  # of Bedrock, before Claude was asked
        return theirs
    lower = {name.lower(): value for name, value in headers.items()}
    decoded = json_or_none(body)
    kind, message, request_id = _said(decoded)
    if not message:
        quote = body[:_MAX_QUOTE].decode("utf-8", "replace").strip()
        message = f"The provider answered {status}" + (f": {quote}" if quote else " without a body") + "."
    should_retry = lower.get("x-should-retry")
    return _error(
        status,
        kind,
        message,
        body=decoded,
        request_id=lower.get("request-id") or request_id,
        retry_after_s=seconds(lower.get("retry-after")),
        retryable={"true": True, "false": False}.get(should_retry) if should_retry else None,
        headers=tuple((name, value) for name, value in lower.items() if name.startswith(_SHOWN_HEADERS)),
    )


def error_in_stream(said: JsonObject) -> APIError:
    """The `error` event of a stream that began with 200: its type tells the status."""
    kind, message, request_id = _said(said)
    message = message or "The provider ended the stream with an error."
    return _error(_STATUS.get(kind, 500), kind, message, body=said, request_id=request_id)


def write_error(error: APIError) -> tuple[int, JsonObject]:
    status = error.status_code
    kind = _TYPE.get(status) or ("invalid_request_error" if status < 500 else "api_error")
    body: JsonObject = {"type": "error", "error": {"type": kind, "message": error.message}}
    if error.request_id:
        body["request_id"] = error.request_id
    return status, body


def _error(
    status: int,
    kind: str,
    message: str,
    *,
    body: Json,
    request_id: str,
    retry_after_s: float | None = None,
    retryable: bool | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> APIError:
    found: type[APIError] = APITimeoutError if status == 504 else from_status(status)
    if status in (400, 413):
        words = message.lower()
        found = next((finer for phrase, finer in _FINER if phrase in words), found)
    return found(
        message,
        status_code=status if found is from_status(status) else None,
        type=kind or None,
        fault="operator" if status in _OPERATOR else None,
        retryable=retryable,
        retry_after_s=retry_after_s,
        headers=headers,
        body=body,
        request_id=request_id,
    )


def _said(body: Json) -> tuple[str, str, str]:
    """Type, message and request id, each "" where absent."""
    if not isinstance(body, dict):
        return "", "", ""
    error = body.get("error")
    inner = error if isinstance(error, dict) else body
    message = error if isinstance(error, str) else inner.get("message")
    kind = inner.get("type") if isinstance(error, dict) else ""
    return _text(kind), _text(message), _text(body.get("request_id"))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
