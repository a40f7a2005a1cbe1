"""What a target lacks (`base.FEATURES`) leaves the finished body, with a Caveat for each thing."""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field

# A feature's word, and the field of the body that says it.
_FIELDS = (
    ("tools", "tools"),
    ("tools", "tool_choice"),
    ("tool_choice", "tool_choice"),
    ("reasoning", "thinking"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("stop", "stop_sequences"),
    ("user", "metadata"),
)
# Fields inside another one.
_INNER = (
    ("reasoning", "output_config", "effort"),
    ("response_schema", "output_config", "format"),
    ("parallel_tools", "tool_choice", "disable_parallel_tool_use"),
)


def leave_out(body: JsonObject, lacks: frozenset[str], caveats: list[Caveat]) -> None:
    """`body` is changed in place; what is shared with the client's body is copied first."""
    for feature, field in _FIELDS:
        if feature in lacks and field in body:
            del body[field]
            caveats.append(unsent_field(field, "this target lacks it"))
    for feature, field, inner in _INNER:
        outer = body.get(field)
        if feature in lacks and isinstance(outer, dict) and inner in outer:
            rest = {key: value for key, value in outer.items() if key != inner}
            if rest:
                body[field] = rest
            else:
                del body[field]
            caveats.append(unsent_field(f"{field}.{inner}", "this target lacks it"))
    if "strict_tools" in lacks and any("strict" in tool for tool in body.get("tools", ())):
        body["tools"] = [{key: value for key, value in tool.items() if key != "strict"} for tool in body["tools"]]
        caveats.append(unsent_field("tools[].strict", "this target lacks it"))
    if "system" in lacks and body.get("system"):
        _move_system(body, caveats)


def _move_system(body: JsonObject, caveats: list[Caveat]) -> None:
    system, messages = body.pop("system"), body["messages"]
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else list(system)
    first = messages[0] if messages else None
    if first is not None and first["role"] == "user":
        content = first["content"]
        blocks += [{"type": "text", "text": content}] if isinstance(content, str) else content
        messages = messages[1:]
    body["messages"] = [{"role": "user", "content": blocks}, *messages]
    detail = "This target takes no system prompt; its text stands before the first user message."
    caveats.append(Caveat(code="approximated", where="$.system", detail=detail))
