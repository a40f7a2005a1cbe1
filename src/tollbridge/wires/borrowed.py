"""Tools and parts that a client says in another format's words.

Chat's clients name vendors' own tools in the vendors' words, as LiteLLM has it
(https://docs.litellm.ai/docs/providers/anthropic, seen 2026-11-26; for Gemini
https://docs.praison.ai/docs/tools/gemini-internal-tools, seen 2026-11-27):

    {"type": "bash_20250124", "name": "bash"}    Anthropic's, whose `type` ends in a date; a client's own tool is there
                                                 {"name", "input_schema"}
    {"googleSearch": {}}                         Google's, named by its one key
    {"type": "file_search", ...}                 those of the Responses format

So do they with parts of the content: `{"type": "document", "source": {...}, "citations": {...}}`, thinking with its
signature. Each goes out as it is where the model's format has it; where another has, it is read as that format's client
would be. A search of the web is one in all of them (`searches`), a server of tools that needs no approval in two
(`tool_servers`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque, Part, Thinking, ToolResult
from tollbridge.model.request import Message, Request, Tool
from tollbridge.model.response import Caveat
from tollbridge.wires.anthropic_messages.read_blocks import BlockReader
from tollbridge.wires.anthropic_messages.read_request import read_tool
from tollbridge.wires.base import Written
from tollbridge.wires.dialects import CHAT, MESSAGES, RESPONSES
from tollbridge.wires.gemini.read_settings import read_tools
from tollbridge.wires.openai_chat.vocabulary import of_google
from tollbridge.wires.seal import UNKEYED, is_seal
from tollbridge.wires.searches import searching
from tollbridge.wires.stumble import STUMBLES
from tollbridge.wires.tool_servers import server_of

_DATED = re.compile(r"[a-z_0-9]+_20\d{6}\Z|mcp_toolset\Z")
_RESPONSES = frozenset(
    {"web_search", "web_search_preview", "web_search_preview_2025_03_11", "web_search_2025_08_26", "file_search"}
    | {"code_interpreter", "computer_use_preview", "image_generation", "local_shell", "shell", "apply_patch", "mcp"}
)
_BLOCKS = re.compile(r"document|image|search_result|container_upload|server_tool_use|mcp_tool_use|[a-z_]+_tool_result")
_NEUTRAL = ("tool_use", "tool_result", "redacted_thinking")
"""Blocks that other formats have too, under other names: no tool's result is paired with a call that nobody reads."""


def lent(request: Request, wire: str) -> Written[Request]:
    """The request with each of them as the format has it that it belongs to."""
    caveats: list[Caveat] = []
    tools = [one for at, tool in enumerate(request.tools) for one in _tools(request, tool, at, wire, caveats)]
    messages = request.messages
    if request.origin == CHAT:
        messages = tuple([_message(message, wire) for message in messages])
    changed = replace(request, tools=tuple(tools), messages=messages)
    return Written(_with_servers(changed, caveats) if wire == MESSAGES else changed, tuple(caveats))


def _with_servers(request: Request, caveats: list[Caveat]) -> Request:
    """Servers of tools stand among the tools elsewhere, and beside them in Anthropic's format."""
    servers = [server_of(tool, f"$.tools[{at}]", caveats) for at, tool in enumerate(request.tools)]
    if all(server is None for server in servers):
        return request
    tools = tuple([tool for tool, server in zip(request.tools, servers, strict=True) if server is None])
    before = request.extra.get("mcp_servers")
    listed = [*(before if isinstance(before, list) else ()), *filter(None, servers)]
    extra = {**request.extra, "mcp_servers": listed} if listed else request.extra
    return replace(request, tools=tools, extra=extra)


def _tools(request: Request, tool: Tool | Opaque, at: int, wire: str, caveats: list[Caveat]) -> Iterator[Tool | Opaque]:
    for one in _owned(tool) if request.origin == CHAT else (tool,):
        if isinstance(one, Opaque) and one.wire != wire:
            yield searching(one, wire, f"$.tools[{at}]", caveats) or one
        else:
            yield one


def _owned(tool: Tool | Opaque) -> tuple[Tool | Opaque, ...]:
    """A chat client's tool, as a client of the format that it belongs to would have it."""
    value = tool.value if isinstance(tool, Opaque) and tool.wire == CHAT else None
    if not isinstance(value, dict):
        return (tool,)
    kind = value.get("type")
    try:
        if "input_schema" in value and kind in (None, "custom"):
            return (read_tool(value),)
        if isinstance(kind, str) and _DATED.match(kind):
            return (Opaque(wire=MESSAGES, value=_flat(value)),)
        if kind is None and of_google(value):
            return read_tools({"tools": [value]}, {})
    except STUMBLES:
        return (tool,)
    return (Opaque(wire=RESPONSES, value=value),) if kind in _RESPONSES else (tool,)


def _flat(tool: JsonObject) -> JsonObject:
    """LiteLLM lets a tool of Anthropic's look like a function, with its settings as `parameters`."""
    function = tool.get("function")
    if not isinstance(function, dict):
        return tool
    settings = function.get("parameters")
    named = {name: value for name, value in function.items() if name not in ("parameters", "description")}
    rest = {name: value for name, value in tool.items() if name != "function"}
    return {**rest, **named, **(settings if isinstance(settings, dict) else {})}


def _message(message: Message, wire: str) -> Message:
    parts = tuple([one for part in message.parts for one in _parts(part, wire)])
    return message if parts == message.parts else replace(message, parts=parts)


def _parts(part: Part, wire: str) -> tuple[Part, ...]:
    match part:
        case Opaque(wire="openai_chat", value=dict(value)):
            return _block(part, value, wire)
        case Thinking(origin="openai_chat", signature=None, extra=extra) if wire == MESSAGES:
            signature = extra.get("signature")
            if isinstance(signature, str) and signature and not is_seal(signature):
                return (Thinking(text=part.text, signature=signature, origin=MESSAGES),)
        case ToolResult(content=content):
            inner = tuple([one for each in content for one in _parts(each, wire)])
            return (part,) if inner == content else (replace(part, content=inner),)
        case _:
            pass
    return (part,)


def _block(part: Opaque, value: JsonObject, wire: str) -> tuple[Part, ...]:
    kind: Json = value.get("type")
    if not isinstance(kind, str) or not (kind in _NEUTRAL or _BLOCKS.fullmatch(kind)):
        return (part,)
    if wire == MESSAGES and kind not in _NEUTRAL:
        return (Opaque(wire=MESSAGES, value=value),)
    try:
        return BlockReader(UNKEYED).read_all([value])
    except STUMBLES:
        return (part,)
