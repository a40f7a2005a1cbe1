"""Settings of another dialect, as Anthropic takes them."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.model.parts import FileRef, Media, Opaque, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Sampling, Tool, ToolChoice
from tollbridge.model.response import Caveat
from tollbridge.wires.anthropic_messages.models import generation
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.base import Target

HI = (Message(role="user", parts=(Text(text="Hi"),)),)
LOOK = Tool(name="look", schema={"properties": {"x": {"type": "integer"}}})


def write(
    model: str = "claude-sonnet-4-5",
    limit: int | None = 64000,
    stream: bool = False,
    lacks: frozenset[str] = frozenset(),
    **fields: Any,
) -> tuple[dict[str, Any], list[str]]:
    request = Request(model="any", origin="openai_chat", **{"messages": HI, **fields})
    target = Target(model=model, max_output_tokens=limit, stream=stream, lacks=lacks)
    written = WIRE.write_request(request, target)
    return written.value.body, [caveat.code + " " + caveat.where for caveat in written.caveats]


def test_max_tokens_is_an_ordinary_answers_where_the_client_said_nothing() -> None:
    assert write()[0]["max_tokens"] == 8192
    assert write(stream=True)[0]["max_tokens"] == 32768
    assert write(limit=4096)[0]["max_tokens"] == 4096
    assert write(model="claude-3-haiku-20240307", limit=None)[0]["max_tokens"] == 4096
    assert write(reasoning=Reasoning(effort="high"))[0]["max_tokens"] == 8192 + 16384


def test_max_tokens_over_the_limit_is_lowered_and_said() -> None:
    body, caveats = write(sampling=Sampling(max_tokens=100_000))
    assert body["max_tokens"] == 64000
    assert caveats == ["approximated $.max_tokens"]


def test_parameters_that_the_format_lacks_are_said() -> None:
    sampling = Sampling(seed=1, frequency_penalty=0.1, presence_penalty=0.2, logprobs=True, top_logprobs=2, choices=3)
    _, caveats = write(sampling=sampling, metadata={"team": "x"}, extra={"store": True})
    assert sorted(caveats) == sorted(
        f"dropped_param $.{name}"
        for name in (
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "n",
            "metadata",
            "store",
        )
    )


def test_temperature_above_one_is_one() -> None:
    body, caveats = write(sampling=Sampling(temperature=1.7))
    assert body["temperature"] == 1
    assert caveats == ["approximated $.temperature"]


@pytest.mark.parametrize(
    ("model", "kept", "caveats"),
    [
        ("claude-3-haiku-20240307", {"temperature", "top_p", "top_k"}, 0),
        ("claude-sonnet-4-5", {"temperature", "top_k"}, 1),
        ("us.anthropic.claude-opus-4-8-v1:0", set(), 3),
        ("somebody-elses-model", {"temperature", "top_p", "top_k"}, 0),
    ],
)
def test_sampling_is_what_the_model_takes(model: str, kept: set[str], caveats: int) -> None:
    body, said = write(model=model, sampling=Sampling(temperature=0.2, top_p=0.9, top_k=5))
    assert body.keys() & {"temperature", "top_p", "top_k"} == kept
    assert len(said) == caveats


def test_effort_is_a_budget_for_models_that_want_one() -> None:
    body, caveats = write(reasoning=Reasoning(effort="low"))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert body["max_tokens"] > 2048
    assert caveats == []


def test_effort_is_adaptive_thinking_for_models_that_decide_themselves() -> None:
    body, caveats = write(model="claude-opus-4-8", reasoning=Reasoning(effort="xhigh"))
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "xhigh"}
    assert caveats == []


def test_an_effort_that_the_model_does_not_know_becomes_its_neighbour() -> None:
    body, caveats = write(model="claude-opus-4-6", reasoning=Reasoning(effort="xhigh"))
    assert body["output_config"] == {"effort": "high"}
    assert caveats == ["approximated $.reasoning"]


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        ("claude-sonnet-4-5", None, None),
        ("claude-opus-4-6", None, None),
        ("claude-opus-4-7", None, None),
        ("us.anthropic.claude-opus-4-8", None, None),
        ("claude-opus-5", "disabled", None),
        ("claude-sonnet-5", "disabled", None),
        ("claude-sonnet-5-5", "between_tools", None),
        ("claude-haiku-5-5", "disabled", None),
        ("claude-opus-5-5", None, "low"),
        ("claude-fable-5", None, "low"),
        ("claude-mythos-5-1", None, "low"),
    ],
)
def test_no_effort_is_no_thinking_where_the_model_can_be_kept_from_it(
    model: str, thinking: str | None, effort: str | None
) -> None:
    for asked in (Reasoning(effort="none"), Reasoning(mode="disabled")):
        body, caveats = write(model, reasoning=asked)
        assert body.get("thinking") == (thinking and {"type": thinking})
        assert body.get("output_config") == (effort and {"effort": effort})
        assert caveats == (["approximated $.reasoning"] if effort else [])


def test_the_highest_efforts_are_lowered_where_thinking_is_turned_off() -> None:
    body, caveats = write("claude-sonnet-5-5", reasoning=Reasoning(mode="disabled", effort="max"))
    assert (body["thinking"], body["output_config"]) == ({"type": "between_tools"}, {"effort": "high"})
    assert caveats == ["approximated $.reasoning"]


@pytest.mark.parametrize("choice", [ToolChoice(mode="required"), ToolChoice(mode="tool", name="look")])
def test_a_model_that_cannot_be_made_to_call_a_tool_may(choice: ToolChoice) -> None:
    for model in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"):
        body, caveats = write(model, tools=(LOOK,), tool_choice=choice, reasoning=Reasoning(effort="high"))
        assert "tool_choice" not in body
        assert body["thinking"]["type"] == "adaptive"
        assert caveats == ["dropped_param $.tool_choice"]
        body, _ = write(model, tools=(LOOK,), tool_choice=choice, parallel_tools=False)
        assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
        assert write(model, tools=(LOOK,), tool_choice=ToolChoice(mode="none"))[0]["tool_choice"] == {"type": "none"}
    for model in ("claude-opus-5", "claude-sonnet-5", "claude-haiku-5-5", "claude-fable-5"):
        assert "tool_choice" in write(model, tools=(LOOK,), tool_choice=choice)[0]


def test_a_budget_fits_below_max_tokens_or_goes() -> None:
    body, _ = write(sampling=Sampling(max_tokens=4000), reasoning=Reasoning(budget_tokens=8000))
    assert 1024 <= body["thinking"]["budget_tokens"] < 4000
    body, caveats = write(sampling=Sampling(max_tokens=800), reasoning=Reasoning(effort="high"))
    assert "thinking" not in body
    assert caveats == ["dropped_param $.reasoning"]


def test_thinking_yields_to_a_forced_tool() -> None:
    body, caveats = write(tools=(LOOK,), tool_choice=ToolChoice(mode="required"), reasoning=Reasoning(effort="low"))
    assert "thinking" not in body
    assert body["tool_choice"] == {"type": "any"}
    assert caveats == ["dropped_param $.reasoning"]


def test_thinking_yields_to_a_tool_turn_that_shows_none() -> None:
    turn = (
        *HI,
        Message(role="assistant", parts=(ToolCall(id="a", name="look", arguments="{}"),)),
        Message(role="user", parts=(ToolResult(call_id="a", content=(Text(text="1"),)),)),
    )
    body, caveats = write(messages=turn, tools=(LOOK,), reasoning=Reasoning(effort="low"))
    assert "thinking" not in body
    assert caveats == ["dropped_param $.reasoning"]
    shown = Thinking(text="hm", signature="s", origin="anthropic_messages")
    kept = (turn[0], Message(role="assistant", parts=(shown, *turn[1].parts)), turn[2])
    body, caveats = write(messages=kept, tools=(LOOK,), reasoning=Reasoning(effort="low"))
    assert body["thinking"]["type"] == "enabled"
    assert caveats == []


def test_sampling_yields_to_thinking() -> None:
    body, caveats = write(sampling=Sampling(temperature=0.2, top_k=5), reasoning=Reasoning(effort="low"))
    assert body.keys() & {"temperature", "top_k"} == set()
    assert len(caveats) == 2


def test_tools_get_a_schema_with_an_object_at_its_root() -> None:
    body, _ = write(tools=(Tool(name="now"), LOOK))
    assert [tool["input_schema"] for tool in body["tools"]] == [{"type": "object"}, {"type": "object", **LOOK.schema}]


def test_no_parallel_tools_is_said_the_other_way_round() -> None:
    body, _ = write(tools=(LOOK,), parallel_tools=False)
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    body, _ = write(tools=(LOOK,), parallel_tools=False, tool_choice=ToolChoice(mode="tool", name="look"))
    assert body["tool_choice"] == {"type": "tool", "name": "look", "disable_parallel_tool_use": True}
    assert "tool_choice" not in write(tools=(LOOK,), parallel_tools=True)[0]


def test_a_tool_that_only_another_wire_knows_is_said() -> None:
    body, caveats = write(tools=(LOOK, Opaque(wire="openai_responses", value={"type": "web_search"})))
    assert [tool["name"] for tool in body["tools"]] == ["look"]
    assert caveats == ["dropped_part $.tools[1]"]


def test_a_schema_is_fitted_to_the_vendors_rules() -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0, "description": "Years."}}}
    body, caveats = write(output=OutputFormat(kind="schema", schema=schema))
    assert body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"age": {"type": "integer", "description": 'Years. {"minimum":0}'}},
            "additionalProperties": False,
        },
    }
    assert caveats == ["approximated $.response_format"]


def test_json_mode_and_schemas_for_older_models_are_asked_in_words() -> None:
    body, caveats = write(output=OutputFormat(kind="json"))
    assert "JSON" in body["system"][-1]["text"]
    assert caveats == ["approximated $.response_format"]
    body, _ = write(model="claude-3-7-sonnet-latest", output=OutputFormat(kind="schema", schema={"type": "object"}))
    assert '{"type":"object"}' in body["system"][-1]["text"]
    assert "output_config" not in body


def test_the_user_is_the_user_id() -> None:
    assert write(user="u-1")[0]["metadata"] == {"user_id": "u-1"}


def test_files_by_id_bring_their_beta_header() -> None:
    part = Media(media_type="application/pdf", source=FileRef(id="file_1"))
    request = Request(model="x", messages=(Message(role="user", parts=(part,)),), origin="openai_chat")
    headers = WIRE.write_request(request, Target(model="m")).value.headers
    assert headers == {"anthropic-version": "2023-06-01", "anthropic-beta": "files-api-2025-04-14"}
    plain = WIRE.write_request(Request(model="x", messages=HI), Target(model="m")).value.headers
    assert plain == {"anthropic-version": "2023-06-01"}


def test_what_the_target_lacks_is_left_out_and_said() -> None:
    lacks = frozenset(("top_k", "tools", "user", "reasoning", "system"))
    system = Message(role="system", parts=(Text(text="Be brief."),))
    body, caveats = write(
        model="claude-opus-4-6",
        lacks=lacks,
        messages=(system, *HI),
        sampling=Sampling(top_k=3),
        tools=(LOOK,),
        user="u",
        reasoning=Reasoning(effort="low"),
    )
    assert body.keys() == {"model", "max_tokens", "messages"}
    assert [block["text"] for block in body["messages"][0]["content"]] == ["Be brief.", "Hi"]
    assert {"dropped_param $.tools", "dropped_param $.thinking", "approximated $.system"} <= set(caveats)


@pytest.mark.parametrize(
    ("name", "adaptive", "mid_system"),
    [
        ("claude-sonnet-4-20250514", False, False),
        ("claude-3-7-sonnet-20250219", False, False),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", False, False),
        ("claude-sonnet-4-6", True, False),
        ("claude-opus-4-7", True, False),
        ("claude-opus-4.8", True, True),
        ("claude-opus-5", True, True),
        ("claude-sonnet-5", True, False),
        ("claude-sonnet-5-5", True, True),
        ("claude-fable-5-1", True, True),
        ("claude-instant-v1", False, False),
        ("gpt-4.1", False, False),
    ],
)
def test_a_models_generation_is_told_from_its_name(name: str, adaptive: bool, mid_system: bool) -> None:
    facts = generation(name)
    assert (facts.adaptive, facts.mid_system) == (adaptive, mid_system)


def test_caveats_are_sentences() -> None:
    request = Request(model="x", messages=HI, sampling=Sampling(seed=1, temperature=2.0), origin="openai_chat")
    for caveat in WIRE.write_request(request, Target(model="claude-sonnet-4-5")).caveats:
        assert isinstance(caveat, Caveat)
        assert caveat.detail.endswith(".")


@pytest.mark.parametrize("model", ["claude-3-5-sonnet-20241022", "claude-3-opus-20240229"])
def test_a_model_from_before_thinking_is_not_asked_to(model: str) -> None:
    body, caveats = write(model, reasoning=Reasoning(effort="high"))
    assert "thinking" not in body
    assert caveats == ["dropped_param $.reasoning"]
