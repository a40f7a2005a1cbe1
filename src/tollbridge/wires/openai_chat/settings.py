"""Everything in a request but the messages: length, sampling, tools, reasoning, output."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Reasoning, Request, Tool, ToolChoice
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import CACHES_ITSELF, unsent_field
from tollbridge.wires import free_text
from tollbridge.wires.base import Target
from tollbridge.wires.dialects import format_of
from tollbridge.wires.openai_chat.content import write_cache
from tollbridge.wires.openai_chat.thinking import PLAIN, STYLES, respell, spell
from tollbridge.wires.openai_chat.vocabulary import FIELD, NAME, approximated

# Fields of Sampling by their names in the body. `top_k` is not OpenAI's; most others take it.
_SAMPLING: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "choices": "n",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
}


def write_settings(body: JsonObject, request: Request, to: Target, caveats: list[Caveat]) -> None:
    writer = _Settings(body, request, to, caveats)
    writer.sampling()
    writer.tools()
    writer.reasoning()
    writer.output()
    writer.stream()
    writer.rest()


class _Settings:
    def __init__(self, body: JsonObject, request: Request, to: Target, caveats: list[Caveat]) -> None:
        self._body = body
        self._request = request
        self._to = to
        self._caveats = caveats
        self._own = request.origin == NAME
        self._spelling = request.spelling if self._own else {}

    def _put(self, feature: str, name: str, value: Json) -> None:
        if feature in self._to.lacks:
            self._caveats.append(unsent_field(name, "this provider or model does not take it"))
        else:
            self._body[name] = value

    def sampling(self) -> None:
        sampling = self._request.sampling
        for field, name in _SAMPLING.items():
            value = getattr(sampling, field)
            if value is not None:
                self._put(field, name, value)
        if sampling.stop:
            alone = self._spelling.get("stop") == "string" and len(sampling.stop) == 1
            self._put("stop", "stop", sampling.stop[0] if alone else list(sampling.stop))
        if sampling.seed is not None:
            self._put("seed", self._to.prefers.get("seed") or self._spelling.get("seed", "seed"), sampling.seed)
        tokens = sampling.max_tokens
        if tokens is not None:
            name = self._to.prefers.get("max_tokens") or self._spelling.get("max_tokens", "max_tokens")
            limit = self._to.max_output_tokens
            if not self._own and limit is not None and tokens > limit:
                detail = f"{tokens} output tokens are over the model's limit; {limit} are asked for."
                self._caveats.append(approximated(f"$.{name}", detail))
                tokens = limit
            self._put("max_tokens", name, tokens)

    def tools(self) -> None:
        request = self._request
        tools = [written for written in (self._tool(tool) for tool in request.tools) if written is not None]
        unsaid = getattr(request.tool_choice, "mode", None) == "none" and "tool_choice" in self._to.lacks
        if tools and unsaid and not self._own:
            detail = "This provider cannot be told to call none of its tools; none are offered."
            self._caveats.append(approximated("$.tool_choice", detail))
            return
        if tools:
            legacy = self._spelling.get("tools") == "functions"
            self._put("tools", "functions" if legacy else "tools", tools)
        if request.tool_choice is not None:
            self._tool_choice(request.tool_choice)
        if request.parallel_tools is not None:
            self._put("parallel_tools", "parallel_tool_calls", request.parallel_tools)

    def _tool(self, tool: Tool | Opaque) -> JsonObject | None:
        if isinstance(tool, Opaque):
            if tool.wire == NAME:
                return tool.value  # type: ignore[no-any-return]
            kind = tool.value.get("type") if isinstance(tool.value, dict) else None
            self._caveats.append(unsent_field("tools", f"`{kind}` is a tool that only {format_of(tool.wire)} runs"))
            return None
        if self._own and tool.spelling.get("type") == free_text.CUSTOM:
            return _custom(tool)
        function: JsonObject = {"name": tool.name}
        if tool.description is not None:
            function["description"] = tool.description
        if tool.schema is not None:
            function["parameters"] = tool.schema
        elif not self._own:
            function["parameters"] = {"type": "object", "properties": {}}
        if tool.strict is not None:
            if "strict_tools" not in self._to.lacks:
                function["strict"] = tool.strict
            elif tool.strict:
                self._caveats.append(unsent_field("tools", "this provider cannot hold a tool to its schema (`strict`)"))
        out: JsonObject = {"type": "function", "function": function}
        if tool.cache is not None:
            if not self._own and "cache_control" not in self._to.prefers:
                self._caveats.append(unsent_field("tools[*].cache_control", CACHES_ITSELF))
            else:
                (function if tool.spelling.get("cache") == "function" else out)["cache_control"] = write_cache(
                    tool.cache
                )
        if not self._own:
            return out
        for key, value in tool.extra.items():
            if key == "function":
                function.update(value)
            else:
                out[key] = value
        if tool.spelling.get("type") == "absent":
            del out["type"]
        return function if self._spelling.get("tools") == "functions" else out

    def _tool_choice(self, choice: ToolChoice | Opaque) -> None:
        name = self._spelling.get("tool_choice", "tool_choice")
        if isinstance(choice, Opaque):
            if choice.wire == NAME:
                self._put("tool_choice", "tool_choice", choice.value)
            else:
                self._caveats.append(unsent_field("tool_choice", f"this choice is of {format_of(choice.wire)}"))
        elif not self._own and not self._body.get("tools"):
            return  # nothing to choose from: providers refuse the pair
        elif name == "function_call":
            extra = choice.extra
            self._put("tool_choice", name, {"name": choice.name, **extra} if choice.mode == "tool" else choice.mode)
        elif choice.mode == "tool":
            extra = choice.extra if self._own else {}
            kind = free_text.CUSTOM if extra.get("type") == free_text.CUSTOM else "function"
            self._put("tool_choice", name, {"type": "function", kind: {"name": choice.name}, **extra})
        elif choice.allowed:
            tools = [{"type": "function", "function": {"name": allowed}} for allowed in choice.allowed]
            said = {"mode": choice.mode, "tools": tools}
            self._put("tool_choice", "tool_choice", {"type": "allowed_tools", "allowed_tools": said})
        else:
            self._put("tool_choice", "tool_choice", "any" if name == "any" else choice.mode)

    def reasoning(self) -> None:
        reasoning = self._request.reasoning
        if reasoning is None:
            return
        if "reasoning" in self._to.lacks:
            self._caveats.append(unsent_field("reasoning", "this model does not take it"))
            return
        style = self._to.prefers.get("reasoning")
        if not self._own:
            self._body.update(spell(reasoning, STYLES[style or PLAIN], self._caveats))
            return
        self._own_reasoning(reasoning)
        changes = respell({**self._request.extra, **self._body}, STYLES[style], self._caveats) if style else None
        for name, value in (changes or {}).items():
            if value is None:
                del self._body[name]
            else:
                self._body[name] = value

    def _own_reasoning(self, reasoning: Reasoning) -> None:
        extra = reasoning.extra
        effort_inside = extra.get(FIELD) == "reasoning"
        if "reasoning_effort" in extra:
            said = {} if reasoning.effort is None else {"effort": reasoning.effort}
            self._body["reasoning_effort"] = {**said, **extra["reasoning_effort"]}
        elif reasoning.effort is not None and not effort_inside:
            self._body["reasoning_effort"] = reasoning.effort
        if "reasoning" in extra:
            out: JsonObject = {"effort": reasoning.effort} if effort_inside else {}
            if "thinking" not in extra:
                out |= {} if reasoning.budget_tokens is None else {"max_tokens": reasoning.budget_tokens}
                out |= {} if reasoning.mode is None else {"enabled": reasoning.mode == "enabled"}
            self._body["reasoning"] = {**out, **extra["reasoning"]}
        if "thinking" in extra:
            out = {} if reasoning.mode is None else {"type": reasoning.mode}
            out |= {} if reasoning.budget_tokens is None else {"budget_tokens": reasoning.budget_tokens}
            self._body["thinking"] = {**out, **extra["thinking"]}

    def output(self) -> None:
        output = self._request.output
        match output:
            case None:
                return
            case Opaque(wire=wire, value=value):
                if wire == NAME:
                    self._body["response_format"] = value
                else:
                    self._caveats.append(unsent_field("response_format", f"it is of {format_of(wire)}"))
            case OutputFormat(kind="schema"):
                self._put("response_schema", "response_format", self._schema(output))
            case OutputFormat(kind=kind):
                extra = output.extra if self._own else {}
                feature = "response_json" if kind == "json" else ""
                self._put(feature, "response_format", {"type": "json_object" if kind == "json" else kind, **extra})

    def _schema(self, output: OutputFormat) -> JsonObject:
        inner: JsonObject = {}
        if output.name is not None or not self._own:
            inner["name"] = output.name or "answer"
        for key in ("description", "schema", "strict"):
            value = getattr(output, key)
            if value is not None:
                inner[key] = value
        if not self._own:
            return {"type": "json_schema", "json_schema": inner}
        extra = dict(output.extra)
        return {"type": "json_schema", "json_schema": {**inner, **extra.pop("json_schema", {})}, **extra}

    def stream(self) -> None:
        request = self._request
        if self._to.stream:
            self._body["stream"] = True
        elif request.stream is not None:
            self._body["stream"] = False
        options: JsonObject = {}
        if request.include_usage is not None and (self._to.stream or self._own):
            options["include_usage"] = request.include_usage
        kept = request.extra.get("stream_options") if self._own else None
        if isinstance(kept, dict):
            options.update(kept)
        if (options or kept is not None) and "stream_usage" not in self._to.lacks:
            self._body["stream_options"] = options

    def rest(self) -> None:
        request = self._request
        if request.user is not None:
            self._put("user", "user", request.user)
        if request.metadata is not None and self._own:
            self._put("metadata", "metadata", request.metadata)
        elif request.metadata is not None:
            self._caveats.append(unsent_field("metadata", "providers of this format refuse it, or mean something else"))
        for key, value in request.extra.items():
            if self._own:
                if key != "stream_options" or value is None:
                    self._body.setdefault(key, value)
            elif value is not None:
                self._caveats.append(
                    unsent_field(key, f"the chat format has no such field ({format_of(request.origin)})")
                )


def _custom(tool: Tool) -> JsonObject:
    described = {} if tool.description is None else {"description": tool.description}
    inner = {"name": tool.name, **described, **tool.extra.get(free_text.CUSTOM, {})}
    return {"type": free_text.CUSTOM, **tool.extra, free_text.CUSTOM: inner}
