"""The settings of a request that another dialect wrote, as Gemini takes them: sampling, thinking, output, tools.

Schemas go out as JSON Schema (`schema.py` says why). Each thing that cannot be carried is a Caveat.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Reasoning, Request, Sampling, Tool, ToolChoice
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import mark_at, unsent_field, unsent_part
from tollbridge.wires.base import Target
from tollbridge.wires.dialects import format_of
from tollbridge.wires.gemini.extras import write_extras
from tollbridge.wires.gemini.models import BUDGET, Generation
from tollbridge.wires.gemini.read_settings import JSON_TYPE, SAMPLING
from tollbridge.wires.gemini.vocabulary import NAME, approximated, caveat

STOPS_MAX = 5  # https://ai.google.dev/api/generate-content#generationconfig (seen 2026-11-26)
_IN_JSON = "Answer with one JSON value and nothing else: no prose, no code fence."
_MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE", "tool": "ANY"}


class Foreign:
    """Writes the settings of one request. `asks`: words for the system prompt, where nothing else can say them."""

    def __init__(self, request: Request, to: Target, facts: Generation, caveats: list[Caveat]) -> None:
        self._request = request
        self._to = to
        self._facts = facts
        self._caveats = caveats
        self.asks: list[str] = []

    def config(self) -> JsonObject:
        config = self._sampling(self._request.sampling)
        thinking = self._thinking(self._request.reasoning)
        if thinking:
            config["thinkingConfig"] = thinking
        config.update(self._output(self._request.output))
        return config

    def _sampling(self, sampling: Sampling) -> JsonObject:
        said: JsonObject = {}
        for name, (neutral, _) in SAMPLING.items():
            value = getattr(sampling, neutral)
            if value is not None:
                said[name] = value
        limit = self._to.max_output_tokens
        if limit is not None and (sampling.max_tokens or 0) > limit:
            self._approximated("max_tokens", f"{sampling.max_tokens} is over the model's limit; {limit} is sent")
            said["maxOutputTokens"] = limit
        stop = [text for text in sampling.stop if text]
        if len(stop) > STOPS_MAX:
            self._caveats.append(unsent_field("stop", f"Gemini takes {STOPS_MAX} stop sequences; the first are sent"))
        if stop:
            said["stopSequences"] = stop[:STOPS_MAX]
        return said

    def _thinking(self, reasoning: Reasoning | None) -> JsonObject:
        """How much to think; thoughts are asked for wherever the model is asked to think."""
        if reasoning is None:
            return {}
        facts, effort, budget = self._facts, reasoning.effort, reasoning.budget_tokens
        off = reasoning.mode == "disabled" or effort == "none"
        if facts.thinks == "no":
            if not off:
                self._caveats.append(unsent_field("reasoning", "this model does not think"))
            return {}
        if off:
            return self._not_thinking()
        thinking: JsonObject = {"includeThoughts": True}
        if facts.thinks == "level":
            if effort is None and budget is not None:
                effort = next((name for name in ("low", "medium") if budget <= BUDGET[name]), "high")
                self._approximated(
                    "reasoning", f"a budget of {budget} tokens is sent as the level of effort `{effort}`"
                )
            if effort is not None:
                thinking["thinkingLevel"] = self._level(effort)
        elif budget is not None:
            thinking["thinkingBudget"] = max(facts.least_budget, budget)
        elif effort is not None:
            thinking["thinkingBudget"] = BUDGET.get(effort, BUDGET["medium"])
        return thinking

    def _level(self, effort: str) -> str:
        level = self._facts.levels.get(effort)
        if level is None or level.lower() != effort:
            self._approximated(
                "reasoning", f"effort `{effort}` is not known to this model; `{level or 'HIGH'}` is sent"
            )
        return level or "HIGH"

    def _not_thinking(self) -> JsonObject:
        facts = self._facts
        if not facts.always_thinks:
            return {"thinkingBudget": 0}
        self._approximated("reasoning", "this model always thinks; it is asked to think as little as it can")
        return (
            {"thinkingBudget": facts.least_budget}
            if facts.thinks == "budget"
            else {"thinkingLevel": facts.levels["minimal"]}
        )

    def _output(self, output: OutputFormat | Opaque | None) -> JsonObject:
        match output:
            case OutputFormat(kind="schema" | "json") if self._request.tools and not self._facts.tools_and_json:
                return self._asked_in_words(output, "this model takes no structured output beside tools")
            case OutputFormat(kind="schema") if "response_schema" in self._to.lacks:
                return self._asked_in_words(output, "this target takes no schema")
            case OutputFormat(kind="schema", schema=schema) if schema is not None:
                return {"responseMimeType": JSON_TYPE, "responseJsonSchema": schema}
            case OutputFormat(kind="schema" | "json"):
                return {"responseMimeType": JSON_TYPE}
            case Opaque(wire=wire, value=value):
                if wire == NAME:
                    return dict(value)
                self._caveats.append(unsent_field("response_format", f"only {format_of(wire)} understands it"))
        return {}

    def _asked_in_words(self, output: OutputFormat, why: str) -> JsonObject:
        asked = _IN_JSON
        if output.schema is not None:
            asked += f" It must fit this JSON Schema: {msgspec.json.encode(output.schema).decode()}"
        self.asks.append(asked)
        self._approximated("response_format", f"{why}; the model is asked in words, nothing enforces it")
        return {}

    def tools(self, body: JsonObject) -> None:
        functions: list[Json] = []
        others: list[Json] = []
        strict = False
        for index, tool in enumerate(self._request.tools):
            if isinstance(tool, Tool):
                functions.append(self._function(tool, index))
                strict = strict or bool(tool.strict)
            elif tool.wire == NAME:
                others.append(tool.value)
            else:
                detail = f"only {format_of(tool.wire)} understands this tool"
                self._caveats.append(caveat("dropped_part", f"$.tools[{index}]", detail))
        if functions:
            others.insert(0, {"functionDeclarations": functions})
        if not others:
            return
        body["tools"] = others
        if functions:
            self._choice(body, strict and "strict_tools" not in self._to.lacks)

    def _function(self, tool: Tool, index: int) -> JsonObject:
        said: JsonObject = {"name": tool.name}
        if tool.description:
            said["description"] = tool.description
        if tool.schema and (tool.schema.get("properties") or len(tool.schema) > 2 or "$ref" in tool.schema):
            said["parametersJsonSchema"] = tool.schema
        if tool.cache is not None:
            what = "a cache mark; this format caches by itself, or by `cachedContent`"
            self._caveats.append(unsent_part(mark_at(f"$.tools[{index}]"), what))
        if tool.strict and "strict_tools" in self._to.lacks:
            self._caveats.append(unsent_field(f"tools[{index}].strict", "this target cannot hold itself to a schema"))
        return said

    def _choice(self, body: JsonObject, strict: bool) -> None:
        choice = self._request.tool_choice
        if isinstance(choice, Opaque):
            self._caveats.append(unsent_field("tool_choice", f"only {format_of(choice.wire)} understands it"))
            choice = None
        if self._request.parallel_tools is False and getattr(choice, "mode", "") != "none":
            self._caveats.append(
                unsent_field("parallel_tools", "Gemini decides itself how many tools it calls at once")
            )
        if strict and (choice is None or choice.mode == "auto"):
            # https://ai.google.dev/gemini-api/docs/function-calling: VALIDATED keeps calls to their schemas.
            self._approximated("tools", "`strict` is asked for all tools together, by the mode VALIDATED")
            body["toolConfig"] = {"functionCallingConfig": {"mode": "VALIDATED"}}
            return
        if strict:
            self._approximated("tools", "`strict` is what the mode of a forced call means for all tools")
        if isinstance(choice, ToolChoice):
            calling: JsonObject = {"mode": _MODES[choice.mode]}
            if choice.name is not None:
                calling["allowedFunctionNames"] = [choice.name]
            body["toolConfig"] = {"functionCallingConfig": calling}

    def rest(self, body: JsonObject, config: JsonObject) -> None:
        """What the neutral request has no word for, and what this format has no place for."""
        request = self._request
        if request.user is not None:
            self._caveats.append(unsent_field("user", "Gemini is not told the end user"))
        if request.metadata:
            self._caveats.append(unsent_field("metadata", "Gemini keeps no metadata"))
        write_extras(request.extra, body, config, self._caveats)

    def _approximated(self, name: str, how: str) -> None:
        self._caveats.append(approximated(name, how))
