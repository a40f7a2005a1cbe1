"""`Request` -> the body of a prediction: `{"input": {...}, "stream"?}`. The model stands in the path, or as `version`
beside (`providers.replicate`). What no input can say is a Caveat."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import OutputFormat, Request, Sampling, ToolChoice
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.losses import Losses
from tollbridge.wires.replicate.prompt import write_prompt
from tollbridge.wires.replicate.vocabulary import INPUTS, OPENAI, OPENAI_INPUTS, OWN_INPUTS, PATH


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    losses = Losses("Replicate")
    inputs = write_prompt(request, to.model, to.lacks, losses)
    _sampling(request.sampling, to, inputs, losses)
    _output(request.output, inputs, losses)
    _reasoning(request, to, inputs, losses)
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


def _sampling(sampling: Sampling, to: Target, inputs: JsonObject, losses: Losses) -> None:
    known = OPENAI_INPUTS if to.model.startswith(OPENAI) else INPUTS
    for name, own in known.items():
        value = getattr(sampling, name)
        if value is None:
            continue
        if name in to.lacks:
            losses.lacked(name)
        else:
            inputs[own] = value
    if sampling.stop:
        if "stop" in to.lacks:
            losses.lacked("stop")
        elif any("," in text for text in sampling.stop):
            losses.param("stop", "a sequence with a comma cannot be told: they stand in one text with commas between")
        else:
            inputs["stop_sequences"] = ",".join(sampling.stop)
    if sampling.choices is not None and sampling.choices > 1:
        losses.param("n", "a prediction is one answer")
    for name in ("logprobs", "top_logprobs"):
        if getattr(sampling, name):
            losses.param(name, "a prediction tells none")


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
            losses.param("response_format", f"only {wire} understands it")
            return
        case _:
            return
    losses.changed("response_format", "the format is asked for in words, and nothing holds the model to it")
    inputs["system_prompt"] = "\n\n".join(filter(None, (inputs.get("system_prompt"), wanted)))


def _reasoning(request: Request, to: Target, inputs: JsonObject, losses: Losses) -> None:
    reasoning = request.reasoning
    if reasoning is None or reasoning.mode == "disabled" or reasoning.effort == "none":
        return
    if reasoning.effort is not None and to.model.startswith(OPENAI) and "reasoning" not in to.lacks:
        inputs["reasoning_effort"] = reasoning.effort
    elif reasoning.mode != "adaptive" or reasoning.effort is not None:
        losses.param("reasoning", "the inputs for it are each model's own")


def _tools(request: Request, losses: Losses) -> None:
    if not request.tools:
        return
    choice = request.tool_choice
    if isinstance(choice, ToolChoice) and choice.mode == "none":
        losses.changed("tools", "those that must not be called are not offered")
    else:
        losses.param("tools", "Replicate's models call none")
