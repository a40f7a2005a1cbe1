"""Chat request -> Request.

Indexes boldly; `shapes.explain_request` says afterwards what was wrong. A field that is present and null, or that
nobody here knows, stays in `extra` and comes back as it was.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Media, Opaque, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, OutputFormat, Request, Role, Sampling, Tool, ToolChoice
from tollbridge.wires import free_text
from tollbridge.wires.base import Written
from tollbridge.wires.openai_chat.content import read_content, take_cache
from tollbridge.wires.openai_chat.shapes import explain_request
from tollbridge.wires.openai_chat.thinking import read_reasoning
from tollbridge.wires.openai_chat.turn import TurnReader
from tollbridge.wires.openai_chat.vocabulary import FIELD, NAME, of_another, string, take
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.stumble import STUMBLES

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_INTEGERS = ("top_k", "top_logprobs")
_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


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
    turns = TurnReader(seals)
    messages = _Messages(turns).read(rest.pop("messages"))
    options = take(rest, "stream_options", dict)
    include_usage = None
    if options is not None:
        options = dict(options)
        include_usage = take(options, "include_usage", bool)
        if options or include_usage is None:
            rest["stream_options"] = options
    request = Request(
        model=model,
        messages=messages,
        tools=_tools(rest, spelling),
        tool_choice=_tool_choice(rest, spelling),
        parallel_tools=take(rest, "parallel_tool_calls", bool),
        sampling=_sampling(rest, spelling),
        reasoning=read_reasoning(rest),
        output=_output(rest),
        stream=take(rest, "stream", bool),
        include_usage=include_usage,
        user=take(rest, "user", str),
        metadata=rest.pop("metadata") if rest.get("metadata") is not None else None,
        origin=NAME,
        spelling=spelling,
        extra=rest,
    )
    return Written(request, tuple(turns.caveats))


class _Messages:
    """Messages in a row. Calls without an id (the legacy `function_call`, some local servers) get one, so that their
    results find them; `extra[SPELLED]` or `FIELD` says that it was not there."""

    def __init__(self, turns: TurnReader) -> None:
        self._turns = turns
        self._unnamed: list[tuple[str, str]] = []  # (name, id) of calls whose ids are ours and that wait for a result
        self._count = 0

    def read(self, messages: Json) -> tuple[Message, ...]:
        if messages.__class__ is not list:
            raise TypeError("messages")
        return tuple([self._message(message) for message in messages])

    def _message(self, message: JsonObject) -> Message:
        role = message["role"]
        if role == "assistant":
            return self._assistant(message)
        if role in ("tool", "function"):
            return self._result(message)
        spelling = {}
        if role == "developer":
            role, spelling = "system", {"role": "developer"}
        elif role not in ("user", "system"):
            raise TypeError("role")
        if len(message) == 2 and message["content"].__class__ is str and message["content"]:
            return Message(role=role, parts=(Text(text=message["content"]),), spelling=spelling)
        return self._with_content(role, message, spelling)

    def _with_content(self, role: Role, message: JsonObject, spelling: dict[str, str]) -> Message:
        rest = {key: value for key, value in message.items() if key not in ("role", "content")}
        parts: list[Part] = []
        if "content" in message:
            parts, spelled = read_content(message["content"])
            if spelled:
                spelling = {**spelling, "content": spelled}
        else:
            spelling = {**spelling, "content": "absent"}
        parts, spelling = _cached(parts, rest, spelling)
        name = take(rest, "name", str)
        return Message(role=role, parts=tuple(parts), name=name, spelling=spelling, extra=rest)

    def _assistant(self, message: JsonObject) -> Message:
        parts, spelling, rest = self._turns.read(message)
        if "cache_control" in rest:
            held, spelling = _cached(list(parts), rest, spelling)
            parts = tuple(held)
        if any(isinstance(part, ToolCall) and not part.id for part in parts):
            parts = tuple([self._named(part) for part in parts])
        return Message(role="assistant", parts=parts, name=take(rest, "name", str), spelling=spelling, extra=rest)

    def _named(self, part: Part) -> Part:
        if not isinstance(part, ToolCall) or part.id:
            return part
        id = f"call_{self._count}"
        self._count += 1
        self._unnamed.append((part.name, id))
        extra = part.extra if FIELD in part.extra else {**part.extra, FIELD: "without id"}
        return msgspec.structs.replace(part, id=id, extra=extra)

    def _result(self, message: JsonObject) -> Message:
        rest = {key: value for key, value in message.items() if key not in ("role", "content")}
        spelling = {"role": "function"} if message["role"] == "function" else {}
        id = take(rest, "tool_call_id", str)
        if id is None:
            name = rest.get("name")
            found = next((call for call in self._unnamed if call[0] == name), None) or next(iter(self._unnamed), None)
            if found is not None:
                self._unnamed.remove(found)
            id = found[1] if found is not None else ""
            spelling["tool_call_id"] = "absent"
        parts: list[Part] = []
        if "content" in message:
            parts, spelled = read_content(message["content"])
            if spelled:
                spelling["content"] = spelled
        else:
            spelling["content"] = "absent"
        cache = take_cache(rest)
        is_error = rest.pop("is_error") if rest.get("is_error") is True else False
        if is_error:
            spelling["is_error"] = "said"
        result = ToolResult(
            call_id=self._turns.read_id(id)[0],
            content=tuple(parts),
            is_error=is_error,
            cache=cache,
            spelling=spelling,
            extra=rest,
        )
        return Message(role="user", parts=(result,))


def _cached(parts: list[Part], rest: JsonObject, spelling: dict[str, str]) -> tuple[list[Part], dict[str, str]]:
    """A mark on the message is one on its last text or file."""
    if rest.get("cache_control") is None:
        return parts, spelling
    for index in reversed(range(len(parts))):
        part = parts[index]
        if isinstance(part, Text | Media) and part.cache is None:
            marked = msgspec.structs.replace(part, cache=take_cache(rest))
            return [*parts[:index], marked, *parts[index + 1 :]], {**spelling, "cache": "message"}
    return parts, spelling


def _tools(rest: JsonObject, spelling: dict[str, str]) -> tuple[Tool | Opaque, ...]:
    if rest.get("tools"):
        tools = [_tool(tool) for tool in take(rest, "tools", list) or ()]
        return tuple(tools)
    if rest.get("functions"):
        spelling["tools"] = "functions"
        return tuple([_function(function, {}, {}) for function in take(rest, "functions", list) or ()])
    return ()


def _tool(tool: JsonObject) -> Tool | Opaque:
    kind = tool.get("type", "function")
    function = tool.get("function")
    if kind == free_text.CUSTOM and tool.get(kind).__class__ is dict:
        return _custom(tool)
    if kind != "function" or function.__class__ is not dict:
        if (kind == "function" and not of_another(tool)) or kind.__class__ is not str:
            raise TypeError("function")
        return Opaque(wire=NAME, value=tool)
    extra = {}
    if len(tool) > 2:
        extra = {key: value for key, value in tool.items() if key not in ("type", "function")}
    return _function(function, extra, {} if "type" in tool else {"type": "absent"})


def _custom(tool: JsonObject) -> Tool:
    """It takes free text: to a format that does not know them it is a function of one string."""
    inner = dict(tool[free_text.CUSTOM])
    extra = {key: value for key, value in tool.items() if key not in ("type", free_text.CUSTOM)}
    name, description = string(inner.pop("name")), take(inner, "description", str)
    return Tool(
        name=name,
        description=description,
        schema=free_text.SCHEMA,
        spelling={"type": free_text.CUSTOM},
        extra={**extra, free_text.CUSTOM: inner} if inner else extra,
    )


def _function(function: JsonObject, extra: JsonObject, spelling: dict[str, str]) -> Tool:
    inner = dict(function)
    cache = take_cache(extra) if extra else None
    if cache is None and "cache_control" in inner:
        cache = take_cache(inner)
        spelling = {**spelling, "cache": "function"}
    tool = Tool(
        name=string(inner.pop("name")),
        description=take(inner, "description", str),
        schema=take(inner, "parameters", dict),
        strict=take(inner, "strict", bool),
        cache=cache,
        spelling=spelling,
        extra=extra,
    )
    return msgspec.structs.replace(tool, extra={**extra, "function": inner}) if inner else tool


def _tool_choice(rest: JsonObject, spelling: dict[str, str]) -> ToolChoice | Opaque | None:
    choice = rest.get("tool_choice")
    if choice is None:
        return _function_call(rest, spelling)
    del rest["tool_choice"]
    if choice.__class__ is str:
        if choice == "any":
            spelling["tool_choice"] = choice
        mode = _MODES.get(choice)
        return ToolChoice(mode=mode) if mode is not None else Opaque(wire=NAME, value=choice)  # type: ignore[arg-type]
    if choice.get("type") == "allowed_tools":
        return _allowed(choice)
    kind = choice.get("type")
    named = choice.get(kind) if kind == "function" or kind == free_text.CUSTOM else None
    if named.__class__ is not dict or len(named) != 1:
        return Opaque(wire=NAME, value=choice)
    extra = {key: value for key, value in choice.items() if key != kind and (key != "type" or kind != "function")}
    return ToolChoice(mode="tool", name=string(named["name"]), extra=extra)


def _function_call(rest: JsonObject, spelling: dict[str, str]) -> ToolChoice | None:
    choice = rest.get("function_call")
    if choice is None:
        return None
    spelling["tool_choice"] = "function_call"
    if choice == "auto" or choice == "none":
        del rest["function_call"]
        return ToolChoice(mode=choice)
    name = string(choice["name"])
    extra = {key: value for key, value in rest.pop("function_call").items() if key != "name"}
    return ToolChoice(mode="tool", name=name, extra=extra)


def _allowed(choice: JsonObject) -> ToolChoice | Opaque:
    """A choice among some functions; among other tools it is this format's own."""
    inner = choice.get("allowed_tools")
    if inner.__class__ is not dict or len(choice) != 2 or inner.keys() != {"mode", "tools"}:
        return Opaque(wire=NAME, value=choice)
    mode, tools = inner["mode"], inner["tools"]
    if mode not in ("auto", "required") or not tools or tools.__class__ is not list:
        return Opaque(wire=NAME, value=choice)
    names = [tool.get("function", {}).get("name") for tool in tools]
    if any(name.__class__ is not str for name in names) or tools != [_named(name) for name in names]:
        return Opaque(wire=NAME, value=choice)
    return ToolChoice(mode=mode, allowed=tuple(names))


