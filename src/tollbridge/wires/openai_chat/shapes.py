"""Saying what was wrong with a body, after a reader has failed: `Expected str, got int - at $.messages[0].role`.

The shapes are looser than the vendors': they hold what our readers index, nothing more.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json
from tollbridge.wires.openai_chat.vocabulary import of_another
from tollbridge.wires.stumble import found_in, in_json_words, refused


class _Typed(msgspec.Struct):
    type: str


class _Text(msgspec.Struct):
    text: str


class _Refusal(msgspec.Struct):
    refusal: str


class _Link(msgspec.Struct):
    url: str


class _ImageUrl(msgspec.Struct):
    image_url: _Link | str


class _VideoUrl(msgspec.Struct):
    video_url: _Link | str


class _DocumentUrl(msgspec.Struct):
    document_url: _Link | str


class _Sound(msgspec.Struct):
    data: str
    format: str


class _InputAudio(msgspec.Struct):
    input_audio: _Sound


class _FileData(msgspec.Struct):
    filename: str | None = None


class _File(msgspec.Struct):
    file: _FileData


class _ThinkingChunk(msgspec.Struct):
    type: str
    text: str


class _Thinking(msgspec.Struct):
    thinking: str | list[_ThinkingChunk]


class _Reasoning(msgspec.Struct):
    summary: list[Any]


PARTS: dict[str, type[msgspec.Struct]] = {
    "text": _Text,
    "refusal": _Refusal,
    "image_url": _ImageUrl,
    "video_url": _VideoUrl,
    "document_url": _DocumentUrl,
    "input_audio": _InputAudio,
    "file": _File,
    "thinking": _Thinking,
    "reasoning": _Reasoning,
}


class _Function(msgspec.Struct):
    name: str


class _Call(msgspec.Struct):
    id: str | None = None
    type: str | None = None


class _FunctionCall(_Call, kw_only=True):
    function: _Function


class _CustomInput(msgspec.Struct):
    name: str
    input: str


class _CustomCall(_Call, kw_only=True):
    custom: _CustomInput


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Any] | dict[str, Any] | None = None
    name: str | None = None
    tool_calls: list[Any] | None = None
    tool_call_id: str | None = None
    cache_control: dict[str, Any] | None = None


class _ThinkingBlock(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: str


class _RedactedBlock(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str


class _Extensions(msgspec.Struct):
    thinking_blocks: list[_ThinkingBlock | _RedactedBlock] | None = None


class _Definition(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Tool(msgspec.Struct):
    type: str = "function"


class _FunctionTool(msgspec.Struct):
    function: _Definition


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[Any]
    tools: list[Any] | None = None
    functions: list[_Definition] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    seed: int | None = None
    random_seed: int | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stop: str | list[str] | None = None
    reasoning_effort: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    user: str | None = None


class _AnswerMessage(msgspec.Struct):
    content: str | list[Any] | dict[str, Any] | None = None
    tool_calls: list[Any] | None = None


class _AnswerChoice(msgspec.Struct):
    message: _AnswerMessage | None = None
    delta: _AnswerMessage | None = None
    finish_reason: str | None = None
    index: int | None = None


class _Answer(msgspec.Struct):
    choices: list[_AnswerChoice]
    id: str | None = None
    model: str | None = None
    created: int | float | None = None


def explain_request(body: Json, cause: Exception) -> BadRequestError:
    """What is wrong with a client's body."""
    return refused(body, cause, _first_fault)


def explain_response(body: Json, cause: Exception, what: str = "answer") -> BadGatewayError:
    """What is wrong with a provider's body. The body itself is not shown to the client."""
    fault = _fault(body, _Answer, "$")
    if fault is None:
        choices = body["choices"] if isinstance(body, dict) else ()
        for index, choice in enumerate(choices):
            message = choice.get("message") or choice.get("delta") or {}
            fault = _turn_fault(message, f"$.choices[{index}].message")
            if fault is not None:
                break
    message, path = fault or found_in(body, cause)
    return BadGatewayError(f"The provider's {what} is not what the chat format promises: {message} - at `{path}`.")


def _first_fault(body: Json) -> tuple[str, str] | None:
    fault = _fault(body, _Request, "$")
    if fault is not None:
        return fault
    for index, message in enumerate(body["messages"]):
        path = f"$.messages[{index}]"
        fault = _fault(message, _Message, path) or _turn_fault(message, path)
        if fault is not None:
            return fault
    for index, tool in enumerate(body.get("tools") or ()):
        path = f"$.tools[{index}]"
        fault = _fault(tool, _Tool, path)
        if fault is None and tool.get("type", "function") == "function" and not of_another(tool):
            fault = _fault(tool, _FunctionTool, path)
        if fault is not None:
            return fault
    return None


def _turn_fault(message: dict[str, Any], path: str) -> tuple[str, str] | None:
    content = message.get("content")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        where = f"{path}.content[{index}]"
        if isinstance(part, str):
            continue
        fault = _fault(part, _Typed, where)
        if fault is None and part["type"] in PARTS:
            fault = _fault(part, PARTS[part["type"]], where)
        if fault is not None:
            return fault
    for index, call in enumerate(message.get("tool_calls") or ()):
        shape = _CustomCall if isinstance(call, dict) and "custom" in call and "function" not in call else _FunctionCall
        fault = _fault(call, shape, f"{path}.tool_calls[{index}]")
        if fault is not None:
            return fault
    return _fault(message, _Extensions, path)


def _fault(value: Json, shape: type[msgspec.Struct], path: str) -> tuple[str, str] | None:
    """(what, where) of the first misfit; None where the value fits."""
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        what, _, where = in_json_words(str(error)).partition(" - at `$")
        return what, path + where.rstrip("`")
    except UnicodeEncodeError:
        return "Text with half of a surrogate pair is no Unicode", path
    return None
