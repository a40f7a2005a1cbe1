"""`Request` -> the body for an Anthropic Messages server.

Two ways through, because they owe different things. A request that came in this format goes back as it came: nothing
is mended, the provider judges. A request of another dialect is made into one that Anthropic accepts (`history`,
`settings`), with a Caveat for each thing that could not be carried.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Reasoning, Request, Tool, ToolChoice, only_allowed
from tollbridge.model.response import Caveat
from tollbridge.wires.anthropic_messages.betas import TOOL_FIELDS, betas
from tollbridge.wires.anthropic_messages.extras import write_extras
from tollbridge.wires.anthropic_messages.history import History
from tollbridge.wires.anthropic_messages.lacking import leave_out
from tollbridge.wires.anthropic_messages.models import Generation, generation
from tollbridge.wires.anthropic_messages.schema import closed_schema
from tollbridge.wires.anthropic_messages.settings import settle, write_sampling
from tollbridge.wires.anthropic_messages.vocabulary import NAME, PATH, VERSION
from tollbridge.wires.anthropic_messages.write_blocks import with_cache
from tollbridge.wires.anthropic_messages.write_parts import PartWriter, own_content
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.dialects import format_of
from tollbridge.wires.tool_servers import with_toolsets

_HEADERS = {"anthropic-version": VERSION}
_TOOK = frozenset((*TOOL_FIELDS, *(f"function.{name}" for name in TOOL_FIELDS)))
_CHOICES = {"auto": "auto", "required": "any", "none": "none", "tool": "tool"}
_EMPTY_SCHEMA: JsonObject = {"type": "object"}
CANNOT_BE_FORCED = "this model cannot be made to call a tool: say in the prompt when it is to"
_ANSWER_IN_JSON = "Answer with one JSON value and nothing else: no prose, no code fence."


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    own = request.origin == NAME
    parts = PartWriter(own=own, account=to.account, lacks=to.lacks)
    body = _own(request, to, parts) if own else _foreign(request, to, parts)
    if to.lacks:
        leave_out(body, to.lacks, parts.caveats)
    headers = _HEADERS
    special = parts.sent_files or parts.verbatim or request.extra
    if not own and special and (needed := betas(body, files=parts.sent_files)):
        headers = {**_HEADERS, "anthropic-beta": ",".join(needed)}
    took = _TOOK if parts.verbatim and not own else frozenset[str]()
    return Written(HttpRequest(path=PATH, body=body, headers=headers, took=took), tuple(parts.caveats))


def _own(request: Request, to: Target, parts: PartWriter) -> JsonObject:
    body: JsonObject = {**request.extra, "model": to.model}
    messages: list[JsonObject] = []
    for index, message in enumerate(request.messages):
        parts.where = f"$.messages[{index}]"
        content = own_content(parts.write_all(message.parts), message.spelling.get("content"))
        if message.role == "system" and message.spelling.get("at") == "system":
            body["system"] = content
        elif content != [] or not message.parts:
            messages.append({**message.extra, "role": message.role, "content": content})
    body["messages"] = messages
    sampling = request.sampling
    for name in ("max_tokens", "temperature", "top_p", "top_k"):
        value = getattr(sampling, name)
        if value is not None:
            body[name] = value
    if sampling.stop:
        body["stop_sequences"] = list(sampling.stop)
    if request.tools:
        body["tools"] = [_own_tool(tool) for tool in request.tools if _is_ours(tool)]
    if request.tool_choice is not None and _is_ours(request.tool_choice):
        body["tool_choice"] = _own_tool_choice(request.tool_choice, request.parallel_tools)
    if request.user is not None or request.metadata:
        body["metadata"] = {**(request.metadata or {})}
        if request.user is not None:
            body["metadata"]["user_id"] = request.user
    if request.reasoning is not None and request.reasoning.mode is not None:
        body["thinking"] = _own_thinking(request.reasoning)
    _own_output(body, request)
    if request.stream is not None or to.stream:
        body["stream"] = to.stream
    return body


def _is_ours(value: object) -> bool:
    """What another wire alone understands can only have been put in by a policy; it has no place here."""
    return not isinstance(value, Opaque) or value.wire == NAME


def _own_tool(tool: Tool | Opaque) -> Json:
    if isinstance(tool, Opaque):
        return tool.value
    body: JsonObject = {**tool.extra, **tool.spelling, "name": tool.name}
    for key, value in (("description", tool.description), ("input_schema", tool.schema), ("strict", tool.strict)):
        if value is not None:
            body[key] = value
    return with_cache(body, tool.cache, True)


def _own_tool_choice(choice: ToolChoice | Opaque, parallel: bool | None) -> Json:
    if isinstance(choice, Opaque):
        return choice.value
    body: JsonObject = {**choice.extra, "type": _CHOICES[choice.mode]}
    if choice.name is not None:
        body["name"] = choice.name
    if parallel is not None:
        body["disable_parallel_tool_use"] = not parallel
    return body


def _own_thinking(reasoning: Reasoning) -> JsonObject:
    body: JsonObject = {**reasoning.extra, "type": reasoning.mode}
    if reasoning.budget_tokens is not None:
        body["budget_tokens"] = reasoning.budget_tokens
    return body


def _own_output(body: JsonObject, request: Request) -> None:
    config: JsonObject = {}
    if request.reasoning is not None and request.reasoning.effort is not None:
        config["effort"] = request.reasoning.effort
    output = request.output
    if output is not None and _is_ours(output) and getattr(output, "kind", "schema") == "schema":
        said = output.value if isinstance(output, Opaque) else _own_format(output)
        if request.spelling.get("output") == "output_format":
            body["output_format"] = said
        else:
            config["format"] = said
    if config:
        body["output_config"] = {**(request.extra.get("output_config") or {}), **config}


def _own_format(output: OutputFormat) -> JsonObject:
    return {**output.extra, "type": "json_schema", "schema": output.schema or _EMPTY_SCHEMA}


def _foreign(request: Request, to: Target, parts: PartWriter) -> JsonObject:
    caveats = parts.caveats
    request = only_allowed(request, caveats)
    facts = _facts(to)
    names: list[str] = []
    for tool in request.tools:
        if isinstance(tool, Tool):
            names.append(tool.name)
        if isinstance(tool, Opaque) or tool.extra:
            parts.verbatim = True
    history = History(
        parts, mid_system=facts.mid_system, modify=to.modify, only_tool=names[0] if len(names) == 1 else None
    )
    system, messages = history.write(request.messages)
    settings = settle(
        request,
        facts,
        limit=to.max_output_tokens,
        stream=to.stream,
        bare_tool_turn=history.ends_in_bare_tool_turn(),
        caveats=caveats,
    )
    body: JsonObject = {"model": to.model, "max_tokens": settings.max_tokens}
    config: JsonObject = {}
    if settings.effort is not None:
        config["effort"] = settings.effort
    _foreign_output(request.output, facts, config, system, caveats)
    if system:
        body["system"] = system
    body["messages"] = messages
    if settings.thinking is not None:
        body["thinking"] = settings.thinking
    if config:
        body["output_config"] = config
    write_sampling(body, request.sampling, facts, settings.thinks, caveats)
    strict = facts.structured and "strict_tools" not in to.lacks
    if not facts.forced:
        request = _unforced(request, caveats)
    _foreign_tools(request, to, body, history.called(), strict, caveats)
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if request.metadata:
        caveats.append(_caveat("dropped_param", "metadata", "Anthropic takes a user id only"))
    write_extras(request.extra, body, caveats)
    if "mcp_servers" in body:
        with_toolsets(body)
    if to.stream:
        body["stream"] = True
    return body


def _facts(to: Target) -> Generation:
    """What the model accepts: told by its name, less what the target says it lacks."""
    facts = generation(to.model)
    return msgspec.structs.replace(facts, structured=False) if "response_schema" in to.lacks else facts


def _foreign_output(
    output: OutputFormat | Opaque | None,
    facts: Generation,
    config: JsonObject,
    system: list[JsonObject],
    caveats: list[Caveat],
) -> None:
    """A schema goes into `output_config.format` where the model takes it; else the model is asked in words."""
    match output:
        case OutputFormat(kind="schema", schema=schema) if facts.structured and schema is not None:
            loosened: list[str] = []
            config["format"] = {"type": "json_schema", "schema": closed_schema(schema, loosened)}
            if loosened:
                detail = f"the schema was fitted to Anthropic's rules at {', '.join(dict.fromkeys(loosened))}"
                caveats.append(_caveat("approximated", "response_format", detail))
        case OutputFormat(kind="schema" | "json"):
            asked = _ANSWER_IN_JSON
            if output.schema is not None:
                asked += f" It must fit this JSON Schema: {msgspec.json.encode(output.schema).decode()}"
            system.append({"type": "text", "text": asked})
            caveats.append(
                _caveat("approximated", "response_format", "the model is asked in words, nothing enforces it")
            )
        case Opaque(wire=wire):
            caveats.append(_caveat("dropped_param", "response_format", f"only {format_of(wire)} understands it"))
        case _:
            pass


def _unforced(request: Request, caveats: list[Caveat]) -> Request:
    """For a model that cannot be made to call a tool: it may."""
    if getattr(request.tool_choice, "mode", None) not in ("required", "tool"):
        return request
    caveats.append(_caveat("dropped_param", "tool_choice", CANNOT_BE_FORCED))
    return msgspec.structs.replace(request, tool_choice=None)


def _foreign_tools(
    request: Request, to: Target, body: JsonObject, called: list[str], strict: bool, caveats: list[Caveat]
) -> None:
    tools: list[JsonObject] = []
    for index, tool in enumerate(request.tools):
        if isinstance(tool, Tool):
            tools.append(_foreign_tool(tool, strict=strict, where=f"tools[{index}]", caveats=caveats))
        elif tool.wire == NAME:
            tools.append(tool.value)
        else:
            caveats.append(
                _caveat("dropped_part", f"tools[{index}]", f"only {format_of(tool.wire)} understands this tool")
            )
    choice = request.tool_choice
    if not tools:
        if to.modify and called:
            # Servers of this format refuse tool turns beside no tools at all.
            body["tools"] = [{"name": name, "input_schema": _EMPTY_SCHEMA} for name in called]
            body["tool_choice"] = {"type": "none"}
            caveats.append(_caveat("approximated", "tools", "the tools that the history calls were declared"))
        return
    body["tools"] = tools
    if isinstance(choice, Opaque) and choice.wire == NAME:
        body["tool_choice"] = choice.value
        return
    if isinstance(choice, Opaque):
        caveats.append(_caveat("dropped_param", "tool_choice", f"only {format_of(choice.wire)} understands it"))
        choice = None
    said: JsonObject = {"type": "auto"} if choice is None else {"type": _CHOICES[choice.mode]}
    if choice is not None and choice.name is not None:
        said["name"] = choice.name
    if request.parallel_tools is False and said["type"] != "none":
        said["disable_parallel_tool_use"] = True
    if choice is not None or len(said) > 1:
        body["tool_choice"] = said


def _foreign_tool(tool: Tool, *, strict: bool, where: str, caveats: list[Caveat]) -> JsonObject:
    """`strict`: the model can hold itself to a schema; then the schema must keep to the rules of `schema`."""
    body: JsonObject = {"name": tool.name, "input_schema": _rooted(tool.schema)}
    if tool.extra:
        inner = tool.extra.get("function")
        said = {**(inner if isinstance(inner, dict) else {}), **tool.extra}
        body.update({name: said[name] for name in TOOL_FIELDS if said.get(name) is not None})
    if tool.description:
        body["description"] = tool.description
    if tool.strict and strict:
        loosened: list[str] = []
        body["strict"] = True
        body["input_schema"] = closed_schema(body["input_schema"], loosened)
        if loosened:
            detail = f"the strict schema was fitted to Anthropic's rules at {', '.join(dict.fromkeys(loosened))}"
            caveats.append(_caveat("approximated", where, detail))
    elif tool.strict:
        caveats.append(_caveat("dropped_param", f"{where}.strict", "this model cannot hold itself to a schema"))
    return with_cache(body, tool.cache, False)


def _rooted(schema: JsonObject | None) -> JsonObject:
    """Anthropic wants a schema, with an object at its root."""
    if not schema:
        return _EMPTY_SCHEMA
    return schema if "type" in schema else {"type": "object", **schema}


def _caveat(code: str, where: str, detail: str) -> Caveat:
    return Caveat(code=code, where=f"$.{where}", detail=f"{detail}.")
