"""The catalog in the package is the one that its script makes of its two sources, and the page tells their differences.

The sources lie beside the repository; genai-prices is a tool of the tests."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import date
from decimal import Decimal
from functools import cache

from scripts.build_catalog import BEGIN, END, OUT, PAGE, Built, build, features, filled, text
from scripts.genai_list import Listed
from scripts.price_differences import REASONS, difference, page
from tests.shared import SHARED
from tollbridge.catalog.facts import LISTED_BY, catalog, facts
from tollbridge.catalog.price_file import multiplied
from tollbridge.catalog.price_names import CLASSES, SEARCH

VERSION, ON = "1.109.1", date(2026, 11, 21)


@cache
def built() -> Built:
    return build(SHARED / "data/model_prices_litellm.json", ON)


def test_the_packaged_catalog_is_what_the_script_makes_byte_for_byte() -> None:
    assert gzip.decompress(OUT.read_bytes()).decode() == text(built(), VERSION, ON)


def test_the_page_tells_the_differences_as_they_are() -> None:
    told = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert told == page(built().differences, built().beyond, built().compared)


def test_the_catalog_follows_the_source_that_the_reason_names() -> None:
    assert {one.reason for one in built().differences} == set(REASONS)
    for one in built().differences:
        known = facts(one.provider, one.model)
        assert known is not None
        assert known.listed_by == LISTED_BY[3]
        for kind, (litellm, genai) in one.prices.items():
            assert known.prices[kind] == (genai if one.follows == "genai-prices" else litellm)


def test_each_row_is_dated_and_says_who_lists_it() -> None:
    assert catalog().date == str(ON)
    counts: Counter[str] = Counter()
    sourced = 0
    for name in catalog().full_names():
        known = facts(*name.split("/", 1))
        assert known is not None
        counts[known.listed_by] += 1
        sourced += bool(known.source)
    assert set(counts) == set(LISTED_BY)
    assert sourced > sum(counts.values()) // 2
    assert counts["both"] > 800


def test_prices_have_no_names_but_those_of_the_grammar() -> None:
    kinds = {*CLASSES.values(), *SEARCH.values()}
    services = {"", "batch", "priority", "flex", "fast", "ultrafast", "balanced", "us", "batch+us", "fast+us"}
    for name in catalog().full_names():
        known = facts(*name.split("/", 1))
        assert known is not None
        for price in known.prices:
            head, _, service = price.partition("@")
            kind, _, tier = head.partition(">")
            assert kind in kinds, price
            assert service in services, price
            assert not tier or int(tier) > 0


def test_openrouters_models_are_there() -> None:
    known = facts("openrouter", "openai/gpt-4o")
    assert known is not None
    assert known.listed_by == "genai-prices"
    assert known.prices["input"] == 2_500_000_000
    assert known.max_input_tokens == 128_000


def listed(id: str = "m", **prices: int) -> Listed:
    return Listed(id, {name.replace("__", "@"): rate for name, rate in prices.items()}, None, "")


def test_a_list_takes_what_it_lacks_and_no_tier_beyond_the_window() -> None:
    theirs = Listed(
        "m", {"input": 1, "input>200": 2, "output@batch": 3, "cache_read>900": 4, "cache_read": 5}, None, ""
    )
    ours = {"input": 1, "output": 9}
    assert filled(ours, theirs, 500) == {**ours, "input>200": 2, "output@batch": 3, "cache_read": 5}
    assert filled(ours, theirs, 100) == {**ours, "output@batch": 3, "cache_read": 5}
    assert filled({**ours, "input>100": 7}, theirs, 500)["input>100"] == 7
    assert "input>200" not in filled({**ours, "input>100": 7}, theirs, 500)


def test_multiples_of_speed_and_place_are_spelled_out() -> None:
    row = {"litellm_provider": "anthropic", "provider_specific_entry": {"us": Decimal("1.1"), "fast": 2}}
    ours = {"input": 100, "input@batch": 50, "search_low": 7}
    assert multiplied(ours, row) == {
        "input@fast": 200,
        "input@us": 110,
        "input@batch+us": 55,
        "input@fast+us": 220,
    }
    assert multiplied(ours, {**row, "litellm_provider": "bedrock"}) == {}


def test_reasons_are_told_from_the_data() -> None:
    def reason(provider: str, model: str, theirs: Listed, mode: str = "chat") -> str:
        found = difference(provider, model, mode, {"input": 1000, "output": 2000}, theirs)
        assert found is not None
        return found.reason

    assert difference("a", "m", "chat", {"input": 1}, listed(input=1, output=5)) is None
    assert reason("a", "m", listed(input=1009, output=2000)) == "rounded"
    assert reason("ovhcloud", "m", listed(input=1100)) == "currency"
    old = ({"input": 1000, "output": 2000},)
    assert reason("a", "m", Listed("m", {"input": 500}, None, "", old)) == "superseded"
    assert reason("a", "m", Listed("m", {"input": 500}, None, "", old, timed=True)) == "by the hour"
    assert reason("a", "eu.m", listed("eu.m", input=500)) == "another region"
    assert reason("a", "eu-west-1/m", listed("m", input=500)) == "another region"
    assert reason("a", "m-2", listed("m", input=500)) == "another model"
    assert reason("a", "m", listed("m", input=500), "image_generation") == "not by the token"
    assert reason("a", "m-20250101", listed("m", input=500)) == "unsettled"


def test_modalities_are_features_unless_a_flag_denies_them() -> None:
    has, lacks = features({"supported_modalities": ["text", "image", "audio"], "supports_audio_input": False})
    assert (bin(has).count("1"), bin(lacks).count("1")) == (1, 1)
