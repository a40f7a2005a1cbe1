"""A client's Messages body -> `Request`.

- `system` becomes a leading system message, spelled `at: system`; system messages inside the conversation stay there.
- What we do not know, and what is null, stays in `extra` and is forwarded.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Role, Sampling, Tool, ToolChoice
from tollbridge.wires.anthropic_messages.read_blocks import BlockReader, copied, take_cache
from tollbridge.wires.anthropic_messages.shapes import explain_request
from tollbridge.wires.anthropic_messages.vocabulary import NAME
from tollbridge.wires.base import Written
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.stumble import STUMBLES

# Shared between messages: nobody writes to a spelling.
_STRING = {"content": "string"}
_TOP = {"at": "system"}
_TOP_STRING = {"at": "system", "content": "string"}
_NOTHING: JsonObject = {}

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_MODES = {"enabled", "disabled", "adaptive"}
_CHOICES = {"auto": "auto", "any": "required", "none": "none", "tool": "tool"}


def read_request(body: Json, seals: Seals = UNKEYED) -> Written[Request]:
    """Raises BadRequestError that names the JSON path of what is wrong."""
    blocks = BlockReader(seals)
    try:
        return Written(_read(body, blocks), tuple(blocks.caveats))
    except STUMBLES as cause:
        explain_request(body, cause)


def _read(body: JsonObject, blocks: BlockReader) -> Request:
    rest = copied(body)
    messages: list[Message] = []
    system = rest.get("system")
    if system is not None:
        blocks.where = "$.system"
        parts, how = blocks.read_content(rest.pop("system"))
        messages.append(Message(role="system", parts=parts, spelling=_TOP_STRING if how == "string" else _TOP))
    for index, message in enumerate(rest.pop("messages")):
        blocks.where = f"$.messages[{index}]"
        parts, how = blocks.read_content(message["content"])
        extra = _NOTHING
        if len(message) > 2:
            extra = {key: value for key, value in message.items() if key not in ("role", "content")}
        messages.append(
            Message(
                role=_ROLES[message["role"]],
                parts=parts,
                spelling=_STRING if how == "string" else _NOTHING,
                extra=extra,
            )
        )
    choice, parallel = _read_tool_choice(rest)
    user, metadata = _read_metadata(rest)
    reasoning, output, spelling = _read_output(rest)
    return Request(
        model=_taken(rest, "model", str) or "",
        messages=tuple(messages),
        tools=_read_tools(rest),
        tool_choice=choice,
        parallel_tools=parallel,
        sampling=_read_sampling(rest),
        reasoning=reasoning,
        output=output,
        stream=_taken(rest, "stream", bool),
        user=user,
        metadata=metadata,
        origin=NAME,
        spelling=spelling,
        extra=rest,
    )


def _read_sampling(rest: JsonObject) -> Sampling:
    stop = rest.pop("stop_sequences") if rest.get("stop_sequences") else ()
    if not all(text.__class__ is str for text in stop):
        raise TypeError("stop_sequences")
    return Sampling(
        max_tokens=_taken(rest, "max_tokens", int),
        temperature=_taken(rest, "temperature", float),
        top_p=_taken(rest, "top_p", float),
        top_k=_taken(rest, "top_k", int),
        stop=tuple(stop),
    )


def _read_tools(rest: JsonObject) -> tuple[Tool | Opaque, ...]:
    if not rest.get("tools"):
        return ()
    return tuple([read_tool(tool) for tool in rest.pop("tools")])


def read_tool(tool: JsonObject) -> Tool | Opaque:
    kind = tool.get("type")
    if kind is not None and kind != "custom":
        return Opaque(wire=NAME, value=tool)
    extra = copied(tool)
    spelling = {"type": "custom"} if extra.pop("type", None) == "custom" else _NOTHING
    if kind is None and "type" in tool:
        extra["type"] = None
    return Tool(
        name=_taken(extra, "name", str) or "",
        description=_taken(extra, "description", str),
        schema=_taken(extra, "input_schema", dict),
        strict=_taken(extra, "strict", bool),
        cache=take_cache(extra),
        spelling=spelling,
        extra=extra,
    )


def _read_tool_choice(rest: JsonObject) -> tuple[ToolChoice | Opaque | None, bool | None]:
    choice = rest.get("tool_choice")
    if choice is None:
        return None, None
    extra = copied(rest.pop("tool_choice"))
    mode = _CHOICES.get(extra.pop("type"))
    if mode is None:
        return Opaque(wire=NAME, value=choice), None
    serial = _taken(extra, "disable_parallel_tool_use", bool)
    name = _taken(extra, "name", str) if mode == "tool" else None
    if mode == "tool" and name is None:
        raise KeyError("name")
    return (
        ToolChoice(mode=mode, name=name, extra=extra),  # type: ignore[arg-type]
        None if serial is None else not serial,
    )


def _read_metadata(rest: JsonObject) -> tuple[str | None, JsonObject | None]:
    metadata = rest.get("metadata")
    if not metadata:
        return None, None
    others = copied(rest.pop("metadata"))
    return _taken(others, "user_id", str), others or None


def _read_output(rest: JsonObject) -> tuple[Reasoning | None, OutputFormat | Opaque | None, dict[str, str]]:
    """`thinking`, `output_config` and the older `output_format`. What is left of `output_config` stays in `rest`."""
    effort = mode = budget = None
    output: OutputFormat | Opaque | None = None
    spelling: dict[str, str] = {}
    thinking_rest: JsonObject = {}
    config = rest.get("output_config")
    if config is not None:
        config = copied(rest.pop("output_config"))
        effort = _taken(config, "effort", str)
        if config.get("format") is not None:
            output = _read_format(config.pop("format"))
        if config or (effort is None and output is None):
            rest["output_config"] = config
    if output is None and rest.get("output_format") is not None:
        output = _read_format(rest.pop("output_format"))
        spelling = {"output": "output_format"}
    thinking = rest.get("thinking")
    if thinking is not None:
        if thinking["type"] not in _MODES:
            return (None if effort is None else Reasoning(effort=effort)), output, spelling
        thinking_rest = copied(rest.pop("thinking"))
        mode = thinking_rest.pop("type")
        budget = _taken(thinking_rest, "budget_tokens", int)
    if effort is None and mode is None:
        return None, output, spelling
    return Reasoning(effort=effort, budget_tokens=budget, mode=mode, extra=thinking_rest), output, spelling


def _read_format(value: JsonObject) -> OutputFormat | Opaque:
    extra = copied(value)
    if extra.pop("type") != "json_schema" or extra.get("schema").__class__ is not dict:
        return Opaque(wire=NAME, value=value)
    return OutputFormat(kind="schema", schema=extra.pop("schema"), extra=extra)


def _taken(rest: JsonObject, key: str, kind: type) -> Json:
    """The value of `key` out of `rest`, of the type `kind`. Null and absent are None, and null stays in `rest`."""
    value = rest.get(key)
    if value is None:
        return None
    if value.__class__ is not kind and not (kind is float and value.__class__ is int):
        raise TypeError(key)
    del rest[key]
    return value
