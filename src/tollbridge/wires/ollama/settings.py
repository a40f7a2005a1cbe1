"""The settings of a request, as Ollama takes them: `options`, `think`, `format`, `tools`. Each thing that cannot be
carried is a Caveat. How long a context is (`num_ctx`), how long the model stays in memory (`keep_alive`) and the other
words of its own are taken from whoever says them."""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Reasoning, Request, Sampling, Tool, ToolChoice
from tollbridge.wires.base import Target
from tollbridge.wires.dialects import format_of
from tollbridge.wires.json_in_words import json_in_words
from tollbridge.wires.losses import Losses
from tollbridge.wires.ollama.vocabulary import OPTIONS, OWN_FIELDS, has_levels

_OPTIONS = (
    ("max_tokens", "num_predict"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("seed", "seed"),
    ("frequency_penalty", "frequency_penalty"),
    ("presence_penalty", "presence_penalty"),
)
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_NO_SCHEMA: JsonObject = {"type": "object", "properties": {}}


class Settings:
    """Writes into `body`. `asks`: words for the system prompt, where nothing else can say them."""

    def __init__(self, request: Request, to: Target, body: JsonObject, losses: Losses) -> None:
        self._request = request
        self._model = to.model
        self._lacks = to.lacks
        self._body = body
        self._losses = losses
        self.asks: list[str] = []

    def write(self) -> None:
        options = self._sampling(self._request.sampling)
        self._tools()
        self._output(self._request.output)
        self._think(self._request.reasoning)
        self._logprobs(self._request.sampling)
        self._extras(options)
        if options:
            self._body["options"] = options
        if self._request.user is not None:
            self._losses.param("user", "Ollama is not told the end user")
        if self._request.metadata:
            self._losses.param("metadata", "Ollama keeps no metadata")

    def _sampling(self, sampling: Sampling) -> JsonObject:
        options: JsonObject = {}
        for name, own in _OPTIONS:
            value = getattr(sampling, name)
            if value is None:
                continue
            if name in self._lacks:
                self._losses.lacked(name)
            else:
                options[own] = value
        stop = [text for text in sampling.stop if text]
        if stop and "stop" in self._lacks:
            self._losses.lacked("stop")
        elif stop:
            options["stop"] = stop
        if sampling.choices is not None and sampling.choices > 1:
            self._losses.param("n", "Ollama answers once")
        return options

    def _logprobs(self, sampling: Sampling) -> None:
        for name in ("logprobs", "top_logprobs"):
            value = getattr(sampling, name)
            if value is None:
                continue
            if name in self._lacks:
                self._losses.lacked(name)
            else:
                self._body[name] = value

    def _tools(self) -> None:
        """A call cannot be forced here. What must not be called is not offered."""
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
        choice = self._request.tool_choice
        if isinstance(choice, Opaque):
            self._losses.param("tool_choice", f"only {format_of(choice.wire)} understands it")
        elif isinstance(choice, ToolChoice) and choice.mode == "none":
            self._losses.changed("tool_choice", f"the tools that must not be called are not offered: {len(tools)}")
            return
        elif isinstance(choice, ToolChoice) and choice.mode == "tool":
            self._losses.changed("tool_choice", f"only `{choice.name}` is offered; Ollama cannot be made to call it")
            tools = [tool for tool in tools if tool.name == choice.name] or tools
        elif isinstance(choice, ToolChoice) and choice.mode == "required":
            self._losses.param("tool_choice", "Ollama cannot be made to call a tool")
        if self._request.parallel_tools is False:
            self._losses.param("parallel_tools", "Ollama's models decide themselves how many tools they call at once")
        if any(tool.strict for tool in tools):
            self._losses.param("strict_tools", "Ollama does not hold calls to their schemas")
        self._body["tools"] = [_tool(tool) for tool in tools]

    def _output(self, output: OutputFormat | Opaque | None) -> None:
        match output:
            case Opaque(wire=wire):
                self._losses.param("response_format", f"only {format_of(wire)} understands it")
            case OutputFormat(kind="schema" | "json") if "tools" in self._body:
                # What has to fit a grammar cannot call: https://github.com/ollama/ollama/issues/11037 (seen 2026-11-26)
                self.asks.append(f"When you call no tool, {json_in_words(output)}")
                how = "beside tools it would keep them from being called; it is asked for in words, nothing enforces it"
                self._losses.changed("response_format", how)
            case OutputFormat(kind="schema", schema=schema) if schema is not None:
                if "response_schema" in self._lacks:
                    self._losses.changed("response_format", "this target takes no schema; JSON is asked for")
                self._body["format"] = "json" if "response_schema" in self._lacks else schema
            case OutputFormat(kind="schema" | "json"):
                self._body["format"] = "json"
            case _:
                pass

    def _think(self, reasoning: Reasoning | None) -> None:
        if reasoning is None or (reasoning.mode == "adaptive" and reasoning.effort is None):
            return  # to leave it to the model is to say nothing
        off = reasoning.mode == "disabled" or reasoning.effort == "none"
        if "reasoning" in self._lacks:
            if not off:
                self._losses.param("reasoning", "this model does not think")
            return
        if off:
            self._body["think"] = False
            return
        effort = reasoning.effort
        if reasoning.budget_tokens is not None:
            self._losses.changed("reasoning", "a budget of tokens for thinking cannot be said")
        if effort is None:
            self._body["think"] = True
            return
        level = _LEVELS.get(effort, "medium")
        if not has_levels(self._model):
            self._losses.changed("reasoning", f"this model is told to think, not how much; the effort was `{effort}`")
            self._body["think"] = True
            return
        if level != effort:
            self._losses.changed("reasoning", f"effort `{effort}` is not known; `{level}` is sent")
        self._body["think"] = level

    def _extras(self, options: JsonObject) -> None:
        for name, value in self._request.extra.items():
            if name == "options" and isinstance(value, dict):
                options.update(value)
            elif name in OPTIONS:
                options[name] = value
            elif name in OWN_FIELDS:
                self._body[name] = value
            else:
                self._losses.param(name, "Ollama's format has no such parameter")


def _tool(tool: Tool) -> JsonObject:
    function: JsonObject = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.schema or _NO_SCHEMA
    return {"type": "function", "function": function}
