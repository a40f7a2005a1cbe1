"""The arithmetic: each dimension of a price, with figures that can be checked by hand. Rates are chosen so that no two
ways of charging give the same sum."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tollbridge.calls.tariff import tariff
from tollbridge.catalog.facts import facts
from tollbridge.catalog.parts import Parts, told_cost
from tollbridge.catalog.pricing import FREE, UNPRICED, Tariff, catalog_list, own_list
from tollbridge.errors import UnknownPrice
from tollbridge.model.response import Usage
from tollbridge.providers.table import ROWS

MILLION = 1_000_000
LIST = {
    "input": 2 * MILLION,
    "output": 7 * MILLION,
    "cache_read": 1 * MILLION,
    "cache_write": 3 * MILLION,
    "cache_write_1h": 5 * MILLION,
    "audio_input": 11 * MILLION,
    "audio_cache_read": 13 * MILLION,
    "audio_output": 17 * MILLION,
    "image_input": 19 * MILLION,
    "image_output": 23 * MILLION,
    "reasoning": 29 * MILLION,
    "search_low": 100 * MILLION,
    "search_medium": 200 * MILLION,
    "search_high": 300 * MILLION,
}
"""One token of input costs 2 nano-dollars, and so on."""


def cost(prices: dict[str, int] = LIST, tier: str | None = None, **usage: Any) -> int | None:
    return Tariff(prices, "2026-11-21").cost(Usage(**usage), tier)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input": 100, "output": 10}, 100 * 2 + 10 * 7),
        ({"input": 100, "output": 10, "cache_read": 40}, 60 * 2 + 40 * 1 + 10 * 7),
        ({"input": 100, "cache_write": 30}, 70 * 2 + 30 * 3),
        ({"input": 100, "cache_write": 30, "cache_write_1h": 20}, 70 * 2 + 10 * 3 + 20 * 5),
        ({"input": 100, "cache_read": 40, "cache_write": 30}, 30 * 2 + 40 * 1 + 30 * 3),
        ({"input": 100, "audio_input": 25}, 75 * 2 + 25 * 11),
        ({"input": 100, "image_input": 25}, 75 * 2 + 25 * 19),
        ({"output": 100, "audio_output": 25}, 75 * 7 + 25 * 17),
        ({"output": 100, "image_output": 25}, 75 * 7 + 25 * 23),
        ({"output": 100, "reasoning": 60}, 40 * 7 + 60 * 29),
        ({"output": 100, "accepted_prediction": 60, "rejected_prediction": 9}, 100 * 7),
        ({"input": 10, "web_searches": 3}, 10 * 2 + 3 * 200),
        ({"input": 10, "web_searches": 3, "extra": {"search_context_size": "low"}}, 10 * 2 + 3 * 100),
        ({}, 0),
    ],
)
def test_each_part_is_charged_once_at_its_own_rate(usage: dict[str, Any], expected: int) -> None:
    assert cost(**usage) == expected


def test_sound_that_was_read_from_the_cache_is_counted_once() -> None:
    """100 of input, 80 of them cached, 50 of them sound: at least 30 are both."""
    assert cost(input=100, cache_read=80, audio_input=50) == 50 * 1 + 20 * 11 + 30 * 13


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input": 7, "cache_read": 161}, 7 * 2 + 161 * 1),
        ({"input": 9, "audio_input": 375}, 9 * 2 + 375 * 11),
        ({"output": 5, "reasoning": 60}, 5 * 7 + 60 * 29),
    ],
)
def test_a_total_smaller_than_its_part_was_no_total(usage: dict[str, Any], expected: int) -> None:
    assert cost(**usage) == expected


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        (30, 40 * 7 + 30 * 29),  # told, and outside of the output
        (None, 40 * 7 + 30 * 29),  # told by nobody but the grand total
        (20, 20 * 7 + 20 * 29),  # inside of the output: the total says something else, and nothing is guessed
    ],
)
def test_thinking_that_only_the_grand_total_knows_is_charged(reasoning: int | None, expected: int) -> None:
    usage = Usage(input=0, output=40, reasoning=reasoning, extra={"total_tokens": 70})
    assert Tariff(LIST, "").cost(usage) == expected


TIERS = {"input": 2 * MILLION, "input>200": 4 * MILLION, "output": 7 * MILLION, "output>200": 10 * MILLION}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input": 200, "output": 1}, 200 * 2 + 7),
        ({"input": 201, "output": 1}, 201 * 4 + 10),
        ({"input": 201, "cache_read": 200, "output": 1}, 201 * 4 + 10),
        ({"input": 100, "cache_read": 150}, 250 * 4),  # what a provider leaves out of the total is input all the same
    ],
)
def test_a_tier_is_of_all_tokens_of_input_and_holds_for_the_whole_request(usage: dict[str, Any], expected: int) -> None:
    assert cost(TIERS, **usage) == expected


SERVICES = {"input": 2 * MILLION, "output": 7 * MILLION, "input@batch": MILLION, "output@batch": 3 * MILLION}


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (None, 27),
        ("default", 27),
        ("standard", 27),
        ("auto", 27),
        ("on_demand", 27),
        ("batch", 13),
        ("priority", None),
        ("anything", None),
    ],
)
def test_a_service_has_a_list_of_its_own_or_none(tier: str | None, expected: int | None) -> None:
    assert cost(SERVICES, tier, input=10, output=1) == expected


def test_the_service_is_read_from_the_usage_where_it_is_told_there() -> None:
    prices = {**SERVICES, "input@us": 9 * MILLION, "input@batch+us": 8 * MILLION, "input@fast": 6 * MILLION}
    for extra, expected in (
        ({"service_tier": "batch"}, 1),
        ({"service_tier": "standard", "inference_geo": "global"}, 2),
        ({"inference_geo": "not_available"}, 2),
        ({"inference_geo": "us"}, 9),
        ({"service_tier": "batch", "inference_geo": "us"}, 8),
        ({"speed": "fast"}, 6),
        ({"speed": "fast", "inference_geo": "us"}, None),
        ({"service_tier": {"type": "batch"}, "speed": 3}, 2),
    ):
        assert cost(prices, input=1, extra=extra) == expected, extra


def test_an_unknown_price_is_none_and_never_zero() -> None:
    assert cost({}, input=1) is None
    assert cost({}) is None  # nothing was used, and nothing is known
    assert cost(SERVICES, "priority") is None
    assert cost({"input": MILLION}) == 0
    assert cost({"input": MILLION}, input=1, output=1) is None
    assert cost({"input": MILLION}, input=1) == 1
    assert cost({"input": MILLION, "output": MILLION}, input=1, audio_output=1, output=1) is None
    assert cost({"input": MILLION, "output": MILLION}, input=1, web_searches=1) is None
    assert UNPRICED.cost(Usage(input=1, output=1)) is None
    assert UNPRICED.priced == ""


@pytest.mark.parametrize(
    ("tariff", "usage", "tier", "kind"),
    [
        (Tariff({"input": 1}, "x"), Usage(input=1, output=1), None, "output"),
        (Tariff({"input": 1, "output": 1}, "x"), Usage(output=1, image_output=1), None, "image_output"),
        (Tariff({"input": 1, "output": 1}, "x"), Usage(input=1), "flex", "flex"),
        (Tariff({"input": 0, "output": 0, "per_second": 1}, "x"), Usage(input=1), None, "seconds"),
        (UNPRICED, Usage(input=1), None, ""),
        (UNPRICED, Usage(), None, ""),
        (Tariff({}, "provider", tells_cost=True), Usage(), "flex", ""),
    ],
)
def test_an_unknown_price_is_named(tariff: Tariff, usage: Usage, tier: str | None, kind: str) -> None:
    with pytest.raises(UnknownPrice) as caught:
        tariff.price(usage, tier)
    assert caught.value.kind == kind


def test_a_known_price_is_told_by_price_as_well() -> None:
    assert Tariff(LIST, "").price(Usage(input=100, output=10)) == 270


def test_what_is_free_costs_nothing_whatever_was_used() -> None:
    everything = {name: 5 for name in Usage.__struct_fields__ if name not in ("origin", "spelling", "extra")}
    assert FREE.cost(Usage(**everything)) == 0
    assert FREE.worst(1_000, 1_000) == 0
    assert FREE.priced == "local"


def test_a_cost_is_rounded_once_and_half_up() -> None:
    assert cost({"input": 1}, input=499_999) == 0
    assert cost({"input": 1}, input=500_000) == 1
    third = {"input": 400_000, "output": 400_000, "cache_read": 400_000}
    assert cost(third, input=2, output=1, cache_read=1) == 1  # 1.2, not 0 + 0 + 0


def test_discounts_margins_and_fees_are_exact() -> None:
    usage = Usage(input=1, output=1)
    prices = {"input": MILLION, "output": 2 * MILLION}
    assert Tariff(prices, "", times=Fraction(95, 100) * Fraction(3, 2)).cost(usage) == 4  # 4.275
    assert Tariff(prices, "", times=Fraction(7, 6)).cost(usage) == 4  # 3.5: half up
    assert Tariff(prices, "", times=Fraction(1, 2), added_nanousd=100).cost(usage) == 102
    assert Tariff({**prices, "per_request": 50 * MILLION}, "", times=Fraction(1, 2)).cost(usage) == 27


def test_time_is_charged_where_the_operator_says_so() -> None:
    timed = Tariff(own_list({"per_second": 3 * MILLION}, LIST), "config")
    assert timed.cost(Usage(input=10, output=10), seconds=2.5) == 8  # 7.5
    assert timed.cost(Usage(input=10, output=10)) is None
    both = Tariff({"input": MILLION, "output": MILLION, "per_second": MILLION}, "config", times=Fraction(2))
    assert both.cost(Usage(input=10, output=1), seconds=1.25) == 25  # 2 x (11 + 1.25) = 24.5
    assert "per_second" not in catalog_list({"per_second": 1, "per_second_in": 1, "input": 1})


# prices of the operator's own


def test_ones_own_price_of_a_token_is_the_whole_list() -> None:
    made = own_list({"input": 50}, {**LIST, "input>200": 1, "input@batch": 1})
    assert made["input"] == 50
    assert made["output"] == LIST["output"]
    assert made["search_medium"] == LIST["search_medium"]
    assert not {"cache_read", "reasoning", "input>200", "input@batch"} & made.keys()
    assert made["image_output"] == made["audio_output"] == LIST["output"]


def test_another_price_of_ones_own_replaces_that_one_alone() -> None:
    assert own_list({"cache_read": 5}, LIST) == {**LIST, "cache_read": 5}
    assert own_list({}, LIST) == LIST


@pytest.mark.parametrize("service", ["batch", "flex", "priority"])
def test_what_is_free_is_free_in_every_service(service: str) -> None:
    free, paid = (Tariff({"input": rate, "output": rate}, "config") for rate in (0, 1))
    assert free.cost(Usage(input=5, output=9), service) == free.worst(5, 9, service) == 0
    assert paid.cost(Usage(input=5, output=9), service) is paid.worst(5, 9, service) is None


def test_ones_own_zero_is_free() -> None:
    free = Tariff(own_list({"input": 0, "output": 0}, {}), "config")
    assert free.cost(Usage(input=5, output=9, cache_write=1, cache_write_1h=1, reasoning=3, image_output=2)) == 0


# what providers tell


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"cost": 2.325e-05}, 23_250),
        ({"cost": 0}, 0),
        ({"cost": {"total_cost": 0.00515, "request_cost": 0.005}}, 5_150_000),
        ({"cost": 5e-10}, 1),
        ({"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, 21_000_000),
        ({"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"cost": 0.001, "is_byok": True}, None),
        ({"cost_in_usd_ticks": 2_279_404}, 227_940),
        ({"cost_in_usd_ticks": 5}, 1),
        ({"cost_in_usd_ticks": 0}, 0),
        ({"cost_in_usd_ticks": -1}, None),
        ({"cost_in_usd_ticks": 10**17}, None),
        ({"cost": -1}, None),
        ({"cost": "0.1"}, None),
        ({"cost": True}, None),
        ({"cost": float("nan")}, None),
        ({"cost": 1e300}, None),
        ({"cost": {}}, None),
        ({}, None),
    ],
)
def test_a_told_cost_is_read_or_passed_over(extra: dict[str, Any], told: int | None) -> None:
    assert told_cost(Usage(extra=extra)) == told


def test_a_told_cost_stands_over_the_list_where_the_row_says_that_it_is_one() -> None:
    usage = Usage(input=100, output=10, extra={"cost": 0.5})
    assert Tariff(LIST, "", tells_cost=True).cost(usage) == 500_000_000
    assert Tariff({}, "", tells_cost=True).cost(usage) == 500_000_000
    assert Tariff(LIST, "", tells_cost=True, times=Fraction(1, 2), added_nanousd=1).cost(usage) == 250_000_001
    assert Tariff(LIST, "").cost(usage) == 270
    assert Tariff(LIST, "", tells_cost=True).cost(Usage(input=100, output=10)) == 270


@pytest.mark.parametrize("prices", [LIST, {**LIST, "reasoning": LIST["output"]}], ids=["long", "quick"])
def test_more_than_a_million_dollars_is_a_cost_that_nobody_knows(prices: dict[str, int]) -> None:
    million = 10**15
    dear = Tariff({**prices, "input": MILLION * million // 10}, "")
    assert dear.cost(Usage(input=10)) == million
    assert dear.cost(Usage(input=11)) is None
    with pytest.raises(UnknownPrice, match="1,000,000 dollars"):
        dear.price(Usage(input=11))


def test_a_grand_total_beyond_belief_hides_no_thinking() -> None:
    usage = Usage(input=20, output=40, extra={"total_tokens": 2**63})
    assert Tariff(LIST, "").cost(usage) == Tariff(LIST, "").cost(Usage(input=20, output=40))


# bounds


COUNT = st.integers(0, 50_000)
USAGES = st.builds(
    Usage,
    input=COUNT,
    output=COUNT,
    **{
        name: st.none() | COUNT
        for name in (
            *("cache_read", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_output"),
            *("image_input", "image_output"),
        )
    },
)


@given(USAGES)
def test_the_quick_way_and_the_long_way_agree(usage: Usage) -> None:
    flat = {**LIST, "reasoning": LIST["output"]}
    quick = Tariff(flat, "")
    assert quick.cost(usage) == quick._cost(usage, None, None)


@given(USAGES)
def test_parts_are_disjoint_and_lose_no_token(usage: Usage) -> None:
    counts = dict(Parts(usage).counts)
    assert all(count > 0 for count in counts.values())
    named = sum(count for kind, count in counts.items() if kind not in ("output", "reasoning"))
    assert sum(counts.values()) >= max(usage.input + usage.output, 0)
    assert named >= (usage.cache_read or 0)


@example(Usage(input=1, output=0, audio_input=1, image_input=1))
@given(USAGES)
def test_the_worst_case_is_never_exceeded(usage: Usage) -> None:
    tariff = Tariff(LIST, "", times=Fraction(11, 10), added_nanousd=3)
    parts = Parts(usage)
    written = sum(n for kind, n in parts.counts if kind in ("output", "reasoning", "audio_output", "image_output"))
    worst = tariff.worst(parts.input, written)
    cost = tariff.cost(usage)
    assert worst is not None
    assert cost is not None
    assert cost <= worst


def test_the_worst_case_knows_tiers_and_services_and_what_it_does_not_know() -> None:
    assert Tariff(TIERS, "").worst(200, 1) == 200 * 2 + 7
    assert Tariff(TIERS, "").worst(201, 1) == 201 * 4 + 10
    assert Tariff(SERVICES, "").worst(10, 1, "batch") == 13
    assert Tariff(SERVICES, "").worst(10, 1, "default") == 27
    assert Tariff(SERVICES, "").worst(10, 1, "priority") is None
    assert UNPRICED.worst(1, 1) is None
    assert Tariff({"input": 1, "output": 1}, "").worst(1, 0) == 1  # upwards


@pytest.mark.parametrize(
    ("prices", "seconds", "expected"),
    [
        ({"input": 0, "output": 0}, None, 0),
        ({"input": 0, "output": 0, "search_medium": 5}, None, None),
        ({"input": 0, "output": 0, "per_second": 2 * MILLION}, None, None),
        ({"input": 0, "output": 0, "per_second": 2 * MILLION}, 1.5, 4),
        ({"input": MILLION, "output": 0, "per_second_in": 2 * MILLION}, 3.0, 10 + 6),
        ({"input": 0, "output": 0, "per_request": 7 * MILLION}, None, 7),
    ],
)
def test_the_worst_case_is_nothing_only_where_all_is_free(
    prices: dict[str, int], seconds: float | None, expected: int | None
) -> None:
    assert Tariff(prices, "config").worst(10, 10, None, seconds) == expected


def test_who_tells_the_cost_or_adds_a_margin_is_not_free() -> None:
    nothing = {"input": 0, "output": 0}
    assert Tariff(nothing, "", tells_cost=True).worst(10, 10) is None
    assert Tariff(nothing, "", added_nanousd=3).worst(10, 10) == 3
    assert FREE.worst(10, 10) == 0


# What the provider bills


@pytest.mark.parametrize("billed", [(3, 2), (0, 0), (3.0, 2.0), (900, 800)])
def test_what_a_provider_says_that_it_bills_is_what_it_costs(billed: tuple[float, float]) -> None:
    units = {"input_tokens": billed[0], "output_tokens": billed[1], "search_units": 4}
    found = cost(input=500, output=90, cache_read=480, reasoning=30, image_input=7, extra={"billed_units": units})
    assert found == billed[0] * 2 + billed[1] * 7


@pytest.mark.parametrize(
    "units",
    [
        None,
        5,
        {},
        {"input_tokens": 3},
        {"input_tokens": -1, "output_tokens": 1},
        {"input_tokens": 3, "output_tokens": 0.5},
    ],
)
def test_a_bill_that_is_none_counts_as_not_told(units: Any) -> None:
    assert cost(input=10, output=4, extra={"billed_units": units}) == 10 * 2 + 4 * 7


def test_a_part_that_another_model_had_is_priced_as_that_model_or_not_at_all() -> None:
    def by(model: object, type: str = "advisor_message") -> Usage:
        return Usage(
            input=10,
            output=10,
            cache_read=0,
            extra={"iterations": [{"type": type, "model": model, "input_tokens": 1000, "output_tokens": 100}]},
        )

    whole = {"input": 10**6, "output": 2 * 10**6, "cache_read": 0, "cache_write": 0, "reasoning": 2 * 10**6}
    big = Tariff({"input": 10**9, "output": 10**9}, "", times=Fraction(1, 2))
    prices = Tariff(whole, "", times=Fraction(1, 2), added_nanousd=7, kin={"big": big}.get)  # type: ignore[arg-type]
    assert prices.cost(by("big")) == 15 + 7 + 550_000
    unknown = Tariff(whole, "", kin=lambda model: UNPRICED)
    for usage in (by("small"), by(None)):
        assert unknown.cost(usage) is None
        with pytest.raises(UnknownPrice, match="had in the answer"):
            unknown.price(usage)
    assert Tariff(whole, "").cost(by("big")) is None
    assert unknown.cost(by("big", "message")) == 30
    assert (
        unknown.cost(Usage(input=10, output=10, extra={"iterations": [by("big").extra["iterations"][0]] * 1001}))
        is None
    )
    assert unknown.cost(Usage(input=10, output=10, extra={"iterations": "many"})) == 30


FABLE, OPUS = "claude-fable-5", "claude-opus-4-8"


def attempt(kind: str, model: str | None, read: int, wrote: int, **more: Any) -> dict[str, Any]:
    named = {} if model is None else {"model": model}
    return {"type": kind, **named, "input_tokens": read, "output_tokens": wrote, **more}


def attempted(*attempts: dict[str, Any], searches: int | None = None, **told: Any) -> Usage:
    return Usage(input=412, output=264, web_searches=searches, extra={**told, "iterations": list(attempts)})


DOLLARS = 10**9
BY_MODEL = {
    FABLE: {"input": 10 * DOLLARS, "output": 50 * DOLLARS, "input@us": 11 * DOLLARS, "output@us": 55 * DOLLARS},
    OPUS: {
        **{"input": 5 * DOLLARS, "output": 25 * DOLLARS, "cache_read": DOLLARS // 2},
        **{
            "input@us": 6 * DOLLARS,
            "output@us": 26 * DOLLARS,
            "input@fast": 30 * DOLLARS,
            "output@fast": 150 * DOLLARS,
        },
        **{"input@priority": 7 * DOLLARS, "output@priority": 7 * DOLLARS},
    },
}
SERVED = attempt("fallback_message", OPUS, 412, 264)
REFUSED, CUT = attempt("message", FABLE, 535, 0), attempt("message", FABLE, 535, 100)


@pytest.mark.parametrize(
    ("usage", "tier", "thousandths"),
    [
        (attempted(REFUSED, SERVED), None, 412 * 5 + 264 * 25),
        (attempted(CUT, SERVED), None, 412 * 5 + 264 * 25 + 535 * 10 + 100 * 50),
        (attempted(SERVED), "standard", 412 * 5 + 264 * 25),
        (attempted(attempt("message", OPUS, 100, 10), SERVED), None, 512 * 5 + 274 * 25),
        (attempted(REFUSED, attempt("fallback_message", OPUS, 412, 0)), None, 0),
        (attempted(CUT, SERVED, inference_geo="us"), None, 412 * 6 + 264 * 26 + 535 * 11 + 100 * 55),
        (attempted(REFUSED, SERVED, speed="fast"), None, 412 * 30 + 264 * 150),
        (attempted(REFUSED, SERVED), "priority", (412 + 264) * 7),
        (attempted(CUT, SERVED), "priority", None),
        (attempted(CUT, SERVED, speed="standard"), None, None),
        (attempted(REFUSED, SERVED, searches=1), None, None),
        (attempted(attempt("message", None, 5, 5), SERVED), None, None),
        (attempted(attempt("message", "unheard-of", 5, 5), SERVED), None, None),
        (attempted(attempt("message", "unheard-of", 5, 0), SERVED), None, 412 * 5 + 264 * 25),
        (attempted(attempt("compaction", None, 5, 5), SERVED), None, None),
        (attempted({"type": "fallback_message", "model": OPUS}), None, None),
    ],
)
def test_where_a_model_answered_in_the_place_of_another_each_attempt_costs_what_its_model_does(
    usage: Usage, tier: str | None, thousandths: int | None
) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, seen 2026-11-27"""
    prices = Tariff(BY_MODEL[FABLE], "", added_nanousd=3, kin=lambda model: Tariff(BY_MODEL.get(model, {}), ""))
    expected = None if thousandths is None else thousandths * 1000 + 3
    assert prices.cost(usage, tier) == expected
    if expected is None:
        with pytest.raises(UnknownPrice, match="had in the answer"):
            prices.price(usage, tier)


