"""Responses request -> Request: each item of `input` is one Message.

Indexes boldly; `shapes.explain_request` says afterwards what was wrong. A field that is present and null, or that
nobody here knows, stays in `extra` and comes back as it was. An item that is no message, reasoning, call or output of
the client's tools is Opaque, verbatim: what the provider ran itself is never taken for a call of the client's.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque, Part, Text
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Role, Sampling, Tool, ToolChoice
from tollbridge.wires import free_text
from tollbridge.wires.base import Written
from tollbridge.wires.openai_responses.compaction import KIND as COMPACTION
from tollbridge.wires.openai_responses.compaction import opened
from tollbridge.wires.openai_responses.content import read_part
from tollbridge.wires.openai_responses.items import ItemReader
from tollbridge.wires.openai_responses.shapes import explain_request, lacks_input
from tollbridge.wires.openai_responses.vocabulary import (
    CALLS,
    LOGPROBS_ASKED,
    NAME,
    OUTPUTS,
    string,
    take,
    without,
)
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.stumble import STUMBLES

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_FORMATS = {"text": "text", "json_object": "json", "json_schema": "schema"}


def read_request(body: Json, seals: Seals = UNKEYED) -> Written[Request]:
    """Raises BadRequestError that names the JSON path."""
    try:
        return _read(body, seals)
    except STUMBLES as failure:
        raise explain_request(body, failure) from failure


def _read(body: JsonObject, seals: Seals) -> Written[Request]:
    rest = dict(body)
    spelling: dict[str, str] = {}
    model = string(rest.pop("model"))
    items = ItemReader(seals)
    messages: list[Message] = []
    instructions = take(rest, "instructions", str)
    if instructions is not None:
        messages.append(Message(role="system", parts=(Text(text=instructions),), spelling={"at": "instructions"}))
    given = rest.get("input")
    if given is not None:
        del rest["input"]
    if given.__class__ is str:
        spelling["input"] = "string"
        messages.append(Message(role="user", parts=(Text(text=given),)))
    elif given.__class__ is list:
        messages += [read_item(item, items) for item in given]
    elif given is not None:
        raise TypeError("input")
    else:
        if lacks_input(body):
            raise KeyError("input")
        spelling["input"] = "absent"
    request = Request(
        model=model,
        messages=tuple(messages),
        tools=_tools(rest),
        tool_choice=_tool_choice(rest),
        parallel_tools=take(rest, "parallel_tool_calls", bool),
        sampling=_sampling(rest),
        reasoning=_reasoning(rest),
        output=_output(rest),
        stream=take(rest, "stream", bool),
        user=take(rest, "user", str),
        metadata=rest.pop("metadata") if rest.get("metadata") is not None else None,
        origin=NAME,
        spelling=spelling,
        extra=rest,
    )
    return Written(request, tuple(items.caveats))


def read_item(item: JsonObject, items: ItemReader) -> Message:
    kind = item.get("type")
    if kind == "message" or (kind is None and "role" in item):
        return _message(item)
    if kind in CALLS:
        return Message(role="assistant", parts=(items.call(item),))
    if kind in OUTPUTS and "call_id" in item:
        return Message(role="user", parts=(items.output(item),))
    if kind == "reasoning":
        return Message(role="assistant", parts=(items.reasoning(item),))
    if kind == COMPACTION:
        message = opened(item, items.seals, items.caveats)
        if message is not None:
            return message
    if kind is not None and kind.__class__ is not str:
        raise TypeError("type")
    if kind is None and "id" not in item:
        raise KeyError("role")
    role: Role = "user" if kind is not None and kind.endswith("_output") else "assistant"
    return Message(role=role, parts=(Opaque(wire=NAME, value=dict(item)),), spelling={"item": "whole"})


def _message(item: JsonObject) -> Message:
    said = string(item["role"])
    role = _ROLES.get(said)
    if role is None:
        return Message(role="user", parts=(Opaque(wire=NAME, value=dict(item)),), spelling={"item": "whole"})
    content = item["content"]
    spelling = {} if "type" in item else {"type": "absent"}
    if said == "developer":
        spelling["role"] = said
    parts: tuple[Part, ...]
    if content.__class__ is str:
        spelling["content"] = "string"
        parts = (Text(text=content),)
    elif content.__class__ is list:
        parts = tuple([read_part(part, role) for part in content])
    else:
        raise TypeError("content")
    return Message(role=role, parts=parts, spelling=spelling, extra=without(item, "type", "role", "content"))


def _tools(rest: JsonObject) -> tuple[Tool | Opaque, ...]:
    if not rest.get("tools"):
        return ()
    return tuple([_tool(tool) for tool in take(rest, "tools", list) or ()])


def _tool(tool: JsonObject) -> Tool | Opaque:
    """A custom tool takes free text: to a format that does not know them it is a function of one string."""
    kind = string(tool["type"])
    if kind == free_text.CUSTOM:
        return Tool(
            name=string(tool["name"]),
            description=tool["description"] if tool.get("description").__class__ is str else None,
            schema=free_text.SCHEMA,
            spelling={"type": free_text.CUSTOM},
            extra=without(tool, "type", "name", *(["description"] if tool.get("description") is not None else [])),
        )
    if kind != "function":
        return Opaque(wire=NAME, value=dict(tool))
    rest = without(tool, "type")
    return Tool(
        name=string(rest.pop("name")),
        description=take(rest, "description", str),
        schema=take(rest, "parameters", dict),
        strict=take(rest, "strict", bool),
        extra=rest,
    )


def _tool_choice(rest: JsonObject) -> ToolChoice | Opaque | None:
    choice = rest.get("tool_choice")
    if choice is None:
        return None
    del rest["tool_choice"]
    if choice in ("auto", "none", "required"):
        return ToolChoice(mode=choice)
    if choice.__class__ is dict and choice.get("type") == "allowed_tools":
        return _allowed(choice)
    kind = choice.get("type") if choice.__class__ is dict else None
    if kind != "function" and kind != free_text.CUSTOM:
        return Opaque(wire=NAME, value=choice)
    return ToolChoice(
        mode="tool",
        name=string(choice["name"]),
        extra=without(choice, "name") if kind == free_text.CUSTOM else without(choice, "type", "name"),
    )


def _allowed(choice: JsonObject) -> ToolChoice | Opaque:
    """A choice among some functions; among other tools it is this format's own."""
    mode, tools = choice.get("mode"), choice.get("tools")
    if mode not in ("auto", "required") or not tools or tools.__class__ is not list:
        return Opaque(wire=NAME, value=choice)
    if any(tool.keys() != {"type", "name"} or tool["type"] != "function" for tool in tools):
        return Opaque(wire=NAME, value=choice)
    names = tuple([string(tool["name"]) for tool in tools])
    return ToolChoice(mode=mode, allowed=names, extra=without(choice, "type", "mode", "tools"))


