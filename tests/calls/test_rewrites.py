"""What is sent where a client's wish to think meets a vendor's own words, and where the operator wants fields left
out or let through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.errors import BadRequestError, UnsupportedParamsError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

HI: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}


def prepared(model: str, body: dict[str, Any], dialect: Wire = OPENAI_CHAT, **wanted: Any) -> Prepared:
    given = Given(api_key="k", api_base="http://127.0.0.1:8000" if "vllm" in model else None)
    made = build(Wanted(id="d", group="m", model=model, given=given, **wanted), {}, ROWS)
    raw = json.dumps({"model": "m", **body}).encode()
    return prepare(Ask(dialect, raw, peek(raw), "m", stream=False), made.for_dialect(dialect.name))


def sent(model: str, body: dict[str, Any], dialect: Wire = OPENAI_CHAT, **wanted: Any) -> dict[str, Any]:
    return json.loads(prepared(model, body, dialect, **wanted).outgoing.body)  # type: ignore[no-any-return]


EFFORT = {"reasoning_effort": "high"}
ANTHROPICS = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
OFF = {"thinking": {"type": "disabled"}}
THINKING = [
    ("openai/gpt-5.2", EFFORT, EFFORT),
    ("openai/gpt-5.2", ANTHROPICS, {"reasoning_effort": "low"}),
    ("openai/gpt-4o", EFFORT, {}),
    ("zai/glm-4.6", EFFORT, {"thinking": {"type": "enabled"}}),
    ("zai/glm-5.2", EFFORT, EFFORT),
    ("zai/glm-4.6", OFF, OFF),
    ("moonshot/kimi-k2.6", EFFORT, {"thinking": {"type": "enabled"}}),
    ("moonshot/kimi-k2.6", ANTHROPICS, {"thinking": {"type": "enabled"}}),
    ("moonshot/kimi-k2-0905-preview", EFFORT, {}),
    ("moonshot/kimi-k3", EFFORT, EFFORT),
    ("moonshot/kimi-k3", ANTHROPICS, {"reasoning_effort": "low"}),
    ("deepseek/deepseek-chat", EFFORT, EFFORT),
    ("deepseek/deepseek-chat", {"reasoning_effort": "none"}, OFF),
    ("deepseek/deepseek-chat", ANTHROPICS, {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
    ("dashscope/qwen3-max", EFFORT, {"enable_thinking": True}),
    ("dashscope/qwen3-max", ANTHROPICS, {"enable_thinking": True, "thinking_budget": 2000}),
    ("dashscope/qwen3-max", OFF, {"enable_thinking": False}),
    ("hosted_vllm/Qwen/Qwen3-8B", OFF, {"chat_template_kwargs": {"enable_thinking": False}}),
    ("hosted_vllm/deepseek-ai/DeepSeek-V3.1", EFFORT, {"chat_template_kwargs": {"thinking": True}}),
    ("hosted_vllm/openai/gpt-oss-20b", EFFORT, EFFORT),
    ("openrouter/x-ai/grok-4", ANTHROPICS, {"reasoning": {"max_tokens": 2000}}),
    ("openrouter/x-ai/grok-4", EFFORT, {"reasoning": {"effort": "high"}}),
    ("together_ai/zai-org/GLM-5", OFF, {"reasoning": {"enabled": False}}),
    ("fireworks_ai/glm-5", ANTHROPICS, ANTHROPICS),
]


@pytest.mark.parametrize(("model", "said", "goes_out"), THINKING)
def test_a_wish_to_think_is_sent_in_the_vendors_words(
    model: str, said: dict[str, Any], goes_out: dict[str, Any]
) -> None:
    body = sent(model, {**HI, **said})
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == goes_out


@pytest.mark.parametrize("model", sorted({model for model, _, _ in THINKING} - {"openai/gpt-4o"}))
def test_a_client_of_anthropics_gets_what_one_of_openais_gets(model: str) -> None:
    """Where the provider has no format of Anthropic's, the neutral request is told in the same words."""
    made = build(
        Wanted(id="d", group="m", model=model, given=Given(api_key="k", api_base="http://127.0.0.1:1")), {}, ROWS
    )
    raw = json.dumps({"model": "m", **HI, "max_tokens": 9000, **OFF}).encode()
    body = json.loads(prepare(Ask(ANTHROPIC_MESSAGES, raw, peek(raw), "m", stream=False), made).outgoing.body)
    told = {name: body[name] for name in body if name not in ("model", "messages", "max_tokens", "stream")}
    told.pop("max_completion_tokens", None)
    assert told == {
        name: value
        for name, value in sent(model, {**HI, **OFF}).items()
        if name not in ("model", "messages") and model != "fireworks_ai/glm-5"
    }


