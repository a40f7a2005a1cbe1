from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import tollbridge
from tests.server.clouds import Told, cloud
from tollbridge import get_max_tokens, get_model_info, model_cost, register_model
from tollbridge.catalog.facts import INFO_FEATURES
from tollbridge.sdk import price_list


@pytest.fixture(autouse=True)
def _nothing_registered() -> Iterator[None]:
    yield
    price_list.PRICES._registered.clear()
    price_list.PRICES._tariffs.clear()
    price_list.PRICES._whose.clear()


def test_a_model_is_told_in_litellms_fields() -> None:
    info = get_model_info("gpt-4o")
    assert info["key"] == "gpt-4o"
    assert (info["litellm_provider"], info["mode"]) == ("openai", "chat")
    assert (info["max_tokens"], info["max_input_tokens"], info["max_output_tokens"]) == (16_384, 128_000, 16_384)
    assert (info["input_cost_per_token"], info["output_cost_per_token"]) == (2.5e-06, 1e-05)
    assert info["input_cost_per_token_priority"] == 4.25e-06
    assert info["cache_creation_input_token_cost"] is None
    assert info["search_context_cost_per_query"]["search_context_size_medium"] == 0.01
    assert info["supports_vision"] is True
    assert info["supports_audio_output"] is None


def test_a_model_is_found_with_and_without_its_provider_also_where_only_the_catalog_knows_that() -> None:
    assert get_model_info("openai/gpt-4o")["input_cost_per_token"] == 2.5e-06
    assert get_model_info("gpt-4o", custom_llm_provider="openai")["max_tokens"] == 16_384
    assert get_model_info("bedrock/anthropic.claude-haiku-4-5-20251001-v1:0")["input_cost_per_token"] == 1e-06
    assert get_model_info("text-embedding-3-small")["mode"] == "embedding"
    assert get_max_tokens("gpt-4o") == 16_384


@pytest.mark.parametrize("model", ["openai/no-such-model", "nobody/x", "no-such-model", ""])
def test_an_unknown_model_is_an_error(model: str) -> None:
    with pytest.raises(tollbridge.NotFoundError):
        get_model_info(model)


def test_what_models_can_do_is_asked_by_name() -> None:
    assert tollbridge.supports_vision("gpt-4o")
    assert tollbridge.supports_vision(model="openai/gpt-4o", custom_llm_provider="openai")
    assert not tollbridge.supports_vision("gpt-3.5-turbo")
    assert tollbridge.supports_reasoning("o3")
    assert tollbridge.supports_pdf_input("claude-sonnet-4-5")
    assert tollbridge.supports_audio_input("gemini/gemini-2.5-pro")
    assert tollbridge.supports_prompt_caching("claude-sonnet-4-5")
    assert not tollbridge.supports_function_calling("nobody/x")


def test_each_question_has_a_field_and_the_other_way_round() -> None:
    asked = {name for name in tollbridge.__all__ if name.startswith("supports_")}
    assert asked == set(INFO_FEATURES)
    known = get_model_info("gpt-4o")
    for name in asked:
        assert getattr(tollbridge, name)("gpt-4o") is bool(known[name])


def test_what_is_registered_is_told_and_the_rest_stays() -> None:
    told = register_model(
        {
            "gpt-4o": {"max_input_tokens": 7, "supports_vision": False},
            "mine/big": {"litellm_provider": "mine", "mode": "chat", "max_tokens": 9, "input_cost_per_token": 0},
            "bare": {"output_cost_per_token": 1e-6},
        }
    )
    assert get_model_info("gpt-4o")["max_input_tokens"] == 7
    assert get_model_info("gpt-4o")["output_cost_per_token"] == 1e-05
    assert not tollbridge.supports_vision("gpt-4o")
    assert get_model_info("mine/big")["input_cost_per_token"] == 0.0
    assert get_max_tokens("mine/big") == 9
    assert get_model_info("bare")["output_cost_per_token"] == 1e-06
    assert {"gpt-4o", "mine/big", "bare"} <= set(told)


def test_a_name_that_nobody_has_is_asked_of_the_provider_that_was_registered_for_it(no_keys: Path) -> None:
    ask = [{"role": "user", "content": "Hello"}]
    with pytest.raises(tollbridge.NotFoundError):
        tollbridge.completion("ours-1", ask)
    register_model(
        {
            "ours-1": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6},
            "team/ours-2": {"litellm_provider": "groq"},
            "gpt-4o": {"litellm_provider": "groq"},
        }
    )
    with cloud(lambda _: Told({"error": {"message": "seen"}}, 400)) as place:
        said = {"api_base": f"{place.url}/v1", "api_key": "k", "num_retries": 0}
        for model, provider in (("ours-1", "openai"), ("team/ours-2", "groq"), ("gpt-4o", "openai")):
            with pytest.raises(tollbridge.BadRequestError, match="seen") as raised:
                tollbridge.completion(model, ask, **said)
            assert raised.value.provider == provider
        assert [one.json()["model"] for one in place.asked] == ["ours-1", "team/ours-2", "gpt-4o"]
    mocked = tollbridge.completion("ours-1", ask, mock_response="Hi")
    assert mocked._hidden_params["custom_llm_provider"] == "openai"
    assert mocked._hidden_params["response_cost"] == tollbridge.completion_cost(mocked) > 0
    assert get_model_info("ours-1")["litellm_provider"] == "openai"


def test_what_cannot_be_registered_is_refused_whole() -> None:
    with pytest.raises(tollbridge.BadRequestError, match="input_cost_per_token"):
        register_model({"gpt-4o": {"max_input_tokens": 7}, "x": {"input_cost_per_token": "much"}})
    assert get_model_info("gpt-4o")["max_input_tokens"] == 128_000
    with pytest.raises(tollbridge.BadRequestError, match="nothing is fetched"):
        register_model("https://example.com/prices.json")  # type: ignore[arg-type]
    with pytest.raises(tollbridge.BadRequestError):
        register_model({"x": 1})  # type: ignore[dict-item]


def test_all_models_are_a_mapping() -> None:
    assert model_cost["gpt-4o"]["output_cost_per_token"] == 1e-05
    assert "openai/gpt-4o" in model_cost
    assert "no-such-model" not in model_cost
    assert 5 not in model_cost
    with pytest.raises(KeyError):
        model_cost["no-such-model"]
    assert len(model_cost) == len(list(model_cost)) > 6_000
    assert "models" in repr(model_cost)