def _sampling(rest: JsonObject) -> Sampling:
    include = rest.get("include")
    return Sampling(
        max_tokens=take(rest, "max_output_tokens", int),
        temperature=take(rest, "temperature", int, float),
        top_p=take(rest, "top_p", int, float),
        frequency_penalty=take(rest, "frequency_penalty", int, float),
        presence_penalty=take(rest, "presence_penalty", int, float),
        logprobs=True if include.__class__ is list and LOGPROBS_ASKED in include else None,
        top_logprobs=take(rest, "top_logprobs", int),
    )


def _reasoning(rest: JsonObject) -> Reasoning | None:
    said = take(rest, "reasoning", dict)
    if said is None:
        return None
    inner = dict(said)
    return Reasoning(effort=take(inner, "effort", str), extra=inner)


def _output(rest: JsonObject) -> OutputFormat | Opaque | None:
    """`text.format`; what else `text` holds stays where it was."""
    text = rest.get("text")
    if text is None or text.get("format") is None:
        return None
    inner = dict(text)
    format = inner.pop("format")
    if inner:
        rest["text"] = inner
    else:
        del rest["text"]
    kind = _FORMATS.get(string(format["type"]))
    if kind is None:
        return Opaque(wire=NAME, value=format)
    held = without(format, "type")
    if kind != "schema":
        return OutputFormat(kind=kind, extra=held)  # type: ignore[arg-type]
    return OutputFormat(
        kind="schema",
        name=take(held, "name", str),
        description=take(held, "description", str),
        schema=take(held, "schema", dict),
        strict=take(held, "strict", bool),
        extra=held,
    )