def test_at_somebody_elses_address_a_client_knows_better_what_is_understood() -> None:
    """What speaks like OpenAI may be a gateway that takes Anthropic's words."""

    def told(model: str, api_base: str) -> dict[str, Any]:
        given = Given(api_key="k", api_base=api_base)
        raw = json.dumps({"model": "m", **HI, **ANTHROPICS}).encode()
        made = build(Wanted(id="d", group="m", model=model, given=given), {}, ROWS)
        return json.loads(prepare(Ask(OPENAI_CHAT, raw, peek(raw), "m", stream=False), made).outgoing.body)  # type: ignore[no-any-return]

    assert told("openai/house", "https://gateway.example/v1")["thinking"] == ANTHROPICS["thinking"]
    assert told("zai/glm-4.6", "https://api.z.ai/api/coding/paas/v4")["thinking"] == {"type": "enabled"}
    assert "thinking" not in told("azure/gpt-5", "https://own.openai.azure.com")


def test_an_operators_default_is_told_in_the_vendors_words_too() -> None:
    assert sent("dashscope/qwen3-max", HI, defaults={"reasoning_effort": "none"})["enable_thinking"] is False


def test_what_was_lost_on_the_way_is_a_caveat_and_strict_refuses_it() -> None:
    asked = {**HI, **EFFORT}
    assert [caveat.code for caveat in prepared("moonshot/kimi-latest", asked).caveats] == ["approximated"]
    with pytest.raises(UnsupportedParamsError, match=r"effort.* Leave it out: `strict`"):
        prepared("moonshot/kimi-latest", asked, strict=True)


def test_a_request_without_such_a_wish_is_relayed_with_its_bytes() -> None:
    made = prepared("dashscope/qwen3-max", {**HI, "temperature": 0.25, "enable_thinking": True})
    assert made.relayed
    assert made.caveats == ()


