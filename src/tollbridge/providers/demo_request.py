"""What the offline model takes: a program that is wrong about a field is to hear of it here, and not from the first
model that costs something.

The bounds are those of OpenAI's API reference (https://platform.openai.com/docs/api-reference/chat/create).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tollbridge.model.json import JsonObject

Count = Annotated[int, Meta(ge=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Any] | None = None


class _Request(msgspec.Struct):
    messages: Annotated[list[_Message], Meta(min_length=1)]
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    seed: int | None = None
    stream: bool | None = None
    parallel_tool_calls: bool | None = None
    tools: list[dict[str, Any]] | None = None
    response_format: dict[str, Any] | None = None


def refusal(body: JsonObject) -> tuple[int, JsonObject] | None:
    """(400, body) in OpenAI's words where a field is not what it can be; it names the first."""
    try:
        msgspec.convert(body, _Request)
    except msgspec.ValidationError as error:
        told, _, where = str(error).partition(" - at `$")
        param = where.rstrip("`").lstrip(".") or _named(told)
        at = f"Invalid '{param}': " if param else ""
        message = f"{at}{told}."
        return 400, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}
    return None


def _named(told: str) -> str | None:
    """The field of which msgspec says that it is missing."""
    return told.split("`")[-2] if "missing required field" in told else None
