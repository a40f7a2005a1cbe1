"""The settings of a request that another dialect wrote, as Converse and the model's family take them.

What the format has no word for goes to the model itself, in `additionalModelRequestFields`, where its family knows it:

    Claude    thinking, output_config.effort, top_k, tool_choice (for `none` and for one call at a time)
    Nova      inferenceConfig.topK; of the second generation reasoningConfig
    gpt-oss   reasoning_effort            Qwen  reasoning_config

Rules
1. `maxTokens` is sent where the client said it: without it the service takes the model's own limit.
2. A schema is `outputConfig.textFormat` where the model holds itself to one; else the model answers by calling a tool
   of ours (`ANSWER_TOOL`); where it cannot be made to call, it is asked in words.
3. Nova takes no sampling beside thinking of high effort
   (https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html, seen 2026-11-26).
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Request, Sampling
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.anthropic_messages.models import Generation
from tollbridge.wires.anthropic_messages.schema import closed_schema
from tollbridge.wires.anthropic_messages.settings import settle, write_sampling
from tollbridge.wires.base import Target
from tollbridge.wires.bedrock_converse.models import EFFORT, Family
from tollbridge.wires.bedrock_converse.vocabulary import approximated
from tollbridge.wires.dialects import format_of

_IN_JSON = "Answer with one JSON value and nothing else: no prose, no code fence."
_UNSAID = ("seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs")
THOUGHT = "/usage/output_tokens_details"
"""Where Claude tells how many tokens it thought, which Converse itself does not."""


class Settings:
    """Writes the settings of one request. `asks`: words for the system prompt, where nothing else can say them;
    `answer_schema`: what the tool takes by whose call the model is to answer."""

    def __init__(self, request: Request, to: Target, family: Family, caveats: list[Caveat]) -> None:
        self._request = request
        self._to = to
        self._family = family
        self._caveats = caveats
        self.asks: list[str] = []
        self.answer_schema: JsonObject | None = None
        self.inference: JsonObject = {}
        self.additional: JsonObject = {}
        self.output: JsonObject = {}
        self.field_paths: list[str] = []

    def output_format(self) -> None:
        output = self._request.output
        match output:
            case OutputFormat(kind="schema", schema=schema) if schema is not None and self._holds_to_schemas():
                self.output["textFormat"] = self._text_format(output, schema)
            case OutputFormat(kind="schema", schema=schema) if schema is not None and self._answers_by_tool():
                self.answer_schema = schema
            case OutputFormat(kind="schema" | "json"):
                asked = _IN_JSON
                if output.schema is not None:
                    asked += f" It must fit this JSON Schema: {msgspec.json.encode(output.schema).decode()}"
                self.asks.append(asked)
                self._approximated("response_format", "the model is asked in words, nothing enforces it")
            case Opaque(wire=wire):
                self._dropped("response_format", f"only {format_of(wire)} understands it")
            case _:
                pass

    def _holds_to_schemas(self) -> bool:
        return self._family.schema and "response_schema" not in self._to.lacks

    def _answers_by_tool(self) -> bool:
        """It can be made to call, and nothing forbids that: thinking does, of Claude's."""
        reasoning = self._request.reasoning
        thinks = reasoning is not None and reasoning.mode != "disabled" and reasoning.effort != "none"
        forced = "any" in self._family.choices and not {"tools", "tool_choice"} & self._to.lacks
        return forced and not (thinks and self._family.claude is not None)

    def _text_format(self, output: OutputFormat, schema: JsonObject) -> JsonObject:
        loosened: list[str] = []
        closed = closed_schema(schema, loosened)
        if loosened:
            detail = f"the schema was fitted to the service's rules at {', '.join(dict.fromkeys(loosened))}"
            self._approximated("response_format", detail)
        said: JsonObject = {"schema": msgspec.json.encode(closed).decode()}
        if output.name:
            said["name"] = output.name
        if output.description:
            said["description"] = output.description
        return {"type": "json_schema", "structure": {"jsonSchema": said}}

    def sampling(self, *, bare_tool_turn: bool) -> None:
        """Length, sampling and thinking: the three hang on each other."""
        sampling = self._request.sampling
        claude = self._family.claude
        if claude is not None:
            self._of_claude(sampling, claude, bare_tool_turn=bare_tool_turn)
        else:
            high = self._thinking()
            self._of_others(sampling, alone=high)
            self._unsaid(sampling)
        if sampling.max_tokens is not None:
            limit = self._to.max_output_tokens
            asked = sampling.max_tokens
            if limit is not None and asked > limit and claude is None:
                self._approximated("max_tokens", f"{asked} is over the model's limit; {limit} is sent")
            self.inference["maxTokens"] = asked if limit is None else min(asked, limit)

    def _of_claude(self, sampling: Sampling, facts: Generation, *, bare_tool_turn: bool) -> None:
        settled = settle(
            self._request,
            facts,
            limit=self._to.max_output_tokens,
            stream=self._to.stream,
            bare_tool_turn=bare_tool_turn,
            caveats=self._caveats,
        )
        said: JsonObject = {}
        write_sampling(said, sampling, facts, settled.thinks, self._caveats)
        for name, ours in (("temperature", "temperature"), ("top_p", "topP"), ("stop_sequences", "stopSequences")):
            if name in said:
                self.inference[ours] = said[name]
        if "top_k" in said:
            self.additional["top_k"] = said["top_k"]
        if settled.thinking is not None:
            self.additional["thinking"] = settled.thinking
        if settled.thinks:
            self.field_paths.append(THOUGHT)
        if settled.effort is not None:
            self.additional["output_config"] = {"effort": settled.effort}

    def _of_others(self, sampling: Sampling, *, alone: bool) -> None:
        temperature = sampling.temperature
        if temperature is not None and temperature > 1:
            self._approximated("temperature", f"{temperature} is above the service's maximum; 1 is sent")
            temperature = 1
        for name, ours, value in (("temperature", "temperature", temperature), ("top_p", "topP", sampling.top_p)):
            if value is not None and alone:
                self._dropped(name, "it cannot be set while this model thinks hard")
            elif value is not None:
                self.inference[ours] = value
        if sampling.top_k is not None and (alone or not self._family.top_k):
            self._dropped("top_k", "this model takes no such parameter" if not alone else "it thinks hard")
        elif sampling.top_k is not None:
            into = self.additional
            for step in self._family.top_k[:-1]:
                into = into.setdefault(step, {})
            into[self._family.top_k[-1]] = sampling.top_k
        stop = [text for text in sampling.stop if text]
        if stop and not self._family.stop:
            self._dropped("stop", "this model takes no stop sequences")
        elif stop:
            self.inference["stopSequences"] = stop

    def _unsaid(self, sampling: Sampling) -> None:
        for name in _UNSAID:
            if getattr(sampling, name) not in (None, False):
                self._dropped(name, "the Converse format has no such parameter")
        if sampling.choices is not None and sampling.choices > 1:
            self._dropped("n", "the Converse format answers once")

    def _thinking(self) -> bool:
        """Asks a model that is not Claude to think. Whether it does so with the most effort."""
        reasoning = self._request.reasoning
        if reasoning is None or self._family.thinks == "claude":
            return False
        off = reasoning.mode == "disabled" or reasoning.effort == "none"
        if self._family.thinks == "no":
            if not off:
                self._dropped("reasoning", "this model is not asked to think by this format")
            return False
        if off:
            if self._family.thinks == "effort":
                self._approximated("reasoning", "this model always thinks; effort is `low`")
                self.additional["reasoning_effort"] = "low"
            return False
        effort = EFFORT.get(reasoning.effort or "medium", "high")
        if reasoning.budget_tokens is not None or effort != (reasoning.effort or effort):
            self._approximated("reasoning", f"this model knows three efforts; `{effort}` is sent")
        match self._family.thinks:
            case "nova":
                self.additional["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": effort}
            case "qwen":
                self.additional["reasoning_config"] = effort
            case _:
                self.additional["reasoning_effort"] = effort
        return self._family.thinks == "nova" and effort == "high"

    def write(self, body: JsonObject) -> None:
        """Into `body`, what there is to say; what is for the model itself follows when all of it is known."""
        for name, value in (
            ("inferenceConfig", self.inference),
            ("outputConfig", self.output),
            ("additionalModelResponseFieldPaths", self.field_paths),
        ):
            if value:
                body[name] = value

    def _dropped(self, name: str, why: str) -> None:
        self._caveats.append(unsent_field(name, why))

    def _approximated(self, name: str, how: str) -> None:
        self._caveats.append(approximated(name, how))
