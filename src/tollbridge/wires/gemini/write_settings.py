"""`generationConfig`, `tools` and `toolConfig` of a request that came in this format, as they came."""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Reasoning, Request, Tool, ToolChoice
from tollbridge.wires.gemini.read_settings import JSON_TYPE, SAMPLING, TEXT_TYPE, usual_groups
from tollbridge.wires.gemini.schema import json_schema
from tollbridge.wires.gemini.vocabulary import NAME, SCHEMA

_MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE", "tool": "ANY"}


def write_settings(body: JsonObject, request: Request) -> None:
    """`body` holds `request.extra` already."""
    config: JsonObject = {}
    for name, (neutral, _) in SAMPLING.items():
        if (value := getattr(request.sampling, neutral)) is not None:
            config[name] = value
    if request.sampling.stop:
        config["stopSequences"] = list(request.sampling.stop)
    if request.reasoning is not None:
        config["thinkingConfig"] = _thinking(request.reasoning, request.spelling.get("thinkingLevel"))
    if request.output is not None:
        config.update(_output(request.output))
    if config:
        body["generationConfig"] = {**(body.get("generationConfig") or {}), **config}
    if request.tools:
        body["tools"] = _tools(request)
    if isinstance(request.tool_choice, ToolChoice):
        calling = _calling(request.tool_choice, request.spelling.get("mode"))
        body["toolConfig"] = {**(body.get("toolConfig") or {}), "functionCallingConfig": calling}


def _thinking(reasoning: Reasoning, level: str | None) -> JsonObject:
    thinking: JsonObject = {**reasoning.extra}
    if reasoning.effort is not None:
        same = level is not None and level.lower() == reasoning.effort
        thinking["thinkingLevel"] = level if same else reasoning.effort.upper()
    if reasoning.budget_tokens is not None:
        thinking["thinkingBudget"] = reasoning.budget_tokens
    elif reasoning.mode in ("disabled", "adaptive"):
        thinking["thinkingBudget"] = 0 if reasoning.mode == "disabled" else -1
    return thinking


def _output(output: OutputFormat | Opaque) -> JsonObject:
    match output:
        case Opaque(wire=wire, value=value):
            return dict(value) if wire == NAME else {}
        case OutputFormat(kind="text"):
            return {"responseMimeType": TEXT_TYPE}
        case OutputFormat(kind="schema", schema=schema) if schema is not None:
            name, said = as_it_came(schema, output.extra, "responseSchema", "responseJsonSchema")
            return {"responseMimeType": JSON_TYPE, name: said}
        case _:
            return {"responseMimeType": JSON_TYPE}


def as_it_came(schema: JsonObject, extra: JsonObject, own_name: str, name: str) -> tuple[str, Json]:
    """A schema in Gemini's own words where it came in them and nobody changed it since, else as JSON Schema."""
    came = extra.get(SCHEMA)
    if came is not None and json_schema(came) == schema:
        return own_name, came
    return name, schema


def _tools(request: Request) -> Json:
    tools = [tool for tool in request.tools if isinstance(tool, Tool) or tool.wire == NAME]
    groups = request.spelling.get("groups", "").split() or usual_groups(tools)
    if sum(int(group.rstrip("+")) + group.endswith("+") for group in groups) != len(tools):
        groups = usual_groups(tools)  # tools were added or taken out since
    left, written = iter(tools), list[Json]()
    for group in groups:
        said: JsonObject = {}
        functions = [_function(next(left)) for _ in range(int(group.rstrip("+")))]
        if functions:
            said["functionDeclarations"] = functions
        if group.endswith("+"):
            beside = next(left)
            said.update(beside.value if isinstance(beside, Opaque) else {})
        written.append(said)
    return written[0] if request.spelling.get("tools") == "object" and len(written) == 1 else written


def _function(tool: Tool | Opaque) -> Json:
    if isinstance(tool, Opaque):
        return tool.value
    said: JsonObject = {key: value for key, value in tool.extra.items() if key != SCHEMA}
    said["name"] = tool.name
    if tool.description is not None:
        said["description"] = tool.description
    if tool.schema is not None:
        name, schema = as_it_came(tool.schema, tool.extra, "parameters", "parametersJsonSchema")
        said[name] = schema
    return said


def _calling(choice: ToolChoice, spelled: str | None) -> JsonObject:
    said: JsonObject = {"mode": _MODES[choice.mode], **choice.extra}
    if choice.name is not None:
        said["allowedFunctionNames"] = [choice.name]
    if spelled is not None and spelled.upper() == said["mode"]:
        said["mode"] = spelled
    elif spelled == "" and said["mode"] == "AUTO":
        del said["mode"]
    return said
