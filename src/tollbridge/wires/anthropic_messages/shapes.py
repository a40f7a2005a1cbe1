"""What bodies look like: used only to explain a failure, never to read.

Readers index boldly. When one stumbles, `explain_request` or `explain_response` finds the place and raises with its
JSON path. Blocks are looked at one by one, by their type, because unknown types are welcome.
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json
from tollbridge.wires.stumble import place_of, said


class _Message(msgspec.Struct):
    role: str
    content: str | list[dict[str, Any]]


class _Tool(msgspec.Struct):
    name: str
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: dict[str, Any] | None = None


class _ToolChoice(msgspec.Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Reasoning(msgspec.Struct):
    type: str
    budget_tokens: int | None = None


class _Output(msgspec.Struct):
    effort: str | None = None
    format: dict[str, Any] | None = None


class _Metadata(msgspec.Struct):
    user_id: str | None = None


class _Request(msgspec.Struct):
    messages: list[_Message]
    model: str = ""
    max_tokens: int | None = None
    system: str | list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: _ToolChoice | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    thinking: _Reasoning | None = None
    output_config: _Output | None = None
    output_format: dict[str, Any] | None = None
    metadata: _Metadata | None = None


class _Response(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    content: str | list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: dict[str, Any] | None = None


class _Typed(msgspec.Struct):
    type: str


class _Text(msgspec.Struct):
    text: str
    citations: list[dict[str, Any]] | None = None
    cache_control: dict[str, Any] | None = None


class _Sourced(msgspec.Struct):
    source: dict[str, Any]
    title: str | None = None
    cache_control: dict[str, Any] | None = None


class _Url(msgspec.Struct):
    url: str


class _Data(msgspec.Struct):
    data: str
    media_type: str | None = None


class _File(msgspec.Struct):
    file_id: str


class _Content(msgspec.Struct):
    content: str | list[dict[str, Any]]


_SOURCES: dict[str, type[msgspec.Struct]] = {
    "url": _Url,
    "base64": _Data,
    "text": _Data,
    "file": _File,
    "content": _Content,
}


class _SearchResult(msgspec.Struct):
    source: str
    content: list[dict[str, Any]]
    cache_control: dict[str, Any] | None = None


class _ToolUse(msgspec.Struct):
    id: str
    name: str
    input: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None


class _ToolResult(msgspec.Struct):
    tool_use_id: str
    content: str | list[dict[str, Any]] | None = None
    is_error: bool | None = None
    cache_control: dict[str, Any] | None = None


class _Thinking(msgspec.Struct):
    thinking: str
    signature: str | None = None


class _Redacted(msgspec.Struct):
    data: str


_BLOCKS: dict[str, type[msgspec.Struct]] = {
    "text": _Text,
    "image": _Sourced,
    "document": _Sourced,
    "search_result": _SearchResult,
    "tool_use": _ToolUse,
    "server_tool_use": _ToolUse,
    "mcp_tool_use": _ToolUse,
    "tool_result": _ToolResult,
    "thinking": _Thinking,
    "redacted_thinking": _Redacted,
}


def explain_request(body: Json, cause: Exception) -> NoReturn:
    """Raise BadRequestError that names the place in a client's body."""
    try:
        _check(body, _Request, "$")
        if isinstance(body.get("system"), list):
            _check_blocks(body["system"], "$.system")
        for index, message in enumerate(body["messages"]):
            _check_blocks(message["content"], f"$.messages[{index}].content")
            if message["role"] not in ("user", "assistant", "system"):
                raise msgspec.ValidationError(
                    f"Expected `user`, `assistant` or `system`, got `{message['role']}` - at `$.messages[{index}].role`"
                )
        for index, tool in enumerate(body.get("tools") or ()):
            if tool.get("type") in (None, "custom"):
                _check(tool, _Tool, f"$.tools[{index}]")
    except msgspec.ValidationError as found:
        raise BadRequestError(str(found), code="invalid_body", param=place_of(str(found))) from cause
    told = said(body, cause)
    raise BadRequestError(told, code="invalid_body", param=place_of(told)) from cause


def explain_response(body: Json, cause: Exception) -> NoReturn:
    """Raise BadGatewayError that names the place in a provider's body."""
    raise BadGatewayError(f"The provider's answer could not be read: {_response_fault(body, cause)}", body=body)


def explain_event(event: Json, cause: Exception) -> NoReturn:
    """Raise BadGatewayError for an event of a provider's stream."""
    what = f"`{event.get('type')}` event" if isinstance(event, dict) else "event"
    raise BadGatewayError(
        f"The provider's stream holds an {what} that could not be read: {said(event, cause)}"
    ) from cause


def _response_fault(body: Json, cause: Exception) -> str:
    try:
        _check(body, _Response, "$")
        _check_blocks(body.get("content"), "$.content")
    except msgspec.ValidationError as found:
        return str(found)
    return said(body, cause)


def _check_blocks(blocks: Json, path: str) -> None:
    if not isinstance(blocks, list):
        return
    for index, block in enumerate(blocks):
        where = f"{path}[{index}]"
        _check(block, _Typed, where)
        shape = _BLOCKS.get(block["type"])
        if shape is not None:
            _check(block, shape, where)
            if shape is _Sourced and block["source"].get("type") in _SOURCES:
                _check(block["source"], _SOURCES[block["source"]["type"]], f"{where}.source")
            if block["type"] in ("tool_result", "search_result"):
                _check_blocks(block.get("content"), f"{where}.content")


def _check(value: Json, shape: type[msgspec.Struct], path: str) -> None:
    """msgspec's own message, with its `$` replaced by where we are."""
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as found:
        text, at, inner = str(found).partition(" - at `$")
        raise msgspec.ValidationError(f"{text} - at `{path}{inner}" if at else f"{text} - at `{path}`") from None
