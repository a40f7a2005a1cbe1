"""The settings of a request, as Cohere takes them. Each thing that cannot be carried is a Caveat.

Ranges and limits are those of https://docs.cohere.com/reference/chat (seen 2026-11-26): a value outside is moved to the
nearest that is taken, with a Caveat.
"""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Reasoning, Request, Sampling, Tool, ToolChoice
from tollbridge.wires.base import Target
from tollbridge.wires.dialects import format_of
from tollbridge.wires.json_in_words import json_in_words
from tollbridge.wires.losses import Losses

STOPS_MAX = 5
OWN_FIELDS = ("documents", "citation_options", "safety_mode", "strict_tools", "priority", "raw_prompting", "k", "p")
"""Fields of this format that no dialect of a client has, and that are taken from anybody who says them."""

_NUMBERS = (
    ("max_tokens", "max_tokens", 1, None),
    ("temperature", "temperature", 0.0, None),
    ("top_p", "p", 0.01, 0.99),
    ("top_k", "k", 0, 500),
    ("seed", "seed", 0, 2**64 - 1),
    ("frequency_penalty", "frequency_penalty", 0.0, 1.0),
    ("presence_penalty", "presence_penalty", 0.0, 1.0),
)
_UNSAID = ("top_logprobs", "choices")
_WORDS = {"choices": "n"}

BUDGET = {"minimal": 1024, "low": 2048, "medium": 8192}
"""Tokens for thinking, by effort. The vendor names none; more effort than these is no bound."""

_NO_SCHEMA: JsonObject = {"type": "object", "properties": {}}


