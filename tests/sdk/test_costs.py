"""What calls cost, in dollars. Answers are recorded ones of real providers, mocks, and written out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai.types.chat
import pytest

import tollbridge
from tests.sdk.replay import Replay, recorded
from tests.server.clouds import Told, cloud
from tollbridge import (
    UnknownPrice,
    acompletion,
    completion,
    completion_cost,
    cost_per_token,
    register_model,
    stream_chunk_builder,
)
from tollbridge.sdk import price_list

OPENAI = "openai-chat_completions-0646fea99a4a"
OPENAI_STREAM = "openai-chat_completions-1cc59efe5b6a"
ANTHROPIC = "anthropic-messages-0395e46a4bfb"
HELLO = [{"role": "user", "content": "Hello"}]

pytestmark = pytest.mark.usefixtures("no_keys")


@pytest.fixture(autouse=True)
def _nothing_registered() -> Iterator[None]:
    yield
    price_list.PRICES._registered.clear()
    price_list.PRICES._tariffs.clear()


def answer(**usage: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-2024-08-06", "choices": [], "usage": {"total_tokens": 0, **usage}}


def test_a_recorded_answer_costs_what_its_usage_says(replay: Replay) -> None:
    response = completion("openai/gpt-4o", HELLO, api_key="k", api_base=replay.openai(OPENAI))
    used = recorded(OPENAI)["response_body"]["usage"]
    told = response._hidden_params["response_cost"]
    assert told == pytest.approx((used["prompt_tokens"] * 2.5 + used["completion_tokens"] * 10) / 1e6, abs=1e-12)
    assert completion_cost(completion_response=response) == told
    assert f"{completion_cost(completion_response=response):.4f}" == f"{told:.4f}"
    assert response._response_ms is not None


def test_a_translated_answer_is_charged_by_its_own_words(replay: Replay) -> None:
    response = completion("claude-sonnet-4-5", HELLO, api_key="k", api_base=replay.base(ANTHROPIC))
    used = recorded(ANTHROPIC)["response_body"]["usage"]
    expected = (used["input_tokens"] * 3 + used["output_tokens"] * 15) / 1e6
    assert used.get("cache_read_input_tokens") in (0, None)
    assert completion_cost(response) == pytest.approx(expected, abs=1e-12)


def test_a_stream_knows_its_cost_at_its_end_and_so_does_what_is_built_of_it(replay: Replay) -> None:
    stream = completion("openai/gpt-4o", HELLO, api_key="k", api_base=replay.openai(OPENAI_STREAM), stream=True)
    chunks = list(stream)
    cost = stream._hidden_params["response_cost"]
    assert cost > 0
    assert completion_cost(stream_chunk_builder(chunks)) == cost


def test_an_asynchronous_stream_does_too() -> None:
    async def read() -> float:
        stream = await acompletion("demo/any", HELLO, stream=True)
        async for _ in stream:
            pass
        cost: float = stream._hidden_params["response_cost"]
        return cost

    assert asyncio.run(read()) == 0.0


def test_offline_and_local_models_cost_nothing() -> None:
    assert completion_cost(completion("demo/any", HELLO)) == 0.0
    assert completion_cost(model="ollama/whatever", prompt="a", completion="b") == 0.0
    assert cost_per_token("hosted_vllm/mine", 1_000, 1_000) == (0.0, 0.0)


def test_a_mock_costs_what_it_stands_for() -> None:
    response = completion("gpt-4o", HELLO, mock_response="hello there")
    used = response.usage
    assert completion_cost(response) == pytest.approx(
        (used.prompt_tokens * 2.5 + used.completion_tokens * 10) / 1e6, abs=1e-12
    )


def test_dictionaries_and_other_peoples_objects_are_read() -> None:
    said = answer(prompt_tokens=1_000, completion_tokens=100, prompt_tokens_details={"cached_tokens": 400})
    assert completion_cost(said) == 0.003
    made = openai.types.chat.ChatCompletion.model_validate(
        {**said, "id": "x", "object": "chat.completion", "created": 1}
    )
    assert completion_cost(made) == 0.003
    assert completion_cost({**said, "service_tier": "priority"}) == pytest.approx(0.0051)
    responses = {
        "object": "response",
        "model": "gpt-4o",
        "usage": {
            "input_tokens": 1_000,
            "output_tokens": 100,
            "total_tokens": 1_100,
            "input_tokens_details": {"cached_tokens": 400},
        },
    }
    assert completion_cost(responses) == 0.003
    message = {
        "type": "message",
        "model": "claude-sonnet-4-5",
        "usage": {"input_tokens": 600, "cache_read_input_tokens": 400, "output_tokens": 100},
    }
    assert completion_cost(message) == pytest.approx(0.0018 + 0.00012 + 0.0015)


GEMINI: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "hi"}]}}],
    "modelVersion": "gemini-2.5-flash",
    "usageMetadata": {
        "promptTokenCount": 1_000,
        "candidatesTokenCount": 100,
        "thoughtsTokenCount": 50,
        "cachedContentTokenCount": 400,
        "totalTokenCount": 1_150,
    },
}
OTHERS = [
    (
        "gemini-2.5-flash",
        GEMINI,
        {"prompt_tokens": 1_000, "completion_tokens": 150, "prompt_tokens_details": {"cached_tokens": 400}},
    ),
    (
        "gemini-2.5-flash",
        {
            "model_version": "gemini-2.5-flash",
            "usage_metadata": {"prompt_token_count": 10, "candidates_token_count": 2},
        },
        {"prompt_tokens": 10, "completion_tokens": 2},
    ),
    (
        "bedrock/amazon.nova-lite-v1:0",
        {"output": {"message": {}}, "usage": {"inputTokens": 600, "outputTokens": 100, "totalTokens": 700}},
        {"prompt_tokens": 600, "completion_tokens": 100},
    ),
    (
        "cohere/command-a-03-2025",
        {"message": {}, "usage": {"billed_units": {"input_tokens": 5.0, "output_tokens": 3.0}}},
        {"prompt_tokens": 5, "completion_tokens": 3},
    ),
    (
        "cohere/command-r-08-2024",
        {"text": "hi", "meta": {"billed_units": {"input_tokens": 5, "output_tokens": 3}}},
        {"prompt_tokens": 5, "completion_tokens": 3},
    ),
    ("ollama/llama3.2", {"model": "llama3.2", "prompt_eval_count": 7, "eval_count": 3}, {"prompt_tokens": 7}),
]


@pytest.mark.parametrize(("model", "said", "as_chat"), OTHERS, ids=[model for model, _, _ in OTHERS])
def test_an_answer_in_any_vendors_words_costs_what_it_costs_in_openais(
    model: str, said: dict[str, Any], as_chat: dict[str, Any]
) -> None:
    cost = completion_cost({"model": model, "usage": as_chat})
    assert completion_cost(said, model=model) == cost
    assert (cost > 0) is (not model.startswith("ollama"))
    usage = said.get("usage") or said.get("usageMetadata")
    if usage:
        assert sum(cost_per_token(model, usage_object=usage)) == pytest.approx(cost, abs=1e-12)
    if "modelVersion" in said or "model_version" in said:
        assert completion_cost(said) == cost


def test_a_tier_that_another_vendor_tells_counts() -> None:
    used = {"inputTokens": 1_000, "outputTokens": 0}
    nova = "bedrock/amazon.nova-pro-v1:0"
    flex = completion_cost({"usage": used, "serviceTier": {"type": "flex"}}, model=nova)
    assert (
        flex
        == completion_cost({"usage": used}, model=nova, service_tier="flex")
        < completion_cost({"usage": used}, model=nova)
    )
    told = {**GEMINI, "usageMetadata": {**GEMINI["usageMetadata"], "serviceTier": "FLEX"}}
    assert completion_cost(told) == completion_cost(GEMINI, service_tier="flex") < completion_cost(GEMINI)


def test_an_answer_that_is_not_understood_says_what_it_takes() -> None:
    for said in ({"usage": {"words": 3}}, {"results": []}):
        with pytest.raises(
            UnknownPrice, match=r"no usage in a format that is known here .*Gemini's.* pass the `prompt`"
        ):
            completion_cost(said, model="gpt-4o")
        with pytest.raises(UnknownPrice, match="pass what it said as `completion` too"):
            completion_cost(said, model="gpt-4o", prompt="hello")
        assert completion_cost(said, model="gpt-4o", prompt="hello world", completion="hi") == 1.5e-05
    with pytest.raises(tollbridge.BadRequestError, match="`model=`"):
        completion_cost({"usage": {"inputTokens": 1, "outputTokens": 1}})


def test_what_is_said_beside_the_answer_wins() -> None:
    said = answer(prompt_tokens=1_000, completion_tokens=0)
    assert completion_cost(said, model="gpt-4o-mini") == 0.00015
    assert completion_cost(said, base_model="gpt-4o-mini") == 0.00015
    assert completion_cost(said, service_tier="batch") == 0.00125
    assert (
        completion_cost(said, custom_cost_per_token={"input_cost_per_token": 1e-6, "output_cost_per_token": 0}) == 0.001
    )
    assert completion_cost(said, custom_cost_per_second=0.5, total_time=3.0) == 1.5


def test_without_an_answer_the_tokens_are_counted() -> None:
    assert completion_cost(model="gpt-4o", prompt="hello world", completion="hi") == 1.5e-05
    assert completion_cost(model="gpt-4o", messages=HELLO, completion="hi") > completion_cost(
        model="gpt-4o", prompt="Hello", completion="hi"
    )
    without = {"model": "gpt-4o", "choices": [{"message": {"content": "hi"}}]}
    assert completion_cost(without, prompt="hello world") == 1.5e-05
    with pytest.raises(UnknownPrice, match="no usage"):
        completion_cost(without)


@pytest.mark.parametrize("model", ["openai/no-such-model", "nobody/x", "no-such-model"])
def test_an_unknown_price_is_an_exception_of_that_name(model: str) -> None:
    with pytest.raises(UnknownPrice):
        completion_cost(model=model, prompt="a", completion="b")
    with pytest.raises(UnknownPrice):
        cost_per_token(model, 1, 1)


def test_a_class_without_a_price_is_named() -> None:
    said = answer(prompt_tokens=10, completion_tokens=10, completion_tokens_details={"audio_tokens": 5})
    with pytest.raises(UnknownPrice, match="audio_output") as caught:
        completion_cost(said)
    assert caught.value.kind == "audio_output"
    assert isinstance(caught.value, tollbridge.TollbridgeError)


def test_an_answer_without_a_known_price_says_none() -> None:
    response = completion("openai/no-such-model", HELLO, mock_response="hi")
    assert response._hidden_params["response_cost"] is None
    with pytest.raises(UnknownPrice, match="no-such-model"):
        completion_cost(response)


def test_no_model_at_all_is_the_callers_mistake() -> None:
    with pytest.raises(tollbridge.BadRequestError, match="which model"):
        completion_cost({"usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    with pytest.raises(tollbridge.BadRequestError):
        completion_cost([1])


def test_the_price_of_each_direction() -> None:
    assert cost_per_token("gpt-4o", 1_000, 500) == (0.0025, 0.005)
    assert cost_per_token("gpt-4o", 1_000, 500, cache_read_input_tokens=400) == (0.002, 0.005)
    assert cost_per_token("claude-sonnet-4-5", 1_000, 0, cache_creation_input_tokens=400) == (0.0033, 0.0)
    assert cost_per_token("openai/gpt-4o", 1_000, 500, service_tier="batch") == (0.00125, 0.0025)
    assert cost_per_token(model="x", custom_cost_per_second=2.0, response_time_ms=500) == (0.0, 1.0)
    usage = answer(prompt_tokens=1_000, completion_tokens=500)["usage"]
    assert cost_per_token("gpt-4o", usage_object=usage) == (0.0025, 0.005)
    assert cost_per_token("o3", 300_000, 10, custom_llm_provider="openai") == pytest.approx((0.6, 0.00008))


def test_prices_of_a_call_are_obeyed_and_stay_here(replay: Replay) -> None:
    response = completion(
        "openai/no-such-model",
        HELLO,
        api_key="k",
        api_base=replay.openai(OPENAI),
        input_cost_per_token=1e-3,
        output_cost_per_token=0,
    )
    assert completion_cost(response) == recorded(OPENAI)["response_body"]["usage"]["prompt_tokens"] / 1_000
    (sent,) = replay.captures()
    assert "input_cost_per_token" not in str(sent)
    assert response._hidden_params["caveats"] == []
    with pytest.raises(tollbridge.BadRequestError, match="input_cost_per_token"):
        completion("demo/any", HELLO, input_cost_per_token="free")


def test_a_price_is_not_inherited_by_a_fallback() -> None:
    response = completion(
        "openai/no-such-model",
        HELLO,
        mock_response="RateLimitError",
        fallbacks=["demo/any"],
        input_cost_per_token=1.0,
        output_cost_per_token=1.0,
    )
    assert completion_cost(response) == 0.0


def test_what_is_registered_is_charged() -> None:
    register_model({"openai/no-such-model": {"input_cost_per_token": 1e-6, "output_cost_per_token": "2e-6"}})
    assert cost_per_token("openai/no-such-model", 1_000, 1_000) == (0.001, 0.002)
    response = completion("openai/no-such-model", HELLO, mock_response="hi")
    assert completion_cost(response) > 0
    register_model({"gpt-4o": {"input_cost_per_token": 1.0}})
    assert cost_per_token("gpt-4o", 1, 1) == (1.0, 0.00001)
    assert completion("gpt-4o", HELLO, mock_response="hi")._hidden_params["response_cost"] > 1


def test_what_a_gateway_says_that_an_answer_cost_is_its_cost() -> None:
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }

    def cost(model: str, headers: dict[str, str], **said: Any) -> float | None:
        with cloud(lambda _: Told(answer, headers=headers)) as place:
            answered = tollbridge.completion(model, HELLO, api_base=f"{place.url}/v1", api_key="k", **said)
        told: float | None = answered._hidden_params["response_cost"]
        return told

    assert cost("litellm_proxy/team-model", {"x-litellm-response-cost": "0.00025"}) == 0.00025
    assert cost("litellm_proxy/team-model", {"x-tollbridge-cost-usd": "1.5e-05"}) == 0.000015
    assert cost("litellm_proxy/team-model", {}) is None
    for nonsense in ("None", "", "nan", "-1", "inf", "1" * 5000):
        assert cost("litellm_proxy/team-model", {"x-litellm-response-cost": nonsense}) is None
    for model in ("litellm_proxy/openai/gpt-4o", "openai/gpt-4o"):  # the catalog has the vendor's price
        assert cost(model, {"x-litellm-response-cost": "7"}) == 7
        assert (cost(model, {}) or 0) > 0
    priced = {"input_cost_per_token": 0.5, "output_cost_per_token": 1.0}
    assert cost("litellm_proxy/team-model", {"x-litellm-response-cost": "7"}, **priced) == 1.5
