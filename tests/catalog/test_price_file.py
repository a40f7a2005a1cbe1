from __future__ import annotations

import json
from datetime import date

import pytest

from tollbridge.catalog.price_file import (
    FiledPrices,
    Offered,
    PriceFile,
    read_offered,
    read_price_file,
    write_price_file,
)

FILE = PriceFile(
    {
        "openai/b": FiledPrices({"output": 2, "input>200000@batch+us": 1}, date(2026, 11, 26), "https://b.example"),
        "openai/a": FiledPrices({"input": 0}, date(2026, 11, 25)),
    }
)


def test_what_is_written_reads_back_in_the_order_of_names() -> None:
    text = write_price_file(FILE)
    assert read_price_file(text) == FILE
    assert list(json.loads(text)["models"]) == ["openai/a", "openai/b"]


@pytest.mark.parametrize(
    ("models", "why"),
    [
        ({"openai/a": {"since": "2026-11-26", "prices": {"inptu": 1}}}, "no name of a price"),
        ({"openai/a": {"since": "2026-11-26", "prices": {"input>0": 1}}}, "no name of a price"),
        ({"openai/a": {"since": "2026-11-26", "prices": {"input": -1}}}, "whole number"),
        ({"openai/a": {"since": "2026-11-26", "prices": {"input": 10**19}}}, "whole number"),
        ({"openai/a": {"since": "2026-11-26", "prices": {"input": 2.5}}}, "int"),
        ({"openai/a": {"since": "yesterday", "prices": {}}}, "date"),
        ({"openai/a": {"prices": {}}}, "since"),
        ({"openai/a": {"since": "2026-11-26", "prices": {}, "pricse": {}}}, "pricse"),
        ({"a": {"since": "2026-11-26", "prices": {}}}, "with its provider"),
    ],
)
def test_a_file_is_read_whole_or_not_at_all(models: object, why: str) -> None:
    whole = {"openai/good": {"since": "2026-11-26", "prices": {"input": 1}}}
    with pytest.raises(ValueError, match=why):
        read_price_file(json.dumps({"models": {**whole, **models}}).encode())  # type: ignore[dict-item]


def test_litellms_table_is_read_exactly_under_our_names() -> None:
    table = """{
      "sample_spec": {"litellm_provider": "one of ...", "input_cost_per_token": 0},
      "gpt-9": {"litellm_provider": "openai", "input_cost_per_token": 1.1e-07, "output_cost_per_token": "4.4e-7",
        "input_cost_per_token_above_200k_tokens_batches": 2e-7, "source": "https://openai.example/prices",
        "max_input_tokens": 100, "mode": "chat", "code_interpreter_cost_per_session": 0.03,
        "cache_read_input_token_cost": null, "search_context_cost_per_query": {"search_context_size_low": 0.01}},
      "vertex_ai/gemini-9": {"litellm_provider": "vertex_ai-language-models", "output_cost_per_token": 1e-6},
      "openai/gpt-9": {"litellm_provider": "openai", "input_cost_per_token": 3e-7},
      "claude-9": {"litellm_provider": "anthropic", "input_cost_per_token": 1e-6,
        "provider_specific_entry": {"fast": 6.0}},
      "broken": {"litellm_provider": "openai", "input_cost_per_token": -1},
      "pages": {"litellm_provider": "mistral", "ocr_cost_per_page": 0.001}
    }"""
    found = read_offered(table.encode())
    assert found.models == {
        "openai/gpt-9": {"input": 300_000_000},  # the name with its provider stands before the bare one
        "vertex_ai/gemini-9": {"output": 1_000_000_000},
        "anthropic/claude-9": {"input": 1_000_000_000, "input@fast": 6_000_000_000},
    }
    [left_out] = found.left_out
    assert left_out.startswith("broken: input_cost_per_token")
    alone = json.loads(table)
    del alone["openai/gpt-9"]
    alone = read_offered(json.dumps(alone).encode())
    assert alone.models["openai/gpt-9"] == {
        "input": 110_000_000,
        "input>200000@batch": 200_000_000,
        "output": 440_000_000,
        "search_low": 10_000_000_000_000,
    }
    assert alone.sources == {"openai/gpt-9": "https://openai.example/prices"}


def test_our_own_shapes_are_read_too() -> None:
    filed = Offered({m: dict(one.prices) for m, one in FILE.models.items()}, {"openai/b": "https://b.example"})
    assert read_offered(write_price_file(FILE)) == filed
    printed = [
        {"name": "openai/b", "prices": {"input": 1, "per_pixel": 2}, "source": ""},
        {"name": "x/y", "prices": {}},
    ]
    assert read_offered(json.dumps(printed).encode()) == Offered({"openai/b": {"input": 1}})


@pytest.mark.parametrize("text", ["", "{", "{}", "7", '{"a": {"b": 1}}', "[1]", "[" * 100_000, '[{"name": "a/b"}]'])
def test_what_is_no_list_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="it is no"):
        read_offered(text.encode())