@pytest.mark.parametrize(
    ("told", "tier", "thousandths"),
    [
        ({}, None, 10 * 5 + 2 * 25),
        ({"inference_geo": "us"}, None, 10 * 6 + 2 * 26),
        ({"speed": "fast"}, None, None),
        ({}, "priority", None),
    ],
)
def test_an_advisor_costs_what_the_place_does_and_is_unknown_where_it_may_be_served_otherwise(
    told: dict[str, Any], tier: str | None, thousandths: int | None
) -> None:
    own = {f"{kind}{service}": 0 for kind in ("input", "output") for service in ("", "@us", "@fast", "@priority")}
    prices = Tariff({**own, "input": 1}, "", kin=lambda model: Tariff(BY_MODEL[model], ""))
    usage = attempted(attempt("advisor_message", OPUS, 10, 2), **told)
    assert prices.cost(usage, tier) == (None if thousandths is None else thousandths * 1000)


def test_an_attempt_at_the_deployments_own_model_costs_what_the_operator_says() -> None:
    row = ROWS["anthropic"]
    own = {"input": 2 * DOLLARS, "output": 2 * DOLLARS}
    prices = tariff(row, FABLE, facts("anthropic", FABLE), own)
    listed = tariff(row, OPUS, facts("anthropic", OPUS), {})
    served = listed.cost(Usage(input=412, output=264))
    assert served
    assert prices.cost(attempted(CUT, SERVED)) == served + 635 * 2000