def _named(name: str) -> JsonObject:
    return {"type": "function", "function": {"name": name}}


def _sampling(rest: JsonObject, spelling: dict[str, str]) -> Sampling:
    found: dict[str, Json] = {}
    for name in _NUMBERS:
        if name in rest:
            found[name] = take(rest, name, float, int)
    for name in _INTEGERS:
        if name in rest:
            found[name] = take(rest, name, int)
    if rest.get("max_completion_tokens") is not None:
        found["max_tokens"] = take(rest, "max_completion_tokens", int)
        spelling["max_tokens"] = "max_completion_tokens"
    elif "max_tokens" in rest:
        found["max_tokens"] = take(rest, "max_tokens", int)
    if rest.get("seed") is not None:
        found["seed"] = take(rest, "seed", int)
    elif rest.get("random_seed") is not None:
        found["seed"] = take(rest, "random_seed", int)
        spelling["seed"] = "random_seed"
    if "n" in rest:
        found["choices"] = take(rest, "n", int)
    if "logprobs" in rest:
        found["logprobs"] = take(rest, "logprobs", bool)
    if rest.get("stop"):
        stop = take(rest, "stop", str, list)
        if stop.__class__ is str:
            spelling["stop"] = "string"
            stop = [stop]
        found["stop"] = tuple([string(word) for word in stop or ()])
    return Sampling(**found) if found else _NOTHING


_NOTHING = Sampling()


def _output(rest: JsonObject) -> OutputFormat | Opaque | None:
    format = rest.get("response_format")
    if format is None:
        return None
    if format.__class__ is not dict:
        raise TypeError("response_format")
    extra = dict(rest.pop("response_format"))
    match extra.pop("type", None):
        case "text":
            return OutputFormat(kind="text", extra=extra)
        case "json_object":
            return OutputFormat(kind="json", extra=extra)
        case "json_schema" if extra.get("json_schema").__class__ is dict:
            inner = dict(extra.pop("json_schema"))
            output = OutputFormat(
                kind="schema",
                name=take(inner, "name", str),
                description=take(inner, "description", str),
                schema=take(inner, "schema", dict),
                strict=take(inner, "strict", bool),
                extra=extra,
            )
            return msgspec.structs.replace(output, extra={**extra, "json_schema": inner}) if inner else output
        case _:
            return Opaque(wire=NAME, value=format)
