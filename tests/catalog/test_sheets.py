"""What an absent rate means: the rules at the head of `sheets`, one test each."""

from __future__ import annotations

from tollbridge.catalog.sheets import Sheet, sheets


def plain(**prices: int) -> Sheet:
    ((start, sheet),) = sheets(prices)[""]
    assert start == 0
    return sheet


def test_nothing_listed_is_nothing_known() -> None:
    assert set(vars_of(plain()).values()) == {None}


def vars_of(sheet: Sheet) -> dict[str, int | None]:
    return {name: getattr(sheet, name) for name in Sheet.__struct_fields__}


def test_what_a_plain_list_leaves_out_costs_what_the_vendor_means() -> None:
    sheet = plain(input=10, output=20)
    assert (sheet.cache_read, sheet.cache_write, sheet.cache_write_1h) == (10, 10, 10)
    assert (sheet.audio_input, sheet.image_input, sheet.audio_cache_read) == (10, 10, 10)
    assert sheet.reasoning == 20
    assert (sheet.audio_output, sheet.image_output, sheet.search_medium) == (None, None, None)


def test_an_hour_in_the_cache_is_unknown_where_five_minutes_cost_more_than_input() -> None:
    assert plain(input=10, cache_write=12).cache_write_1h is None
    assert plain(input=10, cache_write=12, cache_write_1h=20).cache_write_1h == 20


def test_cached_sound_has_the_discount_that_is_listed_for_it_and_no_other() -> None:
    assert plain(input=10, cache_read=1).audio_cache_read == 1
    assert plain(input=10, cache_read=1, audio_input=30).audio_cache_read == 30
    assert plain(input=10, cache_read=1, audio_input=30, audio_cache_read=3).audio_cache_read == 3


def test_a_tier_keeps_the_rate_below_it_where_it_says_nothing() -> None:
    tiers = sheets({"input": 10, "input>200": 15, "output": 20, "cache_read": 1, "cache_read>500": 2})[""]
    assert [(start, sheet.input, sheet.output, sheet.cache_read) for start, sheet in tiers] == [
        (0, 10, 20, 1),
        (200, 15, 20, 1),
        (500, 15, 20, 2),
    ]


def test_a_services_list_is_the_whole_list() -> None:
    prices = {"input": 10, "output": 20, "cache_read": 1, "cache_write": 12, "audio_input": 30, "reasoning": 25}
    ((_, batch),) = sheets({**prices, "input@batch": 5, "output@batch": 9})["batch"]
    assert (batch.input, batch.output) == (5, 9)
    assert batch.cache_read == 5  # no discount in it
    assert batch.reasoning == 9
    assert (batch.cache_write, batch.audio_input) == (None, None)
    assert batch.image_input == 5  # the plain list has no price of its own for it either


def test_a_tier_that_the_service_lacks_is_unknown_in_it() -> None:
    found = sheets({"input": 10, "input>200": 15, "output": 20, "input@flex": 5, "output@flex": 9})["flex"]
    assert [(start, sheet.input, sheet.output) for start, sheet in found] == [(0, 5, 9), (200, None, 9)]


def test_a_search_costs_the_same_in_every_service() -> None:
    ((_, batch),) = sheets({"input": 1, "input@batch": 1, "search_medium": 7})["batch"]
    assert batch.search_medium == 7
