"""`toolConfig`: the tools, the choice among them, and the one of ours by whose call a model gives a structured answer.

There is no word for "none". Claude is told by its own field; for others the tools are left out, which says the same,
unless the history has calls: then they must be declared, for the service refuses calls and results beside no tools.
"""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import Request, Tool, ToolChoice
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.anthropic_messages.schema import closed_schema
from tollbridge.wires.base import Target
from tollbridge.wires.bedrock_converse.models import Family
from tollbridge.wires.bedrock_converse.vocabulary import ANSWER_TOOL, NAME, approximated, caveat
from tollbridge.wires.bedrock_converse.write_parts import PartWriter
from tollbridge.wires.dialects import format_of

_EMPTY_SCHEMA: JsonObject = {"type": "object", "properties": {}}
_ANSWER = "Give the answer to the user by calling this tool. Its arguments are the whole answer."


def write_tools(
    request: Request,
    to: Target,
    family: Family,
    parts: PartWriter,
    called: list[str],
    answer_schema: JsonObject | None,
    additional: JsonObject,
) -> JsonObject | None:
    """`toolConfig`, or None; `additional` gets what only the model itself can be told."""
    caveats = parts.caveats
    choice = request.tool_choice
    if isinstance(choice, Opaque):
        caveats.append(unsent_field("tool_choice", f"only {format_of(choice.wire)} understands it"))
        choice = None
    tools = _offered(request, to, family, parts)
    forbidden = choice is not None and choice.mode == "none"
    if forbidden and not called and family.claude is None and tools:
        tools = []
        caveats.append(approximated("tool_choice", "the tools that may not be called are not offered"))
    if called and not any("toolSpec" in tool for tool in tools):
        # Calls and results in a history want their tools declared.
        tools = [_spec(Tool(name=name), family, "tools", caveats) for name in called]
        caveats.append(approximated("tools", "the tools that the history calls were declared"))
        forbidden = True
    if answer_schema is not None:
        tools.append(
            {"toolSpec": {"name": ANSWER_TOOL, "description": _ANSWER, "inputSchema": {"json": answer_schema}}}
        )
    if not tools:
        return None
    said: JsonObject = {"tools": tools}
    if answer_schema is not None:
        said["toolChoice"] = _answering(choice, alone=len(tools) == 1 or forbidden, family=family)
    else:
        chosen = _choice(request, choice, family, to, forbidden, additional, caveats)
        if chosen is not None:
            said["toolChoice"] = chosen
    return said


def _offered(request: Request, to: Target, family: Family, parts: PartWriter) -> list[JsonObject]:
    caveats = parts.caveats
    if "tools" in to.lacks:
        caveats += [unsent_field("tools", "this target lacks it")] if request.tools else []
        return []
    offered: list[JsonObject] = []
    for index, tool in enumerate(request.tools):
        where = f"tools[{index}]"
        if isinstance(tool, Tool):
            strict = family.schema and "strict_tools" not in to.lacks
            offered.append(_spec(tool, family, where, caveats, strict=strict))
            if tool.cache is not None:
                parts.where = f"$.{where}"
                offered += parts.cache_point(tool.cache, "tools")
        elif isinstance(tool.value, dict) and (tool.wire == NAME or "systemTool" in tool.value):
            offered.append(tool.value)
        else:
            caveats.append(caveat("dropped_part", f"$.{where}", f"only {format_of(tool.wire)} understands this tool"))
    return offered


def _spec(tool: Tool, family: Family, where: str, caveats: list[Caveat], *, strict: bool = False) -> JsonObject:
    schema = tool.schema or _EMPTY_SCHEMA
    if "type" not in schema:
        schema = {"type": "object", **schema}
    spec: JsonObject = {"name": tool.name}
    if tool.description and tool.description.strip():
        spec["description"] = tool.description
    if tool.strict and strict:
        loosened: list[str] = []
        schema = closed_schema(schema, loosened)
        spec["strict"] = True
        if loosened:
            detail = f"the strict schema was fitted to the service's rules at {', '.join(dict.fromkeys(loosened))}"
            caveats.append(approximated(where, detail))
    elif tool.strict:
        caveats.append(unsent_field(f"{where}.strict", "this model cannot hold itself to a schema"))
    spec["inputSchema"] = {"json": schema}
    return {"toolSpec": spec}


def _answering(choice: ToolChoice | None, *, alone: bool, family: Family) -> JsonObject:
    """One call is due: that of the answer, or of a tool that is needed for it."""
    if alone and "tool" in family.choices:
        return {"tool": {"name": ANSWER_TOOL}}
    if choice is not None and choice.name is not None and "tool" in family.choices:
        return {"tool": {"name": choice.name}}
    return {"any": {}}


def _choice(
    request: Request,
    choice: ToolChoice | None,
    family: Family,
    to: Target,
    forbidden: bool,
    additional: JsonObject,
    caveats: list[Caveat],
) -> JsonObject | None:
    """`auto` is what saying nothing means, and what some models refuse to be told."""
    claude = family.claude is not None
    if forbidden:
        if claude:
            additional["tool_choice"] = {"type": "none"}
        else:
            caveats.append(unsent_field("tool_choice", "this model cannot be kept from calling tools"))
        return None
    one_at_a_time = request.parallel_tools is False and "parallel_tools" not in to.lacks
    mode = "auto" if choice is None or "tool_choice" in to.lacks else choice.mode
    if choice is not None and choice.mode != "auto" and "tool_choice" in to.lacks:
        caveats.append(unsent_field("tool_choice", "this target lacks it"))
    if mode != "auto" and not family.choices:
        caveats.append(unsent_field("tool_choice", "this model cannot be made to call a tool"))
        mode = "auto"
    if one_at_a_time and claude:
        kind = {"required": "any"}.get(mode, mode)
        named = {"name": choice.name} if choice is not None and mode == "tool" else {}
        additional["tool_choice"] = {"type": kind, **named, "disable_parallel_tool_use": True}
        return None
    if request.parallel_tools is False:
        caveats.append(unsent_field("parallel_tools", "this model decides itself how many tools it calls at once"))
    if mode == "auto":
        return None
    if mode == "tool" and choice is not None and "tool" in family.choices:
        return {"tool": {"name": choice.name}}
    if "any" not in family.choices:
        caveats.append(unsent_field("tool_choice", "this model cannot be made to call a tool"))
        return None
    if mode == "tool":
        caveats.append(approximated("tool_choice", "this model cannot be made to call one tool; it calls any"))
    return {"any": {}}