class Settings:
    """Writes into `body`. `asks`: words for the system prompt, where nothing else can say them."""

    def __init__(self, request: Request, to: Target, body: JsonObject, losses: Losses) -> None:
        self._request = request
        self._lacks = to.lacks
        self._body = body
        self._losses = losses
        self.asks: list[str] = []

    def write(self, *, reasons: bool) -> None:
        """`reasons`: the model can think before it answers."""
        self._extras()
        self._sampling(self._request.sampling)
        self._tools()
        self._output(self._request.output)
        self._thinking(self._request.reasoning, reasons)
        if self._request.user is not None:
            self._losses.param("user", "Cohere is not told the end user")
        if self._request.metadata:
            self._losses.param("metadata", "Cohere keeps no metadata")

    def _extras(self) -> None:
        for name, value in self._request.extra.items():
            if name in OWN_FIELDS:
                self._body[name] = value
            else:
                self._losses.param(name, "Cohere's format has no such parameter")

    def _sampling(self, sampling: Sampling) -> None:
        for name, own, least, most in _NUMBERS:
            value = getattr(sampling, name)
            if value is None:
                continue
            if name in self._lacks:
                self._losses.lacked(name)
                continue
            sent = max(least, value if most is None else min(most, value))
            if sent != value:
                self._losses.changed(name, f"{value} is outside of what Cohere takes; {sent} is sent")
            self._body[own] = sent
        stop = [text for text in sampling.stop if text]
        if stop and "stop" in self._lacks:
            self._losses.lacked("stop")
        elif stop:
            if len(stop) > STOPS_MAX:
                self._losses.param("stop", f"Cohere takes {STOPS_MAX} stop sequences; the first are sent")
            self._body["stop_sequences"] = stop[:STOPS_MAX]
        if sampling.logprobs is not None:
            if "logprobs" in self._lacks:
                self._losses.lacked("logprobs")
            else:
                self._body["logprobs"] = sampling.logprobs
        for name in _UNSAID:
            if (getattr(sampling, name) or 0) > (name == "choices"):
                self._losses.param(_WORDS.get(name, name), "Cohere's format has no such parameter")

    def _tools(self) -> None:
        tools: list[Tool] = []
        for index, tool in enumerate(self._request.tools):
            if not isinstance(tool, Tool):
                self._losses.part(f"$.tools[{index}]", f"a tool that only {format_of(tool.wire)} understands")
            elif "tools" in self._lacks:
                self._losses.part(f"$.tools[{index}]", f"the tool `{tool.name}`: this target calls none")
            else:
                tools.append(tool)
                if tool.cache is not None:
                    self._losses.mark(f"$.tools[{index}]")
        if not tools:
            return
        choice = self._choice(tools)
        if choice is not None and choice.mode == "tool":
            self._losses.changed("tool_choice", f"only `{choice.name}` is offered, and some tool must be called")
            tools = [tool for tool in tools if tool.name == choice.name] or tools
        self._body["tools"] = [_tool(tool) for tool in tools]
        if choice is not None and choice.mode != "auto":
            self._body["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"
        if self._request.parallel_tools is False and (choice is None or choice.mode != "none"):
            self._losses.param("parallel_tools", "Cohere decides itself how many tools it calls at once")
        self._strict(tools)

    def _choice(self, tools: list[Tool]) -> ToolChoice | None:
        choice = self._request.tool_choice
        if isinstance(choice, Opaque):
            self._losses.param("tool_choice", f"only {format_of(choice.wire)} understands it")
            return None
        if choice is not None and choice.mode != "auto" and "tool_choice" in self._lacks:
            self._losses.lacked("tool_choice")
            return None
        return choice

    def _strict(self, tools: list[Tool]) -> None:
        """One word for all tools: it is said where it is meant for each."""
        strict = [tool.name for tool in tools if tool.strict]
        if not strict or "strict_tools" in self._body:
            return
        if "strict_tools" in self._lacks:
            self._losses.lacked("strict_tools")
        elif len(strict) == len(tools):
            self._body["strict_tools"] = True
        else:
            self._losses.changed("strict_tools", "Cohere is strict with all tools or with none; it is asked for none")

    def _output(self, output: OutputFormat | Opaque | None) -> None:
        match output:
            case Opaque(wire=wire):
                self._losses.param("response_format", f"only {format_of(wire)} understands it")
            case OutputFormat(kind="schema" | "json") if "tools" in self._body or "documents" in self._body:
                self._ask_in_words(output, "Cohere takes no structured output beside tools or documents")
            case OutputFormat(kind="schema") if "response_schema" in self._lacks:
                self._ask_in_words(output, "this target takes no schema")
            case OutputFormat(kind="json") if "response_json" in self._lacks:
                self._ask_in_words(output, "this target has no JSON mode")
            case OutputFormat(kind="schema" | "json", schema=schema):
                said: JsonObject = {"type": "json_object"}
                if schema is not None:
                    said["json_schema"] = schema
                self._body["response_format"] = said
            case _:
                pass

    def _ask_in_words(self, output: OutputFormat, why: str) -> None:
        self.asks.append(f"Please {json_in_words(output)}")
        self._losses.changed("response_format", f"{why}; the model is asked in words, nothing enforces it")

    def _thinking(self, reasoning: Reasoning | None, reasons: bool) -> None:
        if reasoning is None or (reasoning.mode == "adaptive" and reasoning.effort is None):
            return  # to leave it to the model is to say nothing
        off = is_off(reasoning)
        if not reasons or "reasoning" in self._lacks:
            if not off:
                self._losses.param("reasoning", "this model does not think")
            return
        if off:
            self._body["thinking"] = {"type": "disabled"}
            return
        thinking: JsonObject = {"type": "enabled"}
        budget = reasoning.budget_tokens
        if budget is None and reasoning.effort in BUDGET:
            budget = BUDGET[reasoning.effort]
            self._losses.changed("reasoning", f"effort `{reasoning.effort}` is sent as a budget of {budget} tokens")
        if budget is not None:
            thinking["token_budget"] = budget
        self._body["thinking"] = thinking


def is_off(reasoning: Reasoning | None) -> bool:
    return reasoning is not None and (reasoning.mode == "disabled" or reasoning.effort == "none")


def _tool(tool: Tool) -> JsonObject:
    function: JsonObject = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.schema or _NO_SCHEMA
    return {"type": "function", "function": function}
