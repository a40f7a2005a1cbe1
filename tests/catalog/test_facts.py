from __future__ import annotations

import datetime
import subprocess
import sys

import pytest

from tollbridge.catalog.facts import ModelFacts, catalog, facts, with_info
from tollbridge.catalog.near import near


def test_the_catalog_names_its_source_and_its_day() -> None:
    assert catalog().source
    assert datetime.date.fromisoformat(catalog().date)


def test_every_row_decodes_and_makes_sense() -> None:
    count = 0
    for provider, _, name in (full.partition("/") for full in catalog().full_names()):
        model = facts(provider, name)
        assert model is not None
        count += 1
        assert model.features.isdisjoint(model.lacks)
        assert all(isinstance(price, int) and price >= 0 for price in model.prices.values())
        assert model.max_input_tokens is None or model.max_input_tokens > 0
    assert count > 1000


def test_limits_features_and_prices_of_a_known_model() -> None:
    found = facts("openai", "gpt-4.1")
    assert found is not None
    assert (found.mode, found.max_input_tokens, found.max_output_tokens) == ("chat", 1047576, 32768)
    assert {"tools", "vision", "response_schema"} <= found.features
    # 2 dollars per million tokens
    assert found.prices["input"] == 2 * 10**9
    assert found.prices["input@batch"] == 10**9
    assert found.prices["cache_read"] == 5 * 10**8


def test_prices_by_length_of_the_input_have_their_own_keys() -> None:
    found = facts("gemini", "gemini-2.5-pro")
    assert found is not None
    assert found.prices["input"] < found.prices["input>200000"]


def test_a_local_models_price_is_zero_and_an_unknown_one_is_absent() -> None:
    local = facts("ollama", "llama2")
    assert local is not None
    assert local.prices == {"input": 0, "output": 0}
    assert facts("openai", "no-such-model") is None


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [
        ("openai", "gpt-4o-2099-01-01", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", "ft:gpt-4o-2024-08-06"),
        ("openai", "ft:gpt-4.1-2099-01-01:acme::abc", "gpt-4.1"),
        ("anthropic", "claude-sonnet-4-5-20990101", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-5-latest", "claude-sonnet-4-5"),
        ("azure", "eu/gpt-4o-2099-01-01", "gpt-4o"),
        ("bedrock", "jp.anthropic.claude-opus-4-8", "jp.anthropic.claude-opus-4-8"),
        ("bedrock", "sa.anthropic.claude-opus-4-8", "anthropic.claude-opus-4-8"),
    ],
)
def test_a_name_is_found_without_its_date_region_or_account(provider: str, model: str, name: str) -> None:
    found = facts(provider, model)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("model", ["", "x" * 10_000, "us.", "/", "ft:", "-latest", "ft:a:" + "b" * 200])
def test_odd_names_are_unknown(model: str) -> None:
    assert facts("openai", model) is None


@pytest.mark.parametrize(
    ("model", "provider"),
    [("gpt-4.1", "openai"), ("o3", "openai"), ("claude-opus-4-5", "anthropic"), ("claude-3", None), ("nobody", None)],
)
def test_who_serves_a_bare_name(model: str, provider: str | None) -> None:
    assert catalog().provider_of(model) == provider


def test_the_operators_information_stands_over_the_facts() -> None:
    known = facts("openai", "gpt-4o")
    assert known is not None
    info = {"max_input_tokens": 1000, "supports_vision": False, "supports_audio_input": True, "mode": "chat", "id": 7}
    told = with_info(known, info, "openai", "gpt-4o")
    assert told is not None
    assert told.max_input_tokens == 1000
    assert told.max_output_tokens == known.max_output_tokens
    assert "vision" not in told.features
    assert "vision" in told.lacks
    assert "audio_input" in told.features
    assert told.prices == known.prices


def test_information_about_an_unknown_model_makes_facts_and_none_makes_none() -> None:
    assert with_info(None, {}, "mine", "m") is None
    assert with_info(None, {"max_input_tokens": "many", "supports_vision": "yes"}, "mine", "m") is None
    told = with_info(None, {"max_input_tokens": 8192}, "mine", "m")
    assert told == ModelFacts(provider="mine", name="m", max_input_tokens=8192)


def test_near_names_are_found_for_a_slip_and_not_for_nonsense() -> None:
    assert near("gtp-4.1")[0] == "gpt-4.1"
    assert near("claude-sonet-4-5")[0] == "claude-sonnet-4-5"
    assert near("grok", ["groq", "xai"]) == ["groq"]
    assert near("zzzzqqqq") == []
    assert near("") == near("x" * 5000) == []


def test_nothing_is_read_at_import() -> None:
    program = (
        "import sys, tollbridge.catalog.facts as f, tollbridge.catalog.tokens as t, tollbridge.catalog.encodings as e;"
        "loaded = any(e.is_loaded(rule.encoding) for rule in t.RULES);"
        "print(f.catalog.cache_info().currsize, loaded, 'tiktoken' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["0", "False", "False"]
