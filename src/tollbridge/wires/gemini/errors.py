"""Errors, both ways: `{"error": {"code", "message", "status", "details": [{"@type": ...}]}}`.

`status` is a word of google.rpc.Code (https://cloud.google.com/apis/design/errors, seen 2026-11-26); `details` may hold
a RetryInfo with the time to wait, an ErrorInfo with a finer reason, a QuotaFailure with what was used up. Asked for a
stream without `alt=sse`, a server answers with a list of one such object.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.errors import (
    APIError,
    APITimeoutError,
    AuthenticationError,
    ContextWindowExceededError,
    PaymentRequiredError,
    from_status,
)
from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.failure import json_or_none, seconds
from tollbridge.wires.gemini.vocabulary import NAME

_WORD: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_STATUS: dict[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_TYPES = "type.googleapis.com/google.rpc."
# Words in the message of a 400 that name a finer reason.
_TOO_LONG = ("exceeds the maximum number of tokens", "input token count", "exceeds the limit of tokens")
_NO_CREDIT = ("prepayment credits are depleted", "requires billing to be enabled")
_BAD_KEY = frozenset(("API_KEY_INVALID", "API_KEY_EXPIRED"))
_OPERATOR = frozenset((401, 402, 403))
_MAX_QUOTE = 300


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    """An answer with an error status, of any shape. A `retry-after` that is a date is left to the caller's clock."""
    decoded = json_or_none(body)
    error = _error(decoded, status)
    if not error.message:
        quote = body[:_MAX_QUOTE].decode("utf-8", "replace").strip()
        error.message = f"The provider answered {status}" + (f": {quote}" if quote else " without a body") + "."
        error.args = (error.message,)
    if error.retry_after_s is None:
        error.retry_after_s = seconds({name.lower(): value for name, value in headers.items()}.get("retry-after"))
    return error


def error_in_stream(said: Json) -> APIError:
    """In a stream, or in a 200: the object tells the status itself."""
    inner = _inner(said)
    code, word = inner.get("code"), inner.get("status")
    status = code if isinstance(code, int) and 400 <= code < 600 else _STATUS.get(str(word), 502)
    error = _error(said, status)
    if not error.message:
        error.message = "The provider ended the stream with an error."
        error.args = (error.message,)
    return error


def _error(body: Json, status: int) -> APIError:
    body = body[0] if isinstance(body, list) and body else body
    inner = _inner(body)
    message = inner.get("message")
    message = message if isinstance(message, str) else ""
    word, details = inner.get("status"), _details(inner)
    reasons = {detail.get("reason") for detail in details}
    delays = [seconds(str(detail["retryDelay"]).rstrip("s")) for detail in details if "retryDelay" in detail]
    found: type[APIError] = APITimeoutError if status == 504 else from_status(status)
    fault = "operator" if status in _OPERATOR else None
    if status == 400 and reasons & _BAD_KEY:
        found, fault = AuthenticationError, "operator"
    elif status == 400 and any(words in message.lower() for words in _TOO_LONG):
        found = ContextWindowExceededError
    elif any(words in message.lower() for words in _NO_CREDIT):
        found, fault = PaymentRequiredError, "operator"
    elif status == 503:
        fault = "provider"
    return found(
        message,
        status_code=status,
        type=word if isinstance(word, str) else None,
        code=next((reason for reason in reasons if isinstance(reason, str)), None),
        fault=fault,  # type: ignore[arg-type]
        retry_after_s=next((delay for delay in delays if delay is not None), None),
        wire=NAME,
        body=body,
    )


def write_error(error: APIError) -> tuple[int, JsonObject]:
    """Google's error object; a provider's own body where it spoke this format already."""
    body = error.body
    if error.wire == NAME and isinstance(body, dict) and isinstance(body.get("error"), dict):
        return error.status_code, body
    status = error.status_code
    said: JsonObject = {
        "code": status,
        "message": error.message,
        "status": _WORD.get(status) or ("INVALID_ARGUMENT" if status < 500 else "INTERNAL"),
    }
    details: list[JsonObject] = []
    if error.code is not None or error.param is not None:
        about = {} if error.param is None else {"param": error.param}
        details.append(
            {
                "@type": f"{_TYPES}ErrorInfo",
                "reason": str(error.code or error.type).upper(),
                "domain": "tollbridge",
                "metadata": about,
            }
        )
    if error.retry_after_s is not None:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{error.retry_after_s:g}s"})
    if details:
        said["details"] = details
    return status, {"error": said}


def _inner(body: Json) -> JsonObject:
    body = body[0] if isinstance(body, list) and body else body
    if not isinstance(body, dict):
        return {}
    error = body.get("error", body)
    return {"message": error} if isinstance(error, str) else error if isinstance(error, dict) else {}


def _details(inner: JsonObject) -> list[JsonObject]:
    details = inner.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
