"""Errors, both ways.

    {"error": {"message", "type", "param", "code"}}                          a body with an error status, as in chat
    {"type": "error", "code", "message", "param", "sequence_number"}         inside a stream; some nest it in `error`
    {"type": "response.failed", "response": {..., "error": {"code", "message"}}}
    {"status": "failed", "error": {"code", "message"}}                       a whole answer under 200

Codes: https://platform.openai.com/docs/api-reference/responses/object#responses/object-error and the types of the
openai SDK (seen 2026-11-26).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tollbridge.errors import (
    APIError,
    APIStatusError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    from_status,
)
from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.failure import json_or_text, retry_after_s
from tollbridge.wires.openai_responses.vocabulary import NAME

_TOO_LONG_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})
_TOO_LONG = re.compile(
    r"exceeds the context window|maximum context length|context (?:length|window|limit)[^.]{0,40}exceed"
    r"|prompt is too long|input (?:is )?too long|maximum prompt length",
    re.IGNORECASE,
)
_FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "image_content_policy_violation", "bio_policy", "cyber_policy"}
    | {"misalignment_policy_violation", "responsibleaipolicyviolation"}
)
_FILTERED = re.compile(r"content management policy|content[ _]policy|usage polic(?:y|ies)|was flagged", re.IGNORECASE)
_NEVER_AGAIN = frozenset({"insufficient_quota", "billing_hard_limit_reached"})  # 429s that waiting does not cure
_STATUS = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "slow_down": 503,
    "server_is_overloaded": 503,
    "server_error": 500,
    "vector_store_timeout": 504,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "previous_response_not_found": 400,
    "not_found_error": 404,
}
"""What a code alone says of the status, where there is none. Other codes of images, prompts and policies are the
client's."""
_PROVIDERS_FAULT = re.compile(r"server|timeout|unavailable|overloaded|internal", re.IGNORECASE)
_OPERATOR = frozenset((401, 403))
MESSAGE_CHARS_MAX = 2000
_DOCUMENTED = frozenset(
    {"server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy"}
    | {"misalignment_policy_violation", "vector_store_timeout", "invalid_image", "invalid_image_format"}
    | {"invalid_base64_image", "invalid_image_url", "image_too_large", "image_too_small", "image_parse_error"}
    | {"image_content_policy_violation", "invalid_image_mode", "image_file_too_large", "empty_image_file"}
    | {"unsupported_image_media_type", "failed_to_download_image", "image_file_not_found"}
)
_READ_BY_CLIENTS = frozenset({"context_length_exceeded", "insufficient_quota", "cyber_policy", "server_is_overloaded"})
"""OpenAI sends these too, and Codex tells them apart."""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    """An answer with an error status. A `retry-after` that is a date is left to the caller, who has a clock."""
    error = _error(json_or_text(body), status)
    error.retry_after_s = retry_after_s(headers)
    return error


def read_inner_error(payload: Json) -> APIError:
    """An error in a stream or under 200: its code tells the status, else it is the provider's failure."""
    return _error(payload, None)


def is_failure(payload: Json) -> bool:
    """An event or an answer that says that the response failed."""
    if payload.__class__ is not dict:
        return False
    return payload.get("type") in ("error", "response.failed") or payload.get("status") == "failed"


def _error(payload: Json, status: int | None) -> APIError:
    fields = _fields(payload)
    code = fields.get("code")
    kind = fields.get("type") if fields.get("type") != "error" else None
    if status is None:
        status = _status_of(code, kind)
    message = _message(payload, fields) or f"The provider answered {status} without a message."
    param = fields.get("param")
    error = _class_of(status, code, kind, message)(
        message[:MESSAGE_CHARS_MAX],
        status_code=status,
        type=kind if isinstance(kind, str) else None,
        code=code if isinstance(code, str | int) else None,
        param=param if isinstance(param, str) else None,
        wire=NAME,
        body=payload,
    )
    if status in _OPERATOR:
        error.fault = "operator"
    if code in _NEVER_AGAIN or kind in _NEVER_AGAIN:
        error.retryable = False
    return error


def _fields(payload: Json) -> JsonObject:
    """The object with code and message, wherever it stands."""
    if not isinstance(payload, dict):
        return {}
    response = payload.get("response")
    inner = response.get("error") if isinstance(response, dict) else payload.get("error")
    return inner if isinstance(inner, dict) else payload


def _message(payload: Json, fields: JsonObject) -> str:
    match payload, fields:
        case str(text), _:
            return "A web page instead of an answer" if text.lstrip()[:1] == "<" else text.strip()
        case _, {"message": str(message)}:
            return message
        case {"error": str(message)}, _:
            return message
        case {"detail": detail}, _:
            return detail if isinstance(detail, str) else msgspec.json.encode(detail).decode()
        case _:
            return ""


def _status_of(code: Json, kind: Json) -> int:
    if code.__class__ is int and 400 <= code < 600:
        return int(code)
    for word in (code, kind):
        if isinstance(word, str) and word:
            found = _STATUS.get(word)
            if found is not None:
                return found
            return 502 if _PROVIDERS_FAULT.search(word) else 400
    return 502


def _class_of(status: int, code: Json, kind: Json, message: str) -> type[APIStatusError]:
    codes = {str(word).lower() for word in (code, kind)}
    if status in (400, 413, 422, 502) and (codes & _TOO_LONG_CODES or _TOO_LONG.search(message)):
        return ContextWindowExceededError
    if status in (400, 403, 422) and (codes & _FILTER_CODES or _FILTERED.search(message)):
        return ContentPolicyViolationError
    return from_status(status)


def write_error(error: APIError) -> tuple[int, JsonObject]:
    """OpenAI's error object; a provider's own body where it spoke this format already."""
    body = error.body
    if error.wire == NAME and isinstance(body, dict) and body.keys() == {"error"} and isinstance(body["error"], dict):
        return error.status_code, body
    return error.status_code, {"error": error_object(error)}


def error_object(error: APIError) -> JsonObject:
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}


def failure_code(error: APIError) -> str:
    """The code of a failed response: OpenAI's where the provider gave one, else what the status says."""
    if isinstance(error.code, str) and error.code:
        return error.code
    if isinstance(error, ContextWindowExceededError):
        return "context_length_exceeded"
    if isinstance(error, ContentPolicyViolationError):
        return "content_policy_violation"
    if error.status_code == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if 400 <= error.status_code < 500 else "server_error"


def code_in_response(error: APIError) -> str:
    """The same, where it stands in the response itself: there are words for it that clients take, and no others."""
    code = failure_code(error)
    if code in _DOCUMENTED or code in _READ_BY_CLIENTS:
        return code
    return failure_code(APIError(error.message, status_code=error.status_code))
