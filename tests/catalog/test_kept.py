"""What an entry keeps of an answer is enough to price it again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.catalog.reported import all_reported
from tests.shared import SHARED
from tollbridge.calls.tariff import tariff
from tollbridge.catalog.kept import again, keep
from tollbridge.catalog.parts import Parts, others, samplings
from tollbridge.catalog.pricing import UNPRICED, Tariff, catalog_list
from tollbridge.model.response import Usage
from tollbridge.observe import tokens
from tollbridge.providers.table import ROWS

LIST = Tariff(
    {"input": 10**9, "output": 5 * 10**9, "output@batch+us": 3, "input@batch+us": 2, "search_high": 7 * 10**15}, "test"
)
TELLS = Tariff({"input": 10**9, "output": 5 * 10**9}, "test", tells_cost=True)


@pytest.mark.skipif(not (SHARED / "recordings").exists(), reason="../shared/recordings is not here")
def test_every_recorded_answer_costs_the_same_again() -> None:
    checked = besides = 0
    for one in all_reported():
        bill = keep(one.usage, one.tier)
        kept = again(tokens(one.usage), bill)
        row = ROWS.get(one.provider)
        plain = Tariff(catalog_list(one.known.prices), "")
        prices = plain if row is None else tariff(row, one.model, one.known, {})
        assert prices.cost(kept) == prices.cost(one.usage, one.tier), one.id
        assert Parts(kept).counts == Parts(one.usage).counts, one.id
        checked += 1
        besides += bool(bill)
    assert checked > 1000
    assert besides > 50, "and not all of them are plain"


@pytest.mark.parametrize(
    ("extra", "tier", "bill"),
    [
        ({}, None, {}),
        ({}, "default", {}),
        ({"inference_geo": "global", "speed": "standard", "anything": {"else": 1}}, None, {}),
        ({"inference_geo": "us"}, "batch", {"service": "batch+us"}),
        ({"total_tokens": 50}, None, {"total_tokens": 50}),
        ({"search_context_size": "high"}, None, {"search": "high"}),
        ({"search_context_size": "any"}, None, {}),
        ({"cost": 0.00123}, None, {"told_nanousd": 1_230_000}),
        ({"cost": {"total_cost": 7}}, None, {"told_nanousd": 7 * 10**9}),
        (
            {"cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.9}},
            None,
            {"told_nanousd": 10**9},
        ),
        ({"billed_units": {"input_tokens": 3, "output_tokens": 2.0}}, None, {"billed_input": 3, "billed_output": 2}),
        ({"billed_units": {"input_tokens": 3}}, None, {}),
        ({"cost": "free", "total_tokens": "many", "service_tier": 7}, None, {}),
    ],
)
def test_only_what_a_price_depends_on_is_kept(extra: dict[str, Any], tier: str | None, bill: dict[str, Any]) -> None:
    usage = Usage(input=10, output=5, cache_read=4, web_searches=2, extra=extra)
    assert keep(usage, tier) == bill
    for prices in (LIST, TELLS):
        assert prices.cost(again(tokens(usage), bill)) == prices.cost(usage, tier)


def test_what_other_models_did_is_kept_with_the_answer() -> None:
    advisor = {
        "type": "advisor_message",
        "model": "big",
        "input_tokens": 100,
        "output_tokens": 10,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
    }
    usage = Usage(input=10, output=5, extra={"iterations": [{"type": "message", "input_tokens": 10}, advisor]})
    bill = keep(usage, None)
    assert list(bill) == ["others"]
    kept = again(tokens(usage), bill)
    assert others(kept) == others(usage)
    big = Tariff({"input": 10**9, "output": 2 * 10**9, "cache_read": 10**8, "cache_write_1h": 3 * 10**9}, "")
    prices = Tariff({"input": 10**6, "output": 10**6}, "", kin=lambda model: big if model == "big" else UNPRICED)
    assert prices.cost(kept) == prices.cost(usage) == 15 + 100_000 + 20_000 + 700 + 20_000 + 30_000
    refused = Usage(input=10, output=5, extra={"iterations": [{"type": "fallback_message", "model": "big"}]})
    assert others(again(tokens(refused), keep(refused, None))) == (("fallback_message", "big", None, False),)


@pytest.mark.parametrize("told", [{}, {"speed": "fast", "inference_geo": "us"}, {"speed": "standard"}], ids=str)
@pytest.mark.parametrize("wrote", [0, 5])
@pytest.mark.parametrize("tier", [None, "priority", "batch"])
def test_attempts_of_several_models_are_kept_and_cost_the_same_again(
    told: dict[str, Any], wrote: int, tier: str | None
) -> None:
    attempts = [
        {"type": "message", "model": "asked", "input_tokens": 50, "output_tokens": wrote},
        {"type": "advisor_message", "model": "wise", "input_tokens": 60, "output_tokens": 7},
        {"type": "fallback_message", "model": "other", "input_tokens": 40, "output_tokens": 9},
    ]
    usage = Usage(input=40, output=9, extra={**told, "iterations": attempts})
    kept = again(tokens(usage), keep(usage, tier))
    services = ("", "@batch", "@fast+us", "@priority")
    kin = Tariff({f"{kind}{service}": 10**9 for kind in ("input", "output") for service in services}, "")
    prices = Tariff({"input": 10**6, "output": 10**6}, "", kin=lambda model: kin)
    assert others(kept) == others(usage, tier)
    assert prices.cost(kept) == prices.cost(usage, tier)
    assert prices.assumed(kept) == prices.assumed(usage, tier)


def test_what_compacting_took_is_kept_with_the_answer() -> None:
    told = [
        {"type": "compaction", "input_tokens": 90_000, "cache_read_input_tokens": 5, "output_tokens": 700},
        {"type": "message", "input_tokens": 20_000, "output_tokens": 50},
        {"type": "advisor_message", "model": "wise", "input_tokens": 60, "output_tokens": 7},
    ]
    usage = Usage(input=110_005, output=750, cache_read=5, extra={"iterations": told})
    kept = again(tokens(usage), keep(usage, None))
    prices = Tariff({"input": 10**9, "input>100000": 5 * 10**9, "output": 10**9}, "", kin=lambda model: prices)
    assert samplings(kept) == (
        Usage(input=20_000, output=50, cache_read=0, cache_write=0, cache_write_1h=0),
        *samplings(usage)[1:],
    )
    assert prices.cost(kept) == prices.cost(usage) == (110_005 + 750 + 60 + 7) * 1000


def test_counts_that_this_version_does_not_know_are_passed_over() -> None:
    assert again({"input": 1, "smells": 3}, {}) == Usage(input=1)
