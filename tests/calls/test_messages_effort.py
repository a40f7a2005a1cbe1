"""LiteLLM's word for how much to think, in a body of Anthropic's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.cache_points import CachePoint
from tollbridge.calls.prepare import prepare
from tollbridge.errors import BadRequestError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES

HI = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 8192}
BEDROCK = Given(api_key="k", extra={"aws_region_name": "us-east-1"})
ADAPTIVE = {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}}
BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 2048}}


def sent(
    model: str, defaults: dict[str, Any] | None = None, points: tuple[CachePoint, ...] = (), **fields: Any
) -> tuple[dict[str, Any], list[str]]:
    """What goes out besides `HI` and the model."""
    given = BEDROCK if model.startswith("bedrock") else Given(api_key="k")
    wanted = Wanted(id="d", group="m", model=model, given=given, defaults=defaults or {}, cache_points=points)
    place = build(wanted, {}, ROWS)
    body = json.dumps({"model": "m", **HI, **fields}).encode()
    made = prepare(Ask(ANTHROPIC_MESSAGES, body, peek(body), "m", stream=False), place)
    said = json.loads(made.outgoing.body)
    for name in (*HI, "model", "anthropic_version"):
        said.pop(name, None)
    return said, [f"{caveat.code} {caveat.where}" for caveat in made.caveats]


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("anthropic/claude-opus-4-6", ADAPTIVE),
        ("anthropic/claude-haiku-4-5", BUDGET),
        ("bedrock/invoke/us.anthropic.claude-opus-4-6-v1", ADAPTIVE),
    ],
)
def test_an_effort_is_what_claude_is_told_of_it(model: str, told: dict[str, Any]) -> None:
    assert sent(model, reasoning_effort="low") == (told, [])
    assert sent(model, reasoning_effort={"effort": "low"}) == (told, [])
    assert sent(model, {"reasoning_effort": "low"}) == (told, [])
    assert sent(model, reasoning_effort="none") == sent(model, reasoning_effort=None) == ({}, [])


def test_another_format_gets_its_own_word() -> None:
    assert sent("openai/gpt-5", reasoning_effort="low")[0]["reasoning_effort"] == "low"
    converse = sent("bedrock/us.anthropic.claude-sonnet-4-6", reasoning_effort="low")[0]
    assert converse["additionalModelRequestFields"] == ADAPTIVE


def test_what_the_body_says_in_anthropics_words_counts() -> None:
    own = {"thinking": {"type": "enabled", "budget_tokens": 3000}}
    assert sent("anthropic/claude-haiku-4-5", {"reasoning_effort": "low"}, **own) == (own, [])
    effort = {"output_config": {"effort": "max"}}
    assert sent("anthropic/claude-opus-4-6", {"reasoning_effort": "low"}, **effort) == (effort, [])
    both = {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}
    said, _ = sent("anthropic/claude-opus-4-6", reasoning_effort="low", **both)
    assert said["output_config"] == {**both["output_config"], "effort": "low"}


def test_thinking_costs_what_it_costs_a_client_of_the_chat_format() -> None:
    said, caveats = sent("anthropic/claude-haiku-4-5", reasoning_effort="low", temperature=0.2, top_k=3, top_p=0.99)
    assert said == {**BUDGET, "top_p": 0.99}
    assert caveats == ["dropped_param $.temperature", "dropped_param $.top_k"]
    tools = {"tools": [{"name": "look", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}}
    said, caveats = sent("anthropic/claude-haiku-4-5", reasoning_effort="low", **tools)
    assert (said, caveats) == (tools, ["dropped_param $.reasoning_effort"])


@pytest.mark.parametrize("model", ["anthropic/claude-opus-4-6", "openai/gpt-5", "bedrock/us.anthropic.claude-opus-4-6"])
def test_an_effort_that_nobody_knows_is_refused(model: str) -> None:
    for word in ("hihg", "disabled", ""):
        with pytest.raises(BadRequestError, match=r"`\$\.reasoning_effort`"):
            sent(model, reasoning_effort=word)


def test_a_default_is_said_so_too_where_the_whole_body_is_read() -> None:
    points = (CachePoint(role="user"),)
    said, _ = sent("anthropic/claude-haiku-4-5", {"reasoning_effort": "low"}, points)
    assert said == BUDGET


def test_defaults_of_chat_are_said_in_anthropics_words_or_left_out_and_told() -> None:
    """As a configuration of LiteLLM's has them, where a client of Anthropic's format asks."""
    said = {"stop": "END", "user": "u1", "temperature": 0.5}
    assert sent("anthropic/claude-haiku-4-5", said) == (
        {"stop_sequences": ["END"], "metadata": {"user_id": "u1"}, "temperature": 0.5},
        [],
    )
    assert sent("anthropic/claude-haiku-4-5", {"stop": ["A", "B"]}, stop_sequences=["C"])[0]["stop_sequences"] == ["C"]
    lost = {"seed": 1, "n": 2, "frequency_penalty": 1, "verbosity": "low", "response_format": {"type": "json_object"}}
    fields, caveats = sent("anthropic/claude-haiku-4-5", {**lost, "parallel_tool_calls": False})  # of no tools
    assert fields == {}
    assert sorted(caveats) == sorted(f"dropped_param $.{name}" for name in lost)
    kept = Wanted(
        id="d", group="m", model="anthropic/x", given=Given(api_key="k"), defaults={"seed": 1}, keeps=("seed",)
    )
    assert build(kept, {}, ROWS).drops.isdisjoint({"seed"})