@pytest.mark.parametrize(
    ("usage", "tier", "thousandths"),
    [
        (attempted(attempt("advisor_message", "zeus", 10, 2)), None, 412 * 10 + 264 * 50 + 10 * 10 + 2 * 50),
        (
            attempted(attempt("advisor_message", OPUS, 10, 2), attempt("advisor_message", "zeus", 10, 2)),
            None,
            412 * 10 + 264 * 50 + 10 * 5 + 2 * 25 + 10 * 10 + 2 * 50,
        ),
        (attempted({"type": "advisor_message", "model": OPUS}), None, 412 * 10 + 264 * 50),
        (attempted(CUT, attempt("fallback_message", "zeus", 412, 264)), None, 947 * 10 + 364 * 50),
        (attempted(CUT, SERVED), "priority", (412 + 264) * 7 + 535 * 10 + 100 * 50),
        (attempted(CUT, SERVED, searches=1), None, 412 * 5 + 264 * 25 + 535 * 10 + 100 * 50 + 20_000),
        (attempted(attempt("compaction", None, 5, 5), SERVED), None, 412 * 5 + 264 * 25 + 5 * 10 + 5 * 50),
        (attempted({"type": "fallback_message", "model": OPUS}), None, 412 * 10 + 264 * 50),
        (attempted(*[attempt("advisor_message", OPUS, 10, 2)] * 1001), None, 412 * 10 + 264 * 50),
        (attempted(attempt("advisor_message", "zeus", 10, 2)), "unheard-of", None),
        (attempted(), None, None),
    ],
)
def test_a_part_without_a_price_is_charged_as_if_the_model_that_was_asked_had_done_it(
    usage: Usage, tier: str | None, thousandths: int | None
) -> None:
    own = {**BY_MODEL[FABLE], "search_medium": 20 * DOLLARS * 1000}
    prices = Tariff(own, "", added_nanousd=3, kin=lambda model: Tariff(BY_MODEL.get(model, {}), ""))
    assert prices.assumed(usage, tier) == (None if thousandths is None else thousandths * 1000 + 3)
    if thousandths is not None:
        assert prices.cost(usage, tier) is None


def test_each_run_of_the_model_is_in_the_tier_of_its_own_size() -> None:
    """What compacting read is no part of the answer's context."""
    prices = Tariff({"input": DOLLARS, "input>100000": 5 * DOLLARS, "output": DOLLARS, "output@us": 2 * DOLLARS}, "")
    told = [
        {"type": "compaction", "input_tokens": 90_000, "output_tokens": 500},
        {"type": "message", "input_tokens": 20_000, "output_tokens": 100},
    ]
    usage = Usage(input=110_000, output=600, extra={"iterations": told})
    assert prices.cost(usage) == (110_000 + 600) * 1000
    large = [{**told[0], "input_tokens": 160_000}, told[1]]
    assert prices.cost(Usage(input=180_000, output=600, extra={"iterations": large})) == (800_000 + 20_000 + 600) * 1000
    assert prices.cost(Usage(input=110_000, output=600)) == (550_000 + 600) * 1000
    senseless = Usage(input=110_000, output=400, extra={"iterations": told})
    assert prices.cost(senseless) == (550_000 + 400) * 1000
