"""`generationConfig`, `tools` and `toolConfig` -> sampling, thinking, output, tools and their choice.

What the neutral request has no word for stays in `extra`, under the name of the object that it stood in.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Reasoning, Sampling, Tool, ToolChoice
from tollbridge.wires.gemini.schema import json_schema
from tollbridge.wires.gemini.vocabulary import NAME, SCHEMA, fields, listed, string, take

SAMPLING = {
    "maxOutputTokens": ("max_tokens", int),
    "temperature": ("temperature", float),
    "topP": ("top_p", float),
    "topK": ("top_k", int),
    "seed": ("seed", int),
    "frequencyPenalty": ("frequency_penalty", float),
    "presencePenalty": ("presence_penalty", float),
    "candidateCount": ("choices", int),
    "responseLogprobs": ("logprobs", bool),
    "logprobs": ("top_logprobs", int),
}
"""Field of `generationConfig`: (field of `Sampling`, its type)."""

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto"}


class Settings:
    """What `generationConfig` says. `spelling` is filled where a thing was spelled in an unusual way."""

    def __init__(self, rest: JsonObject, spelling: dict[str, str]) -> None:
        """Takes `generationConfig` out of `rest`, and leaves there what it does not know."""
        self.sampling = Sampling()
        self.reasoning: Reasoning | None = None
        self.output: OutputFormat | Opaque | None = None
        if rest.get("generationConfig") is None:
            return
        config = fields(rest["generationConfig"])
        self._spelling = spelling
        was_empty = not config
        self.sampling = _sampling(config)
        self.reasoning = self._thinking(config)
        self.output = _output(config)
        if config or was_empty:
            rest["generationConfig"] = config
        else:
            del rest["generationConfig"]

    def _thinking(self, config: JsonObject) -> Reasoning | None:
        if config.get("thinkingConfig") is None:
            return None
        thinking = fields(config["thinkingConfig"])
        budget, level = take(thinking, "thinkingBudget", int), take(thinking, "thinkingLevel", str)
        if budget is None and level is None and thinking.get("includeThoughts") is not True:
            config["thinkingConfig"] = thinking
            return None
        del config["thinkingConfig"]
        if level is not None and level != level.upper():
            self._spelling["thinkingLevel"] = level
        mode: str | None = {0: "disabled", -1: "adaptive"}.get(1 if budget is None else budget, "enabled")
        if budget is None and level is not None:
            mode = None  # else thoughts are to be shown, so there shall be some
        return Reasoning(
            effort=None if level is None else level.lower(),
            budget_tokens=budget if budget is not None and budget > 0 else None,
            mode=mode,  # type: ignore[arg-type]
            extra=thinking,
        )


def _sampling(config: JsonObject) -> Sampling:
    said: JsonObject = {}
    for name, (neutral, kind) in SAMPLING.items():
        if name in config:
            value = take(config, name, int, float) if kind is not bool else take(config, name, bool)
            if kind is int and value.__class__ is float:
                value = _whole(value)
            said[neutral] = value
    stop = config.pop("stopSequences") if config.get("stopSequences") else ()
    return Sampling(stop=tuple([string(text) for text in stop]), **said)


def _whole(value: Json) -> int:
    if not float(value).is_integer():
        raise TypeError("expected a whole number")
    return int(value)


def _output(config: JsonObject) -> OutputFormat | Opaque | None:
    """The MIME type and the schema belong together; a schema without the type is left where it is."""
    kind = config.get("responseMimeType")
    if kind == TEXT_TYPE and not config.keys() & {"responseSchema", "responseJsonSchema"}:
        del config["responseMimeType"]
        return OutputFormat(kind="text")
    own, schema = config.get("responseSchema"), config.get("responseJsonSchema")
    if kind == JSON_TYPE and own is None and schema is None:
        del config["responseMimeType"]
        return OutputFormat(kind="json")
    if kind == JSON_TYPE and own.__class__ is dict and schema is None:
        del config["responseMimeType"], config["responseSchema"]
        return OutputFormat(kind="schema", schema=json_schema(own), extra={SCHEMA: own})
    if kind == JSON_TYPE and schema.__class__ is dict and own is None:
        del config["responseMimeType"], config["responseJsonSchema"]
        return OutputFormat(kind="schema", schema=schema)
    if kind is None:
        return None
    names = ("responseMimeType", "responseSchema", "responseJsonSchema")
    return Opaque(wire=NAME, value={name: config.pop(name) for name in names if name in config})


def read_tools(rest: JsonObject, spelling: dict[str, str]) -> tuple[Tool | Opaque, ...]:
    """Each function is a tool, each tool of Google's an Opaque. How they were grouped goes into `spelling`."""
    said = rest.get("tools")
    if not said:
        return ()
    if said.__class__ is dict:  # as the servers read it
        spelling["tools"] = "object"
        said = [said]
    tools: list[Tool | Opaque] = []
    groups: list[str] = []
    for group in listed(said):
        named = fields(group)
        functions = named.pop("functionDeclarations") if named.get("functionDeclarations") else []
        tools += [_tool(function) for function in listed(functions)]
        if named or not functions:
            tools.append(Opaque(wire=NAME, value=group if not functions else named))
        groups.append(f"{len(functions)}{'+' if named or not functions else ''}")
    if groups != usual_groups(tools):
        spelling["groups"] = " ".join(groups)
    del rest["tools"]
    return tuple(tools)


def usual_groups(tools: list[Tool | Opaque]) -> list[str]:
    """How tools are grouped where nobody says: neighbouring functions together, each of Google's alone."""
    groups: list[str] = []
    functions = 0
    for tool in (*tools, None):
        if isinstance(tool, Tool):
            functions += 1
            continue
        if functions:
            groups.append(str(functions))
            functions = 0
        if tool is not None:
            groups.append("0+")
    return groups


def _tool(value: Json) -> Tool:
    extra = fields(value)
    name = string(extra.pop("name"))
    description = take(extra, "description", str)
    own, schema = extra.get("parameters"), extra.get("parametersJsonSchema")
    if schema.__class__ is dict:
        del extra["parametersJsonSchema"]
    elif own.__class__ is dict:
        schema = json_schema(own)
        extra[SCHEMA] = extra.pop("parameters")
    elif own is not None or schema is not None:
        raise TypeError("parameters")
    return Tool(name=name, description=description, schema=schema, extra=extra)


def read_tool_choice(rest: JsonObject, spelling: dict[str, str]) -> ToolChoice | None:
    if rest.get("toolConfig") is None:
        return None
    config = fields(rest["toolConfig"])
    if config.get("functionCallingConfig") is None:
        rest["toolConfig"] = config
        return None
    calling = fields(config.pop("functionCallingConfig"))
    if config:
        rest["toolConfig"] = config
    else:
        del rest["toolConfig"]
    said = take(calling, "mode", str)
    if said is None:
        spelling["mode"] = ""
    elif said != said.upper():
        spelling["mode"] = said
    mode = _MODES.get((said or "AUTO").upper())
    if mode is None:
        raise TypeError("mode")
    if (said or "").upper() == "VALIDATED":
        calling["mode"] = "VALIDATED"
    names = calling.get("allowedFunctionNames")
    if mode == "required" and names.__class__ is list and len(names) == 1:
        del calling["allowedFunctionNames"]
        return ToolChoice(mode="tool", name=string(names[0]), extra=calling)
    return ToolChoice(mode=mode, extra=calling)  # type: ignore[arg-type]
