from __future__ import annotations

from decimal import Decimal

import pytest

from tollbridge.catalog.facts import catalog, facts
from tollbridge.catalog.price_names import (
    CLASSES,
    SERVICES,
    USUAL_PRICES,
    charged,
    class_of,
    dear,
    field_of,
    is_price,
    nano,
    prices_of,
)


@pytest.mark.parametrize(
    ("field", "price"),
    [
        ("input_cost_per_token", "input"),
        ("cache_creation_input_token_cost_above_1hr", "cache_write_1h"),
        ("cache_creation_input_token_cost_above_1hr_above_200k_tokens", "cache_write_1h>200000"),
        ("output_cost_per_token_above_272k_tokens_priority", "output>272000@priority"),
        ("cache_read_input_token_cost_batches", "cache_read@batch"),
    ],
)
def test_litellms_fields_have_names_here_and_back(field: str, price: str) -> None:
    assert class_of(field) == price
    assert field_of(price) == field


@pytest.mark.parametrize("field", ["", "temperature", "input_cost_per_tokn", "code_interpreter_cost_per_session"])
def test_what_is_no_price_here_has_no_name(field: str) -> None:
    assert class_of(field) is None
    assert not is_price(field)


def test_each_class_and_service_goes_both_ways_but_for_two_spellings_of_one() -> None:
    twice = {"input_cost_per_token_cache_hit"}
    for field, kind in CLASSES.items():
        assert field_of(kind) == field or field in twice
        for service, ours in SERVICES.items():
            assert class_of(f"{field}_{service}") == f"{kind}@{ours}"
    assert field_of("input@fast") is None


def test_dollars_become_whole_nano_dollars_as_they_are_written() -> None:
    assert nano(2.5e-06) == 2_500_000_000
    assert nano("0.00000125") == 1_250_000_000
    assert nano(Decimal("8.75e-08")) == 87_500_000
    assert nano(0) == 0
    assert nano("1.0000000000000005") == 10**15 + 1  # half up


@pytest.mark.parametrize("price", [-1, "free", "nan", "inf", 1e-30, ""])
def test_what_is_no_price_is_refused(price: float | str) -> None:
    with pytest.raises(ValueError, match="is no price"):
        nano(price)


def test_tables_of_prices_are_read_too_and_an_error_names_the_field() -> None:
    assert prices_of(
        {
            "search_context_cost_per_query": {"search_context_size_low": 0.005, "other": 1},
            "tiered_pricing": [
                {"range": [0, 1000.0], "input_cost_per_token": 1e-6},
                {"range": [1000.0, 9000.0], "input_cost_per_token": 2e-6},
            ],
            "output_cost_per_token": None,
            "max_tokens": 9,
        }
    ) == {"input": 10**9, "input>1000": 2 * 10**9, "search_low": 5 * 10**12}
    with pytest.raises(ValueError, match=r"^input_cost_per_token: .* is no price"):
        prices_of({"input_cost_per_token": True})


def test_which_prices_an_answer_is_charged_by() -> None:
    assert charged("cache_read>200000@batch")
    assert not charged("per_page@batch")


def test_two_models_of_the_catalog_have_a_price_that_nobody_asks() -> None:
    """Where litellm's table has dollars per thousand tokens for dollars per token, it seems."""
    odd = set()
    for name in catalog().full_names():
        known = facts(*name.split("/", 1))
        assert known is not None
        odd |= {name for price, rate in known.prices.items() if dear(price, rate) is not None}
    assert odd == {"azure_ai/jais-30b-chat", "watsonx/core42/jais-13b-chat"}


def test_the_usual_prices_are_prices() -> None:
    assert [name for name in USUAL_PRICES if not is_price(name)] == []
