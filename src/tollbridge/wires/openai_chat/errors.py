"""Errors of the chat format and of everybody who imitates it, both ways.

    {"error": {"message", "type", "param", "code"}}     OpenAI and most; OpenRouter adds `metadata`
    {"detail": "..."} or {"detail": [{"loc", "msg"}]}   FastAPI: Mistral, vLLM
    {"errors": [{"code", "message"}]}                   IBM, Cloudflare
    {"error_code": "...", "message": "..."}             Databricks, Snowflake
    {"message": "..."}, {"error": "..."}, text, HTML    the rest

Too long a prompt and a refusal by a content filter get classes of their own: routing treats them unlike other 400s.
Their codes and phrases are those in ../shared/recordings and in the vendors' documentation (seen 2026-11-21).
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
from tollbridge.wires.aws_errors import aws_error
from tollbridge.wires.failure import json_or_text, retry_after_s
from tollbridge.wires.openai_chat.vocabulary import NAME

TOO_LONG_CODES = frozenset({"context_length_exceeded", "context_window_exceeded", "string_above_max_length"})
TOO_LONG = re.compile(
    r"maximum context length|context (?:length|window|limit)[^.]{0,40}exceed"
    r"|exceed[^.]{0,60}context (?:length|window|limit)"
    r"|prompt is too long|too many (?:input )?tokens|token limit reached|maximum prompt length"
    r"|reduce the length of (?:the|your) (?:messages|prompt|input)|input (?:is )?too long",
    re.IGNORECASE,
)
FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "moderation_blocked"}
)
FILTERED = re.compile(
    r"content management policy|content[ _]policy|usage polic(?:y|ies)|safety system|requires moderation"
    r"|input was flagged",
    re.IGNORECASE,
)
NEVER_AGAIN = frozenset({"insufficient_quota", "billing_hard_limit_reached"})  # 429s that waiting does not cure
MESSAGE_CHARS_MAX = 2000
_TITLE = re.compile(r"<(?:title|h1)[^>]*>\s*(.*?)\s*</", re.IGNORECASE | re.DOTALL)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    """An answer with an error status. A `retry-after` that is a date is left to the caller, who has a clock."""
    if (theirs := aws_error(status, headers, body, "")) is not None:  # of SageMaker, before the model was asked
        return theirs
    error = error_of(json_or_text(body), status)
    error.retry_after_s = retry_after_s(headers)
    return error


def read_inner_error(payload: Json) -> APIError:
    """An error in a stream or in a 200: the status is the payload's own, else 502."""
    return error_of(payload, None)


def error_of(payload: Json, status: int | None) -> APIError:
    fields = _fields(payload)
    code = fields.get("code", fields.get("error_code"))
    if status is None:
        status = _status_in(fields)
    message = message_of(payload) or f"The provider answered {status} without a message."
    kind = fields.get("type")
    param = fields.get("param")
    error = _class_of(status, fields, message)(
        message[:MESSAGE_CHARS_MAX],
        status_code=status,
        type=kind if isinstance(kind, str) else None,
        code=code if isinstance(code, str | int) else None,
        param=param if isinstance(param, str) else None,
        wire=NAME,
        body=payload,
    )
    if status in (401, 403):
        error.fault = "operator"
    if code in NEVER_AGAIN or kind in NEVER_AGAIN:
        error.retryable = False
    return error


def _fields(payload: Json) -> JsonObject:
    """The object that tells the code and the rest."""
    match payload:
        case {"error": inner} | {"errors": [dict(inner), *_]}:
            return inner if isinstance(inner, dict) else {}
        case dict():
            return payload
        case _:
            return {}


def _class_of(status: int, fields: JsonObject, message: str) -> type[APIStatusError]:
    inner = fields.get("innererror")
    codes = {
        str(code).lower()
        for code in (fields.get("code"), fields.get("type"), inner.get("code") if isinstance(inner, dict) else None)
    }
    if status in (400, 413, 422, 502) and (codes & TOO_LONG_CODES or TOO_LONG.search(message)):
        return ContextWindowExceededError
    if status in (400, 403, 422) and (codes & FILTER_CODES or FILTERED.search(message)):
        return ContentPolicyViolationError
    return from_status(status)


def message_of(payload: Json) -> str:
    """The words of an error, wherever they stand; "" where there are none."""
    match payload:
        case str() if payload.lstrip()[:1] == "<":
            title = _TITLE.search(payload)
            return "A web page instead of an answer" + (f": {title[1]}" if title else "")
        case str():
            return payload.strip()
        case {"error": {"message": str(message)}} | {"error": str(message)} | {"message": str(message)} if message:
            return message
        case {"detail": str(detail)}:
            return detail
        case {"detail": list(items)} | {"message": {"detail": list(items)}}:
            return "; ".join([_validation(item) for item in items])
        case {"error": dict(inner)} | {"detail": dict(inner)} if inner:
            return message_of(inner) or msgspec.json.encode(inner).decode()
        case {"errors": [first, *_]} | [first, *_]:
            return message_of(first)
        case _:
            return ""


def _validation(item: Json) -> str:
    """One of FastAPI's complaints."""
    if not isinstance(item, dict):
        return str(item)
    where = ".".join([str(step) for step in item.get("loc") or ()])
    return f"{where}: {item.get('msg')}" if where else str(item.get("msg"))


def _status_in(fields: JsonObject) -> int:
    for name in ("code", "status", "status_code"):
        value: Json = fields.get(name)
        if value.__class__ is int and 400 <= value < 600:
            return int(value)
    return 502


def write_error(error: APIError) -> tuple[int, JsonObject]:
    """OpenAI's error object; a provider's own body where it spoke this format already."""
    body = error.body
    if error.wire == NAME and isinstance(body, dict) and isinstance(body.get("error"), dict):
        return error.status_code, body
    return error.status_code, {
        "error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    }
