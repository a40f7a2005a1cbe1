"""Law 4, towards Converse: what a request of another dialect says arrives, or a Caveat tells why not; and the service
takes what we write, whoever asked and whichever family of models is asked."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from tests.wires import laws
from tests.wires.bedrock_converse import valid
from tests.wires.bedrock_converse.reading import read
from tests.wires.test_cross_wire import WIRES, Features, exchanges_of, excused, lost, request_features
from tollbridge.errors import BadRequestError
from tollbridge.model.request import OutputFormat, Reasoning, Request, ToolChoice
from tollbridge.wires.base import Target
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE as WIRE
from tollbridge.wires.bedrock_converse.vocabulary import ANSWER_TOOL

MODELS = (
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.amazon.nova-2-lite-v1:0",
    "us.meta.llama3-3-70b-instruct-v1:0",
    "mistral.mistral-7b-instruct-v0:2",
)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dialect", WIRES)
def test_requests_cross(dialect: str, model: str) -> None:
    counts: Counter[str] = Counter()
    for name, body, _, _ in exchanges_of(dialect):
        if not isinstance(body, dict):
            continue
        try:
            request = WIRES[dialect].read_request(body).value
        except BadRequestError:
            continue  # the dialect's own tests say which
        try:
            _crosses(request, model)
            counts["crossed"] += 1
        except BadRequestError as error:
            if "modify_params" not in error.message:
                raise
            counts["refused"] += 1
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
    print(f"\n{dialect} -> Converse, {model}: {dict(counts)}")
    assert counts["crossed"] > 20


def _crosses(request: Request, model: str) -> None:
    written = WIRE.write_request(request, Target(model=model, stream=bool(request.stream), max_output_tokens=64000))
    body = laws.through_json(written.value.body)
    assert not valid.faults(body), valid.faults(body)
    told, sent = _features(_told(request)), _features(_back(body, model))
    excused(lost(told, sent), written.caveats)


def _features(request: Request) -> Features:
    """A cache mark of a system message goes with it where that becomes the user's."""
    found = request_features(request)
    marks = sum(count for (kind, _), count in found.items() if kind == "cache")
    kept: Features = Counter({feature: count for feature, count in found.items() if feature[0] != "cache"})
    kept["cache", ""] = marks
    return kept


def _told(request: Request) -> Request:
    """What is the service's default anyway needs no words."""
    choice = request.tool_choice
    auto = getattr(choice, "mode", "") == "auto" and not getattr(choice, "allowed", ())
    return msgspec.structs.replace(request, tool_choice=None) if auto else request


def _back(body: dict[str, object], model: str) -> Request:
    """What was written, in neutral words: with what went to the model itself, and the schema that is a tool here."""
    back = read(body, model)
    additional = back.extra.get("additionalModelRequestFields", {})
    changes: dict[str, object] = {}
    top_k = additional.get("top_k", additional.get("inferenceConfig", {}).get("topK"))
    if top_k is not None:
        changes["sampling"] = msgspec.structs.replace(back.sampling, top_k=top_k)
    tools = tuple(tool for tool in back.tools if getattr(tool, "name", "") != ANSWER_TOOL)
    if len(tools) < len(back.tools):
        changes["tools"] = tools
        changes["output"] = OutputFormat(kind="schema")
    thinks = {"thinking", "reasoningConfig", "reasoning_config", "reasoning_effort", "output_config"} & set(additional)
    if thinks:
        changes["reasoning"] = Reasoning(effort="medium")
    said = additional.get("tool_choice")
    if said is not None:
        mode = {"any": "required"}.get(said["type"], said["type"])
        changes["tool_choice"] = ToolChoice(mode=mode, name=said.get("name"))
        if said.get("disable_parallel_tool_use"):
            changes["parallel_tools"] = False
    return msgspec.structs.replace(back, **changes)
