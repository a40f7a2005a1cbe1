"""Answers that are counted by other measures than tokens: which measure counts, and when nobody knows the cost."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbridge.catalog.kept import again, keep
from tollbridge.catalog.pricing import COST_MAX_NANOUSD, FREE, UNPRICED
from tollbridge.catalog.unit_pricing import UnitTariff, worst_of
from tollbridge.model.response import AUDIO_MS, CHARACTERS, IMAGES, SEARCH_UNITS, Usage
from tollbridge.observe.record import tokens

M = 1_000_000
RERANK = {"input": 0, "output": 0, "per_query": 2_000_000 * M}
SPEECH = {"per_character_in": 15_000 * M}
TOKEN_SPEECH = {"input": 600 * M, "output": 10_000 * M, "audio_output": 12_000 * M, "per_second": 250_000 * M}
WHISPER = {"per_second_in": 100_000 * M, "per_second": 100_000 * M}
HEARD = {"audio_input": 6_000 * M, "input": 2_500 * M, "output": 10_000 * M}
IMAGE = {"per_image": 40_000_000 * M}
DRAWN = {"input": 5_000 * M, "image_output": 40_000 * M, "image_input": 10_000 * M}


@pytest.mark.parametrize(
    ("prices", "usage", "cost"),
    [
        (RERANK, Usage(units={SEARCH_UNITS: 3}), 6_000_000),
        (RERANK, Usage(input=500, units={SEARCH_UNITS: 1}), 2_000_000),
        (RERANK, Usage(input=500, units={}), None),
        (SPEECH, Usage(units={CHARACTERS: 7}), 7 * 15_000),
        (SPEECH, Usage(input=12, units={CHARACTERS: 7}), 7 * 15_000),
        (TOKEN_SPEECH, Usage(units={CHARACTERS: 7}), None),
        (TOKEN_SPEECH, Usage(input=10, units={CHARACTERS: 7}), None),
        (
            TOKEN_SPEECH,
            Usage(input=10, output=100, audio_output=100, units={CHARACTERS: 7}),
            10 * 600 + 100 * 12_000,
        ),
        (WHISPER, Usage(units={AUDIO_MS: 1500}), 150_000),
        (WHISPER, Usage(units={}), None),
        (HEARD, Usage(input=20, audio_input=20, output=3, units={}), 20 * 6_000 + 3 * 10_000),
        (IMAGE, Usage(units={IMAGES: 2}), 80_000_000),
        (DRAWN, Usage(input=50, output=272, image_output=272, units={IMAGES: 1}), 50 * 5_000 + 272 * 40_000),
        (DRAWN, Usage(units={IMAGES: 1}), None),
        ({}, Usage(units={IMAGES: 1}), None),
        ({"input": 0, "output": 0}, Usage(input=5, units={}), 0),
        ({"input": 0, "output": 0}, Usage(units={}), 0),
    ],
)
def test_the_list_of_prices_chooses_the_measure(prices: dict[str, int], usage: Usage, cost: int | None) -> None:
    assert UnitTariff(prices, "test").cost(usage) == cost


def test_an_answer_without_units_is_priced_as_any_chat() -> None:
    tariff = UnitTariff({"input": 300 * M, "output": 2_500 * M, "image_output": 30_000 * M}, "test")
    assert tariff.cost(Usage(input=10, output=100, image_output=90)) == 10 * 300 + 10 * 2_500 + 90 * 30_000
    assert tariff.cost(Usage(input=10, output=0)) == 3_000


def test_a_margin_and_a_fee_are_of_the_whole() -> None:
    tariff = UnitTariff(RERANK, "test", times=Fraction(3, 2), added_nanousd=7)
    assert tariff.cost(Usage(units={SEARCH_UNITS: 1})) == 3_000_007


def test_more_than_can_be_is_nobodys_price() -> None:
    assert UnitTariff(IMAGE, "test").cost(Usage(units={IMAGES: 10**12})) is None
    assert COST_MAX_NANOUSD < 10**12 * 40_000_000


@given(
    st.sampled_from([RERANK, SPEECH, WHISPER, IMAGE, DRAWN, HEARD]),
    st.fixed_dictionaries(
        {}, optional={unit: st.integers(0, 10**6) for unit in (SEARCH_UNITS, CHARACTERS, AUDIO_MS, IMAGES)}
    ),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_nothing_costs_more_than_its_worst_case(
    prices: dict[str, int], units: dict[str, int], into: int, out: int
) -> None:
    tariff = UnitTariff(prices, "test")
    usage = Usage(input=into, output=out, image_output=out if prices is DRAWN else None, units=units)
    cost, worst = tariff.cost(usage), worst_of(tariff, usage, out)
    if cost is not None and worst is not None:
        assert cost <= worst + 1
    if cost:
        assert worst is not None


@given(
    st.fixed_dictionaries(
        {}, optional={unit: st.integers(0, 10**6) for unit in (SEARCH_UNITS, CHARACTERS, AUDIO_MS, IMAGES)}
    ),
    st.integers(0, 10**6),
)
def test_what_the_ledger_keeps_costs_the_same_again(units: dict[str, int], into: int) -> None:
    usage = Usage(input=into, units=units or None)
    kept = again(tokens(usage), keep(usage, None))
    for prices in (RERANK, SPEECH, WHISPER, IMAGE):
        tariff = UnitTariff(prices, "test")
        assert tariff.cost(kept) == tariff.cost(usage)


@pytest.mark.parametrize(("tariff", "cost"), [(FREE, 0), (UNPRICED, None)], ids=["free", "unpriced"])
def test_a_local_server_costs_nothing_and_an_unknown_one_nobody_knows(tariff: Any, cost: int | None) -> None:
    assert tariff.cost(Usage(units={CHARACTERS: 5})) == cost
    assert worst_of(tariff, Usage(input=5, units={CHARACTERS: 5}), 0) == cost
