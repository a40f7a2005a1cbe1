"""What AWS's services answer instead of a model's answer, whatever format was asked for.

The name of an exception stands in the header `x-amzn-errortype`, or in the body's `__type`, perhaps behind a namespace
or before a URL; the body is `{"message"}`. Inside a stream it is a frame of its own, and the status is what the same
exception would have had (https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html and the service
models of botocore 1.44, seen 2026-11-26).
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.errors import (
    APIError,
    APIStatusError,
    AuthenticationError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    RequestTimeoutError,
    from_status,
)
from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.failure import json_or_none, retry_after_s

HEADER = "x-amzn-errortype"
_STATUS: Mapping[str, int] = {
    "validationexception": 400,
    "validationerror": 400,
    "servicequotaexceededexception": 400,
    "serializationexception": 400,
    "expiredtokenexception": 403,
    "unrecognizedclientexception": 403,
    "invalidsignatureexception": 403,
    "missingauthenticationtokenexception": 403,
    "incompletesignature": 403,
    "accessdeniedexception": 403,
    "resourcenotfoundexception": 404,
    "modeltimeoutexception": 408,
    "conflictexception": 409,
    "modelerrorexception": 424,
    "modelstreamerrorexception": 424,
    "modelerror": 424,
    "modelstreamerror": 424,
    "throttlingexception": 429,
    "modelnotreadyexception": 429,
    "internalserverexception": 500,
    "internalfailure": 500,
    "internalstreamfailure": 500,
    "internaldependencyexception": 530,
    "serviceunavailableexception": 503,
    "serviceunavailable": 503,
}
_WHO_ARE_YOU = frozenset(
    {"expiredtokenexception", "unrecognizedclientexception", "invalidsignatureexception", "incompletesignature"}
    | {"missingauthenticationtokenexception"}
)
"""The credentials themselves are not accepted, whatever they would be allowed to."""
_OF_THE_MODEL = frozenset({"modelerrorexception", "modelstreamerrorexception", "modelerror", "modelstreamerror"})
_TYPE: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_TOO_LONG = (
    "input is too long",
    "prompt is too long",
    "exceed context limit",
    "maximum context length",
    "too many total text bytes",
    "too many input tokens",
    "context window",
)
_FILTERED = ("content filtering policy", "blocked by our content filters")
_MAX_QUOTE = 300


def aws_error(status: int, headers: Mapping[str, str], body: bytes, wire: str) -> APIError | None:
    """What AWS itself says of a request; None where the answer does not say that it is AWS's."""
    lower = {name.lower(): value for name, value in headers.items()}
    return read_error(status, lower, body, wire) if HEADER in lower else None


def read_error(status: int, headers: Mapping[str, str], body: bytes, wire: str) -> APIError:
    """An answer with an error status, also of a proxy in between. A `retry-after` with a date is left to the caller's
    clock."""
    lower = {name.lower(): value for name, value in headers.items()}
    decoded = json_or_none(body)
    said = decoded if isinstance(decoded, dict) else {}
    name = _bare(lower.get(HEADER) or _text(said.get("__type")) or _text(said.get("code")))
    message = _text(said.get("message")) or _text(said.get("Message")) or _text(said.get("errorMessage"))
    if not message:
        quote = body[:_MAX_QUOTE].decode("utf-8", "replace").strip()
        message = f"The provider answered {status}" + (f": {quote}" if quote else " without a body") + "."
    error = named_error(name or _by_words(message), message, status, wire)
    error.body = decoded
    error.request_id = lower.get("x-amzn-requestid", "")
    error.retry_after_s = retry_after_s(lower)
    return error


def named_error(name: str, message: str, status: int | None, wire: str) -> APIError:
    """`status`: None inside a stream, where the name alone tells."""
    known = name.lower()
    status = status or _STATUS.get(known, 500)
    found = _class(known, message.lower(), status)
    return found(
        _advised(known, message),
        status_code=status,
        code=name or None,
        fault="operator" if status in (401, 403) else "provider" if status in (424, 503, 530) else None,
        retryable=True if known in _OF_THE_MODEL and known != "modelerror" else None,
        wire=wire,
    )


def _class(known: str, words: str, status: int) -> type[APIStatusError]:
    if known in _WHO_ARE_YOU or status == 401:
        return AuthenticationError
    if known in _OF_THE_MODEL or status == 424:
        return InternalServerError
    if known == "modeltimeoutexception":
        return RequestTimeoutError
    if status == 400:
        if any(phrase in words for phrase in _TOO_LONG):
            return ContextWindowExceededError
        if any(phrase in words for phrase in _FILTERED):
            return ContentPolicyViolationError
    return from_status(status)


def _advised(known: str, message: str) -> str:
    if known == "expiredtokenexception":
        return f"{message.rstrip('.')}. Renew the AWS credentials of this deployment."
    if known in _WHO_ARE_YOU:
        return f"{message.rstrip('.')}. Check the AWS credentials and the region of this deployment."
    return message


def error_event(name: str, message: str) -> JsonObject:
    """An exception inside a stream, as the `error` event that clients of Anthropic's format know and whose `error` the
    readers of all formats do."""
    status = _STATUS.get(name.lower(), 500)
    said = message or f"The provider ended the stream with {name}."
    kind = _TYPE.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": said, "code": name, "status": status}}


def error_in_stream(said: Json, wire: str) -> APIError:
    """Of what `error_event` made."""
    inner = said.get("error") if isinstance(said, dict) else None
    inner = inner if isinstance(inner, dict) else {}
    error = named_error(_bare(_text(inner.get("code"))), _text(inner.get("message")), None, wire)
    error.body = said
    return error


def _by_words(message: str) -> str:
    """Where a proxy took the header away."""
    words = message.lower()
    if "security token included in the request is" not in words:
        return ""
    return "ExpiredTokenException" if "expired" in words else "UnrecognizedClientException"


def _bare(name: str) -> str:
    """`com.amazon.coral#ThrottlingException:http://...` -> `ThrottlingException`"""
    return name.partition(":")[0].rpartition("#")[2].rpartition("/")[2].strip()


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
