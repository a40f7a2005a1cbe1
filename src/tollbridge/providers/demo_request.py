"""What the offline model takes: a program that is wrong about a field is to hear of it here, and not from the first
model that costs something.

The bounds are those of OpenAI's API reference (https://platform.openai.com/docs/api-reference/chat/create).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tollbridge.model.json import Json, JsonObject

Count = Annotated[int, Meta(ge=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]


class _Part(msgspec.Struct):
    """Besides OpenAI's kinds those that others added and Tollbridge reads."""

    type: Literal[
        "text",
        "image_url",
        "input_audio",
        "file",
        "refusal",
        "video_url",
        "document_url",
        "thinking",
        "redacted_thinking",
        "reasoning",
    ]


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[_Part | str] | None = None


class _Function(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _FunctionTool(msgspec.Struct):
    function: _Function


class _Tool(msgspec.Struct):
    """What else a kind of tool has is looked at by its kind."""

    type: str


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
    tools: list[_Tool] | None = None
    response_format: dict[str, Any] | None = None


class _Embeddings(msgspec.Struct):
    input: Json
    dimensions: Count | None = None
    encoding_format: Literal["float", "base64"] | None = None


_Text = Annotated[str, Meta(min_length=1)]
_TEXTS: Any = Annotated[list[_Text], Meta(min_length=1)]
_TOKENS: Any = Annotated[list[int], Meta(min_length=1)]
_LISTS_OF_TOKENS: Any = Annotated[list[_TOKENS], Meta(min_length=1)]

Refusal = tuple[int, JsonObject]


def refusal(body: JsonObject) -> Refusal | None:
    """(400, body) in OpenAI's words where a field is not what it can be; it names the first."""
    refused = _misfit(body, _Request)
    for at, tool in enumerate([] if refused else body.get("tools") or []):
        if tool["type"] == "function":
            refused = refused or _misfit(tool, _FunctionTool, f"tools[{at}]")
    return refused


def embeddings_refusal(body: JsonObject) -> Refusal | None:
    """Likewise of a request for vectors."""
    return _misfit(body, _Embeddings) or _misfit(body["input"], _kind_of_input(body["input"]), "input")


def _kind_of_input(given: Json) -> Any:
    """What a text, texts, tokens or lists of tokens are to be; the first item says which are meant."""
    if not isinstance(given, list) or not given:
        return _TEXTS if isinstance(given, list) else _Text
    return _LISTS_OF_TOKENS if isinstance(given[0], list) else _TOKENS if isinstance(given[0], int) else _TEXTS


def _misfit(value: Json, shape: Any, within: str = "") -> Refusal | None:
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        told, _, where = str(error).partition(" - at `$")
        param = (within + where.rstrip("`")).lstrip(".") or None
        if "missing required field" in told:
            name = told.split("`")[-2]
            param = f"{param}.{name}" if param else name
        at = f"Invalid '{param}': " if param else ""
        message = f"{at}{told}."
        return 400, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}
    return None
