"""Everything in a request but its items: length, sampling, tools, reasoning, output."""

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
from tollbridge.wires.openai_responses.vocabulary import (
    LOGPROBS_ASKED,
    NAME,
    REASONING_ASKED,
    approximated,
    dropped_part,
)

# Fields of Sampling by their names in the body, and those that only a request of this format may bring: OpenAI has them
# in its answers, the specification in its requests.
_SAMPLING: Mapping[str, str] = {"temperature": "temperature", "top_p": "top_p", "top_logprobs": "top_logprobs"}
_OWN_SAMPLING: Mapping[str, str] = {
    **_SAMPLING,
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
_UNKNOWN: Mapping[str, str] = {
    "top_k": "top_k",
    "stop": "stop",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
MAX_OUTPUT_TOKENS_LEAST = 16  # https://platform.openai.com/docs/api-reference/responses/create (seen 2026-11-26)

# Fields of the chat format that mean the same here.
_OF_CHAT = frozenset({"service_tier", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"})
_CHAT = "openai_chat"

# Efforts for a client that named a number of tokens, and for words that not every model knows
_EFFORT_UP_TO = ((2048, "low"), (10000, "medium"))
_NEAREST_EFFORT = {"max": "xhigh"}
_EMPTY_SCHEMA: JsonObject = {"type": "object", "properties": {}}


def write_settings(body: JsonObject, request: Request, to: Target, caveats: list[Caveat]) -> None:
    writer = _Settings(body, request, to, caveats)
    writer.sampling()
    writer.tools()
    writer.reasoning()
    writer.output()
    writer.rest()


class _Settings:
    def __init__(self, body: JsonObject, request: Request, to: Target, caveats: list[Caveat]) -> None:
        self._body = body
        self._request = request
        self._to = to
        self._caveats = caveats
        self._own = request.origin == NAME

    def _put(self, feature: str, name: str, value: Json) -> None:
        if feature in self._to.lacks:
            self._drop(name, "this provider or model does not take it")
        else:
            self._body[name] = value

    def _drop(self, name: str, why: str) -> None:
        self._caveats.append(unsent_field(name, why))

    def sampling(self) -> None:
        sampling = self._request.sampling
        for field, name in (_OWN_SAMPLING if self._own else _SAMPLING).items():
            value = getattr(sampling, field)
            if value is not None:
                self._put(field, name, value)
        if not self._own:
            for field, name in _UNKNOWN.items():
                if getattr(sampling, field) not in (None, ()):
                    self._drop(name, "the Responses format has no such parameter")
            if sampling.choices not in (None, 1):
                self._drop("n", "the Responses format gives one answer")
        tokens = sampling.max_tokens
        if tokens is not None:
            self._put("max_tokens", "max_output_tokens", tokens if self._own else self._fitted(tokens))

    def _fitted(self, tokens: int) -> int:
        limit = self._to.max_output_tokens
        fitted = tokens if limit is None else min(tokens, limit)
        fitted = max(fitted, MAX_OUTPUT_TOKENS_LEAST)
        if fitted != tokens:
            detail = f"{tokens} output tokens are outside of what the model takes; {fitted} are asked for."
            self._caveats.append(approximated("$.max_tokens", detail))
        return fitted

    def tools(self) -> None:
        request = self._request
        tools = [written for at, tool in enumerate(request.tools) if (written := self._tool(tool, at)) is not None]
        if tools:
            self._put("tools", "tools", tools)
        if request.tool_choice is not None and (tools or self._own):
            self._choice(request.tool_choice)
        if request.parallel_tools is not None and (tools or self._own):
            self._put("parallel_tools", "parallel_tool_calls", request.parallel_tools)

    def _tool(self, tool: Tool | Opaque, at: int) -> Json:
        if isinstance(tool, Opaque):
            if tool.wire == NAME:
                return tool.value
            self._caveats.append(dropped_part(f"$.tools[{at}]", f"Only {format_of(tool.wire)} understands this tool."))
            return None
        if self._own:
            custom = tool.spelling.get("type") == free_text.CUSTOM
            body: JsonObject = {"type": free_text.CUSTOM if custom else "function", "name": tool.name}
            schema = None if custom else tool.schema
            for key, value in (("description", tool.description), ("parameters", schema), ("strict", tool.strict)):
                if value is not None:
                    body[key] = value
            body.update(tool.extra)
        else:
            # Where nothing is said, this format is strict and the others are not.
            body = {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema or _EMPTY_SCHEMA,
                "strict": tool.strict is True,
            }
            if tool.cache is not None:
                self._drop(f"tools[{at}].cache_control", CACHES_ITSELF)
        if body.get("strict") and "strict_tools" in self._to.lacks:
            body["strict"] = False
            self._drop(f"tools[{at}].strict", "this provider or model does not take it")
        return body

    def _choice(self, choice: ToolChoice | Opaque) -> None:
        if isinstance(choice, Opaque):
            if choice.wire == NAME:
                self._put("tool_choice", "tool_choice", choice.value)
            else:
                self._drop("tool_choice", f"it is of {format_of(choice.wire)}")
        elif choice.mode == "tool":
            extra = choice.extra if self._own else {}
            self._put("tool_choice", "tool_choice", {"type": "function", "name": choice.name, **extra})
        elif choice.allowed:
            tools = [{"type": "function", "name": name} for name in choice.allowed]
            extra = choice.extra if self._own else {}
            said = {"type": "allowed_tools", "mode": choice.mode, "tools": tools, **extra}
            self._put("tool_choice", "tool_choice", said)
        else:
            self._put("tool_choice", "tool_choice", choice.mode)

    def reasoning(self) -> None:
        reasoning = self._request.reasoning
        if reasoning is None:
            return
        if "reasoning" in self._to.lacks:
            self._drop("reasoning", "this model does not take it")
        elif self._own:
            effort = {} if reasoning.effort is None else {"effort": reasoning.effort}
            self._body["reasoning"] = {**effort, **reasoning.extra}
        else:
            self._effort()

    def _effort(self) -> None:
        reasoning = self._request.reasoning
        assert reasoning is not None
        effort = reasoning.effort
        off = reasoning.mode == "disabled"
        if effort is None and reasoning.budget_tokens is not None and not off:
            tokens = reasoning.budget_tokens
            effort = next((word for up_to, word in _EFFORT_UP_TO if tokens <= up_to), "high")
            detail = f"The format counts no thinking tokens; {tokens} became the effort `{effort}`."
            self._caveats.append(approximated("$.reasoning", detail))
        if effort in _NEAREST_EFFORT:
            detail = f"The effort `{effort}` is not known to the format; `{_NEAREST_EFFORT[effort]}` is sent."
            self._caveats.append(approximated("$.reasoning", detail))
            effort = _NEAREST_EFFORT[effort]
        if effort is not None:
            self._body["reasoning"] = {"effort": effort, **_summary(reasoning)}
        elif off:
            self._drop("reasoning", "the format cannot switch thinking off for every model")
        elif reasoning.mode == "enabled":
            self._drop("reasoning", "no effort was named; the model thinks as much as it does by default")

    def output(self) -> None:
        output = self._request.output
        text: JsonObject = {}
        match output:
            case None:
                pass
            case Opaque(wire=wire, value=value):
                if wire == NAME:
                    text["format"] = value
                else:
                    self._drop("response_format", f"it is of {format_of(wire)}")
            case OutputFormat(kind="schema"):
                text["format"] = self._schema(output)
            case OutputFormat(kind=kind):
                word = "json_object" if kind == "json" else kind
                text["format"] = {"type": word, **(output.extra if self._own else {})}
        feature = {"json_schema": "response_schema", "json_object": "response_json"}
        if "format" in text and feature.get(text["format"].get("type"), "") in self._to.lacks:
            del text["format"]
            self._drop("response_format", "this provider or model does not take it")
        kept = self._request.extra.get("text") if self._own else None
        verbosity = self._request.extra.get("verbosity") if self._request.origin == _CHAT else None
        if verbosity is not None:
            text["verbosity"] = verbosity
        if isinstance(kept, dict):
            text.update(kept)
        if text:
            self._body["text"] = text

    def _schema(self, output: OutputFormat) -> JsonObject:
        held: JsonObject = {"type": "json_schema"}
        if output.name is not None or not self._own:
            held["name"] = output.name or "answer"
        for key in ("description", "schema", "strict"):
            value = getattr(output, key)
            if value is not None:
                held[key] = value
        if self._own:
            held.update(output.extra)
        elif output.schema is None:
            held["schema"] = _EMPTY_SCHEMA
        return held

    def rest(self) -> None:
        request = self._request
        if self._to.stream:
            self._body["stream"] = True
        elif request.stream is not None:
            self._body["stream"] = False
        if request.user is not None:
            self._put("user", "user", request.user)
        if self._own:
            self._own_rest()
        else:
            self._foreign_rest()

    def _own_rest(self) -> None:
        request = self._request
        if request.metadata is not None:
            self._put("metadata", "metadata", request.metadata)
        for key, value in request.extra.items():
            if key == "include" and isinstance(value, list) and not request.sampling.logprobs:
                value = [asked for asked in value if asked != LOGPROBS_ASKED]
            if key != "text" or not isinstance(value, dict):
                self._body.setdefault(key, value)

    def _foreign_rest(self) -> None:
        request = self._request
        include = [REASONING_ASKED]
        if request.sampling.logprobs:
            if "logprobs" in self._to.lacks:
                self._drop("logprobs", "this provider or model does not take it")
            else:
                include.append(LOGPROBS_ASKED)
        of_chat = request.origin == _CHAT
        stored = of_chat and request.extra.get("store") is True
        self._body.update({"store": stored, "include": include})
        if request.metadata and stored:
            self._put("metadata", "metadata", request.metadata)
        elif request.metadata:
            self._drop("metadata", "nothing is stored, so that there is nothing to find by it")
        for key, value in request.extra.items():
            if value is None or (of_chat and key in ("verbosity", "store")):
                continue
            if of_chat and key in _OF_CHAT:
                self._body.setdefault(key, value)
            else:
                self._drop(key, f"the Responses format has no such field ({format_of(request.origin)})")


def _summary(reasoning: Reasoning) -> JsonObject:
    """What LiteLLM's chat clients wish for beside the effort."""
    beside = reasoning.extra.get("reasoning_effort")
    summary = beside.get("summary") if isinstance(beside, dict) else None
    return {} if summary is None else {"summary": summary}
