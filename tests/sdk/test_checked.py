"""What cannot be computed with is refused by the parameter's name, in every function that computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tollbridge
from tollbridge import (
    BadRequestError,
    batch_cost,
    completion_cost,
    cost_per_token,
    decode,
    encode,
    get_max_tokens,
    get_model_info,
    register_model,
    supports_vision,
    token_counter,
)
from tollbridge.sdk import price_list

NAN = float("nan")
ASKED = [{"role": "user", "content": "a"}]
WRONG: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    *((cost_per_token, {"prompt_tokens": value}, "prompt_tokens") for value in ("many", -5, 1.5, True, [1], NAN)),
    (cost_per_token, {"completion_tokens": "many"}, "completion_tokens"),
    (cost_per_token, {"cache_read_input_tokens": -2}, "cache_read_input_tokens"),
    (cost_per_token, {"cache_creation_input_tokens": "x"}, "cache_creation_input_tokens"),
    (cost_per_token, {"service_tier": 5}, "service_tier"),
    *((cost_per_token, {"response_time_ms": value}, "response_time_ms") for value in ("x", -3, NAN, True)),
    (cost_per_token, {"custom_cost_per_second": "a"}, "custom_cost_per_token"),
    (cost_per_token, {"custom_cost_per_token": 5}, "custom_cost_per_token"),
    (cost_per_token, {"custom_cost_per_token": {"nonsense": 1}}, "custom_cost_per_token"),
    (cost_per_token, {"model": 5}, "model"),
    (cost_per_token, {"custom_llm_provider": 5}, "custom_llm_provider"),
    (cost_per_token, {"region_name": 5}, "region_name"),
    *((cost_per_token, {"usage_object": value}, "usage_object") for value in ({"a": 1}, {"prompt_tokens": "many"})),
    *((completion_cost, {name: 5}, name) for name in ("prompt", "completion", "messages", "model", "base_model")),
    (completion_cost, {"messages": "hi"}, "messages"),
    (completion_cost, {"messages": [5]}, "messages[0]"),
    (completion_cost, {"prompt": "a", "total_time": "x"}, "total_time"),
    (completion_cost, {"prompt": "a", "total_time": -1}, "total_time"),
    (completion_cost, {"prompt": "a", "service_tier": 5}, "service_tier"),
    (token_counter, {"model": 5, "text": "a"}, "model"),
    *((token_counter, {"text": value}, "text") for value in (5, [5], b"x")),
    *((token_counter, {"messages": value}, "messages") for value in (5, "hi", {"role": "user"})),
    (token_counter, {"messages": ASKED, "tools": 5}, "tools"),
    (encode, {"text": 5}, "text"),
    (encode, {"model": 5, "text": "a"}, "model"),
    *((decode, {"tokens": value}, "tokens") for value in ("x", [-1], ["a"], 5, [10**9], [10**30])),
    *((batch_cost, {"content": value}, "content") for value in (5, [5], None, {"response": {}})),
    (batch_cost, {"content": "", "model": 5}, "model"),
    (get_model_info, {"model": 5}, "model"),
    (get_model_info, {"model": "gpt-4o", "custom_llm_provider": 5}, "custom_llm_provider"),
    (get_max_tokens, {"model": 5}, "model"),
    (supports_vision, {"model": 5}, "model"),
    (register_model, {"model_cost": {5: {}}}, "model_cost"),
]


@pytest.fixture(autouse=True)
def _nothing_registered() -> Iterator[None]:
    yield
    price_list.PRICES._registered.clear()


@pytest.mark.parametrize(("function", "said", "param"), WRONG)
def test_what_cannot_be_computed_with_is_refused_by_its_name(
    function: Callable[..., Any], said: dict[str, Any], param: str
) -> None:
    priced = function in (cost_per_token, completion_cost)
    with pytest.raises(BadRequestError) as raised:
        function(**({"model": "gpt-4o", **said} if priced else said))
    assert raised.value.param == param
    assert (
        f"`{param.partition('[')[0]}`" in raised.value.message
        or "`input_cost" in raised.value.message
        or "[0]" in param
    )


def test_nothing_said_is_nothing_and_what_counts_as_a_number_is_one() -> None:
    assert cost_per_token("gpt-4o", None, 4.0) == cost_per_token("gpt-4o", 0, 4)  # type: ignore[arg-type]
    assert token_counter(None, text=("a", "b")) == 4  # type: ignore[arg-type]
    assert decode("gpt-4o", iter(encode("gpt-4o", "hello"))) == "hello"  # type: ignore[arg-type]
    assert completion_cost(model="gpt-4o", messages=iter(ASKED), completion="a") > 0  # type: ignore[arg-type]


def test_a_usage_without_a_figure_is_none() -> None:
    with pytest.raises(tollbridge.UnknownPrice, match="no usage"):
        completion_cost({"usage": {"inputTokens": "x"}}, model="bedrock/amazon.nova-lite-v1:0")


def test_choices_that_are_none_say_nothing() -> None:
    for choices in (5, [5], [{"message": "s"}], [{"message": {"tool_calls": [5]}}]):
        said = {"choices": choices}
        assert completion_cost(said, model="gpt-4o", prompt="x") == completion_cost(model="gpt-4o", prompt="x")
