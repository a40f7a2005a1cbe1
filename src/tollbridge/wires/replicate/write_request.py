"""`Request` -> the body of a prediction: `{"input": {...}, "stream"?}`. The model stands in the path, or as `version`
beside (`providers.replicate`). What no input can say is a Caveat."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Request, Sampling, ToolChoice
from tollbridge.wires.anthropic_messages.settings import BUDGET, MIN_BUDGET
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.dialects import format_of
from tollbridge.wires.losses import Losses
from tollbridge.wires.replicate.prompt import write_prompt
from tollbridge.wires.replicate.vocabulary import OWN_INPUTS, PATH, Inputs, inputs_of


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    losses = Losses("Replicate")
    inputs = write_prompt(request, to.model, to.lacks, losses)
    known = inputs_of(to.model)
    _sampling(request.sampling, known, to, inputs, losses)
    _output(request.output, inputs, losses)
    _reasoning(request, known, to, inputs, losses)
    _tools(request, losses)
    for name, value in request.extra.items():
        if name in OWN_INPUTS:
            inputs[name] = value
        elif value is not None:
            losses.param(name, "Replicate's models have no such input")
    if request.user is not None:
        losses.param("user", "Replicate is not told the end user")
    if request.metadata:
        losses.param("metadata", "Replicate keeps no metadata")
    body: JsonObject = {"input": inputs}
    if to.stream:
        body["stream"] = True
    return Written(HttpRequest(path=PATH, body=body), losses.told())


def _sampling(sampling: Sampling, known: Inputs, to: Target, inputs: JsonObject, losses: Losses) -> None:
    for name in _SETTINGS:
        value = getattr(sampling, name)
        if value is None:
            continue
        if name in to.lacks:
            losses.lacked(name)
        elif name not in known.settings:
            losses.param(name, "this model has no such input")
        elif name == "max_tokens" and value < known.least_tokens:
            losses.changed(name, f"this model refuses less than {known.least_tokens}, which is sent")
            inputs[known.settings[name]] = known.least_tokens
        else:
            inputs[known.settings[name]] = value
    if sampling.stop:
        if "stop" in to.lacks:
            losses.lacked("stop")
        elif "stop" not in known.settings:
            losses.param("stop", "this model has no such input")
        elif any("," in text for text in sampling.stop):
            losses.param("stop", "a sequence with a comma cannot be told: they stand in one text with commas between")
        else:
            inputs["stop_sequences"] = ",".join(sampling.stop)
    if sampling.choices is not None and sampling.choices > 1:
        losses.param("n", "a prediction is one answer")
    for name in ("logprobs", "top_logprobs"):
        if getattr(sampling, name):
            losses.param(name, "a prediction tells none")


_SETTINGS = ("max_tokens", "temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty")


def _output(output: OutputFormat | Opaque | None, inputs: JsonObject, losses: Losses) -> None:
    """Asked for in words: no model's inputs have a schema in common."""
    match output:
        case OutputFormat(kind="schema", schema=schema) if schema is not None:
            wanted = (
                f"Answer with one JSON object alone, which fits this schema: {msgspec.json.encode(schema).decode()}"
            )
        case OutputFormat(kind="schema" | "json"):
            wanted = "Answer with one JSON object alone."
        case Opaque(wire=wire):
            losses.param("response_format", f"only {format_of(wire)} understands it")
            return
        case _:
            return
    losses.changed("response_format", "the format is asked for in words, and nothing holds the model to it")
    inputs["system_prompt"] = "\n\n".join(filter(None, (inputs.get("system_prompt"), wanted)))


def _reasoning(request: Request, known: Inputs, to: Target, inputs: JsonObject, losses: Losses) -> None:
    reasoning = request.reasoning
    if reasoning is None or reasoning.mode == "disabled" or reasoning.effort == "none":
        return
    effort = reasoning.effort
    if "reasoning" in to.lacks:
        losses.lacked("reasoning")
    elif known.thinks == "thinking_budget_tokens":
        _budget(reasoning.budget_tokens or BUDGET.get(effort or "medium", BUDGET["medium"]), inputs, losses)
    elif known.thinks and effort is not None:
        near = effort if not known.efforts or effort in known.efforts else _NEAREST.get(effort, known.efforts[-1])
        if near != effort:
            losses.changed("reasoning", f"effort `{effort}` is not known to this model; `{near}` is sent")
        inputs[known.thinks] = near
    elif reasoning.mode != "adaptive" or effort is not None:
        losses.param("reasoning", "this model has no input for it")


_NEAREST = {"minimal": "low", "xhigh": "high", "max": "high"}


def _budget(wanted: int, inputs: JsonObject, losses: Losses) -> None:
    """Claude's, which is below its `max_tokens`; nothing else that is sent to it speaks against thinking."""
    most = inputs.get("max_tokens")
    budget = max(MIN_BUDGET, wanted if most is None or most > wanted else most // 2)
    if most is not None and most <= budget:
        losses.param("reasoning", f"thinking needs max_tokens above {MIN_BUDGET}; it is {most}")
        return
    inputs |= {"extended_thinking": True, "thinking_budget_tokens": budget}
    if most is None and budget >= _USUAL_TOKENS:
        inputs["max_tokens"] = budget + _USUAL_TOKENS


_USUAL_TOKENS = 8192  # what `max_tokens` is where nobody says


def _tools(request: Request, losses: Losses) -> None:
    if not request.tools:
        return
    choice = request.tool_choice
    if isinstance(choice, ToolChoice) and choice.mode == "none":
        losses.changed("tools", "those that must not be called are not offered")
    else:
        losses.param("tools", "Replicate's models call none")