TOOL = {"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}}
ANTHROPIC_TOOL = {"name": "f", "input_schema": {"type": "object"}, "input_examples": [{}]}


def test_a_path_leads_into_lists_and_objects() -> None:
    asked = {**HI, "tools": [TOOL, TOOL], "metadata": {"user_id": "u", "kept": 1}}
    body = sent("groq/llama", asked, drops=("tools[*].function.strict", "metadata.user_id"))
    assert [tool["function"] for tool in body["tools"]] == [{"name": "f", "parameters": {}}] * 2
    assert body["metadata"] == {"kept": 1}
    body = sent("openai/gpt-4o", asked, drops=("tools[1].function.strict", "tools[7].type", "messages[0].role.x"))
    assert ["strict" in tool["function"] for tool in body["tools"]] == [True, False]
    assert body["messages"] == HI["messages"]
    assert sent("openai/gpt-4o", asked, drops=("tools[0]",))["tools"] == [TOOL]


def test_a_path_is_of_the_body_as_it_is_sent() -> None:
    asked = {**HI, "max_tokens": 5, "tools": [ANTHROPIC_TOOL]}
    made = prepared("anthropic/claude-sonnet-4-5", asked, ANTHROPIC_MESSAGES, drops=("tools[*].input_examples",))
    assert "input_examples" not in json.loads(made.outgoing.body)["tools"][0]
    assert [caveat.where for caveat in made.caveats] == ["$.tools[*].input_examples"]
    assert made.relayed
    made = prepared("anthropic/claude-sonnet-4-5", {**HI, "tools": [TOOL]}, drops=("tools[*].input_schema",))
    assert json.loads(made.outgoing.body)["tools"][0].keys() & {"name", "input_schema"} == {"name"}


@pytest.mark.parametrize("path", ["tools[", "a..b", "[0].x", "tools[x]", "a.", "x[-1]"])
def test_what_is_no_path_is_the_operators_error(path: str) -> None:
    with pytest.raises(BadRequestError, match="additional_drop_params") as raised:
        prepared("openai/gpt-4o", HI, drops=(path,))
    assert raised.value.fault == "operator"


SETTINGS = {"temperature": 0.5, "top_p": 0.5, "stop": ["x"], "seed": 1, "n": 2, "reasoning_effort": "low", "user": "u"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    "model", ["openai/o3", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-pro", "openai/responses/o3"]
)
@pytest.mark.parametrize("name", [*SETTINGS, "response_format", "tools"])
def test_a_name_of_the_chat_format_is_left_out_in_every_format(model: str, name: str) -> None:
    asked = {**HI, **SETTINGS, "response_format": SCHEMA, "tools": [TOOL], "max_tokens": 9000}
    without = {key: value for key, value in asked.items() if key != name}
    assert sent(model, asked, drops=(name,)) == sent(model, without)


@pytest.mark.parametrize(
    ("dialect", "model", "name", "asked", "gone"),
    [
        (ANTHROPIC_MESSAGES, "anthropic/claude-opus-4-5", "stop", {"stop_sequences": ["x"]}, "stop_sequences"),
        (ANTHROPIC_MESSAGES, "anthropic/claude-opus-4-5", "reasoning_effort", ANTHROPICS, "thinking"),
        (OPENAI_RESPONSES, "openai/gpt-5.2", "max_tokens", {"max_output_tokens": 5}, "max_output_tokens"),
        (OPENAI_RESPONSES, "openai/gpt-5.2", "reasoning_effort", {"reasoning": {"effort": "low"}}, "reasoning"),
        (GEMINI, "gemini/gemini-2.5-pro", "seed", {"generationConfig": {"seed": 5}}, "generationConfig"),
    ],
)
def test_a_relayed_body_loses_what_its_format_calls_otherwise(
    dialect: Wire, model: str, name: str, asked: dict[str, Any], gone: str
) -> None:
    body: dict[str, Any] = {"input": "hi"} if dialect is OPENAI_RESPONSES else dict(HI)
    if dialect is GEMINI:
        body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    found = sent(model, {**body, **asked}, dialect, drops=(name,))
    assert not found.get(gone)
    assert gone in sent(model, {**body, **asked}, dialect)


def test_drop_params_false_refuses_what_would_be_left_out() -> None:
    with pytest.raises(UnsupportedParamsError, match="logit_bias"):
        prepared("groq/llama", {**HI, "logit_bias": {"1": 5}}, drop_params=False)
    assert "logit_bias" not in sent("groq/llama", {**HI, "logit_bias": {"1": 5}}, drop_params=True)
    with pytest.raises(UnsupportedParamsError, match="seed"):
        prepared("anthropic/claude-sonnet-4-5", {**HI, "seed": 1}, drop_params=False)


def test_allowed_params_are_let_through() -> None:
    asked = {**HI, "logit_bias": {}, "logprobs": True}
    assert "logit_bias" in sent("groq/llama", asked, keeps=("logit_bias",))
    assert "logprobs" not in sent("groq/llama", asked, keeps=("logit_bias",))


def test_allowed_params_count_for_translated_requests_too() -> None:
    """What the row lacks is said after all; what the format has no word for goes there as it is."""
    raw = json.dumps({"model": "m", "input": "hi", "top_logprobs": 3}).encode()
    made = build(
        Wanted(id="d", group="m", model="groq/llama", given=Given(api_key="k"), keeps=("top_logprobs",)), {}, ROWS
    )
    assert (
        json.loads(prepare(Ask(OPENAI_RESPONSES, raw, peek(raw), "m", stream=False), made).outgoing.body)[
            "top_logprobs"
        ]
        == 3
    )
    made_up = prepared("anthropic/claude-sonnet-4-5", {**HI, "vendor_field": {"a": 1}}, keeps=("vendor_field",))
    assert json.loads(made_up.outgoing.body)["vendor_field"] == {"a": 1}
    assert made_up.caveats == ()
    assert "vendor_field" not in sent("anthropic/claude-sonnet-4-5", {**HI, "vendor_field": 1})
