"""Saying what was wrong with a body, after a reader has failed: `Expected str, got int - at $.input[0].content`.

The shapes are looser than the vendor's: they hold what our readers index, nothing more.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.stumble import found_in, refused, said


class _Typed(msgspec.Struct):
    type: str


class _Text(msgspec.Struct):
    text: str
    annotations: list[dict[str, Any]] | None = None


class _Refusal(msgspec.Struct):
    refusal: str


class _Sound(msgspec.Struct):
    data: str
    format: str


class _InputAudio(msgspec.Struct):
    input_audio: _Sound


class _Image(msgspec.Struct):
    image_url: str | None = None
    file_id: str | None = None


class _File(msgspec.Struct):
    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None


PARTS: dict[str, type[msgspec.Struct]] = {
    "input_text": _Text,
    "output_text": _Text,
    "refusal": _Refusal,
    "input_audio": _InputAudio,
    "input_image": _Image,
    "input_file": _File,
}


class _Message(msgspec.Struct):
    role: str
    content: str | list[dict[str, Any]]


class _FunctionCall(msgspec.Struct):
    call_id: str
    name: str
    arguments: str


class _CustomCall(msgspec.Struct):
    call_id: str
    name: str
    input: str


class _Output(msgspec.Struct):
    call_id: str
    output: str | list[dict[str, Any]]


class _Piece(msgspec.Struct):
    text: str | None = None


class _Reasoning(msgspec.Struct):
    summary: list[_Piece] | None = None
    content: list[_Piece] | None = None
    encrypted_content: str | None = None
    id: str | None = None


ITEMS: dict[str, type[msgspec.Struct]] = {
    "message": _Message,
    "function_call": _FunctionCall,
    "custom_tool_call": _CustomCall,
    "function_call_output": _Output,
    "custom_tool_call_output": _Output,
    "reasoning": _Reasoning,
}


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Format(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class _TextSettings(msgspec.Struct):
    format: _Format | None = None


class _ReasoningSettings(msgspec.Struct):
    effort: str | None = None


class _Request(msgspec.Struct):
    model: str
    input: str | list[dict[str, Any]] | None = None
    instructions: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    top_logprobs: int | None = None
    reasoning: _ReasoningSettings | None = None
    text: _TextSettings | None = None
    stream: bool | None = None
    user: str | None = None


class _Answer(msgspec.Struct):
    output: list[dict[str, Any]]
    id: str | None = None
    model: str | None = None
    status: str | None = None


SOURCES = ("instructions", "previous_response_id", "conversation", "prompt")
"""What a request may have in the place of `input`. To OpenAI `instructions` alone are too little; others take them."""


def lacks_input(body: JsonObject) -> bool:
    return body.get("input") is None and not any(body.get(name) for name in SOURCES)


def explain_request(body: Json, cause: Exception) -> BadRequestError:
    """What is wrong with a client's body."""
    return refused(body, cause, _first_fault)


def explain_response(body: Json, cause: Exception, what: str = "answer") -> BadGatewayError:
    """What is wrong with a provider's body. The body itself is not shown to the client."""
    fault = _fault(body, _Answer, "$")
    if fault is None:
        faults = (_item_fault(item, f"$.output[{index}]") for index, item in enumerate(body["output"]))
        fault = next((found for found in faults if found is not None), None)
    message, path = fault or found_in(body, cause)
    return BadGatewayError(f"The provider's {what} is not what the Responses format promises: {message} - at `{path}`.")


def explain_event(event: Json, cause: Exception) -> BadGatewayError:
    """For an event of a provider's stream; of one that holds the response, what is wrong with that."""
    response = event.get("response") if isinstance(event, dict) else None
    if isinstance(response, dict):
        return explain_response(response, cause, "event")
    return BadGatewayError(f"The provider's event is not what the Responses format promises: {said(event, cause)}.")


def _first_fault(body: Json) -> tuple[str, str] | None:
    fault = _fault(body, _Request, "$")
    if fault is not None:
        return fault
    if lacks_input(body):
        return "Nothing is asked: `input` is missing", "$.input"
    given = body.get("input")
    for index, item in enumerate(given if isinstance(given, list) else ()):
        fault = _item_fault(item, f"$.input[{index}]")
        if fault is not None:
            return fault
    for index, tool in enumerate(body.get("tools") or ()):
        fault = _fault(tool, _Typed, f"$.tools[{index}]")
        if fault is None and tool["type"] == "function":
            fault = _fault(tool, _Function, f"$.tools[{index}]")
        if fault is not None:
            return fault
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function":
        return _fault(choice, _Function, "$.tool_choice")
    return None


def _item_fault(item: Json, path: str) -> tuple[str, str] | None:
    if item.get("type", "") is not None and not isinstance(item.get("type", ""), str):
        return "Expected `str`", f"{path}.type"
    kind = item.get("type") or ("message" if "id" not in item or "role" in item else "item_reference")
    fault = None if kind not in ITEMS else _fault(item, ITEMS[kind], path)
    if fault is not None:
        return fault
    field = "content" if kind == "message" else "output"
    parts = item.get(field) if kind in ITEMS else None
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        where = f"{path}.{field}[{index}]"
        fault = _fault(part, _Typed, where)
        if fault is None and part["type"] in PARTS:
            fault = _fault(part, PARTS[part["type"]], where)
        if fault is not None:
            return fault
    return None


def _fault(value: Json, shape: type[msgspec.Struct], path: str) -> tuple[str, str] | None:
    """(what, where) of the first misfit; None where the value fits."""
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        return what, path + where.rstrip("`")
    except UnicodeEncodeError:
        return "Text with half of a surrogate pair is no Unicode", path
    return None
