"""A request with tools -> the same without, for a model that has none.

1. The tools are described at the end of the system prompt, with how to call one. What must not be called is not
   described; what must be called is said in words.
2. Calls of earlier turns become the text that would have been read as such, results a text of the user's in tags; what
   else a result holds (images) follows it.
3. A schema for the answer becomes words as well: enforced, it would leave no room for a call.

4. A model that goes on to make up results is stopped where it begins to, if it takes stop sequences.

    <tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>
    <tool_result name="weather">5 degrees</tool_result>
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, OutputFormat, Request, Tool, ToolChoice, only_allowed
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_part
from tollbridge.wires.dialects import format_of
from tollbridge.wires.json_in_words import json_in_words

OPEN, CLOSE = "<tool_call>", "</tool_call>"
_RESULT_OPEN, _RESULT_CLOSE = "<tool_result", "</tool_result>"
STOPS_MAX = 4  # as many as everybody takes who takes any
_ESCAPED = "<\\/tool_result>"

_encode = msgspec.json.Encoder().encode


class Offer(msgspec.Struct, frozen=True):
    """`names`: of the tools that are offered; what names another is no call."""

    request: Request
    names: frozenset[str]
    caveats: tuple[Caveat, ...]


def wants_tools(request: Request) -> bool:
    """There is something to put into words: tools, or calls of earlier turns."""
    return any(isinstance(tool, Tool) for tool in request.tools) or any(
        isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts
    )


def offer(request: Request, *, stops: bool = True) -> Offer:
    """`stops`: the model takes stop sequences."""
    caveats: list[Caveat] = []
    request = only_allowed(request, caveats)
    tools = [tool for tool in request.tools if isinstance(tool, Tool)]
    choice = request.tool_choice if isinstance(request.tool_choice, ToolChoice) else None
    if choice is not None and choice.mode == "none":
        tools = []
    elif choice is not None and choice.mode == "tool":
        tools = [tool for tool in tools if tool.name == choice.name] or tools
    messages = _in_words(request.messages)
    changes: dict[str, object] = {"tools": (), "tool_choice": None, "parallel_tools": None}
    if tools:
        words = _described(tools, choice, request.parallel_tools)
        output = request.output
        if isinstance(output, OutputFormat) and output.kind != "text":
            words += f"\n\nWhen you call no tool, {json_in_words(output)}"
            changes["output"] = None
            caveats.append(_caveat("$.response_format", "beside tools it is asked for in words, nothing enforces it"))
        messages = _with_system(messages, words)
        if stops and len(request.sampling.stop) < STOPS_MAX:
            stop = (*request.sampling.stop, _RESULT_OPEN)
            changes["sampling"] = msgspec.structs.replace(request.sampling, stop=stop)
    for index, tool in enumerate(request.tools):
        if not isinstance(tool, Tool):
            what = f"a tool that only {format_of(tool.wire)} understands"
            caveats.append(unsent_part(f"$.tools[{index}]", what))
    caveats.append(
        _caveat("$.tools", "this model calls none; they are offered in the prompt, and calls are read from its text")
    )
    request = msgspec.structs.replace(request, messages=messages, **changes)
    return Offer(request, frozenset(tool.name for tool in tools), tuple(caveats))


def _described(tools: list[Tool], choice: ToolChoice | None, parallel: bool | None) -> str:
    described = "\n".join(_encode(_description(tool)).decode() for tool in tools)
    several = "Make one call at a time." if parallel is False else "You may make several calls, one after the other."
    lines = [
        "# Tools",
        "You can call tools. Each line describes one: its name, what it does, and the JSON Schema of its arguments.",
        f"<tools>\n{described}\n</tools>",
        "To call a tool, write a JSON object with its name and its arguments between these tags, and then stop:",
        f'{OPEN}\n{{"name": "the tool\'s name", "arguments": {{}}}}\n{CLOSE}',
        several,
        'The results come in the next message, each as <tool_result name="the tool\'s name">...</tool_result>.',
    ]
    match choice:
        case ToolChoice(mode="tool", name=str(name)):
            lines.append(f"You must call the tool `{name}` now.")
        case ToolChoice(mode="required"):
            lines.append("You must call a tool now.")
        case _:
            lines.append("Call a tool only where it helps. Else answer as usual, without these tags.")
    return "\n\n".join(lines)


def _description(tool: Tool) -> JsonObject:
    said: JsonObject = {"name": tool.name}
    if tool.description:
        said["description"] = tool.description
    said["parameters"] = tool.schema or {"type": "object", "properties": {}}
    return said


def _with_system(messages: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """At the end of the system prompt; as one where there is none."""
    lead = next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))
    if lead == 0:
        return (Message(role="system", parts=(Text(text=words),)), *messages)
    last = messages[lead - 1]
    said = msgspec.structs.replace(last, parts=(*last.parts, Text(text=words)), spelling={})
    return (*messages[: lead - 1], said, *messages[lead:])


def _in_words(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    names: dict[str, str] = {}
    found: list[Message] = []
    for message in messages:
        parts: list[Part] = []
        for part in message.parts:
            match part:
                case ToolCall(runs_on="client"):
                    names[part.id] = part.name
                    parts.append(Text(text=_call(part), cache=part.cache))
                case ToolResult():
                    parts += _result(part, names.get(part.call_id) or message.name or "unknown_tool")
                case _:
                    parts.append(part)
        changed = tuple(parts) != message.parts
        found.append(msgspec.structs.replace(message, parts=tuple(parts), spelling={}) if changed else message)
    return tuple(found)


def _call(call: ToolCall) -> str:
    try:
        arguments: Json = msgspec.json.decode(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = call.arguments
    return f"{OPEN}\n{_encode({'name': call.name, 'arguments': arguments}).decode()}\n{CLOSE}"


def _result(result: ToolResult, name: str) -> list[Part]:
    """Its texts in tags that they cannot close, then all else."""
    text = "\n\n".join(part.text for part in result.content if isinstance(part, Text))
    failed = ' failed="true"' if result.is_error else ""
    words = f'{_RESULT_OPEN} name="{name}"{failed}>\n{text.replace(_RESULT_CLOSE, _ESCAPED)}\n{_RESULT_CLOSE}'
    return [Text(text=words, cache=result.cache), *(part for part in result.content if not isinstance(part, Text))]


def _caveat(where: str, how: str) -> Caveat:
    return Caveat(code="approximated", where=where, detail=f"`{where.removeprefix('$.')}`: {how}.")
