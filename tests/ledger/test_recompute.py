"""R48: what had no price gets one, once, and all sums stay those of the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import database, database_url, rows
from tests.ledger.records import record
from tollbridge.catalog.pricing import UNPRICED, Tariff
from tollbridge.ledger.recompute import Sum, recompute, repriced
from tollbridge.observe.record import Record, Tried
from tollbridge.observe.ulid import Ulids
from tollbridge.store.costs import PAGE, Correction, CostStore, Span
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key_tables import KEYS
from tollbridge.store.keys import KeyStore
from tollbridge.store.ledger_rows import day_rows, read_record
from tollbridge.store.spend import SpendReader, Wanted

__all__ = ["database", "database_url"]

HOUSE = Tariff({"input": 10**9, "output": 5 * 10**9, "input@batch": 10**8, "output@batch": 10**8}, "config")
BY_TIME = Tariff({"input": 0, "output": 0, "per_second": 10**15}, "config")
NOON_NS = 1_767_268_800 * 10**9  # 2026-01-01T12:00:00Z
DAY_NS = 86_400 * 10**9


def priced_by(**tariffs: Tariff) -> Any:
    return lambda answered, group: tariffs.get(answered.model, UNPRICED)


TARIFFS = priced_by(house=HOUSE, timed=BY_TIME)


def unknown(day: int = 0, **changes: Any) -> Record:
    said = {"model": "house", "cost_nanousd": None, "priced": "", **changes}
    return record(id=Ulids(lambda: NOON_NS + day * DAY_NS).next(), **said)


def tried(model: str, cost: int | None, **changes: Any) -> Tried:
    said = {"deployment": "d", "provider": "p", "tokens": {"input": 10, "output": 5}, **changes}
    return Tried(model=model, cost_nanousd=cost, **said)


@pytest.mark.parametrize(
    ("before", "cost"),
    [
        (unknown(), 10_000 + 25_000),
        (unknown(tokens={"input": 100, "output": 0, "cache_read": 100}), 100_000),
        (unknown(bill={"service": "batch"}), 1_500),
        (unknown(bill={"service": "nobody's"}), None),
        (unknown(bill={"total_tokens": 17}), 45_000),
        (unknown(model="timed", upstream_ms=1500.0), 1_500_000_000),
        (unknown(model="mystery"), None),
        (unknown(tokens=None), None),
        (unknown(cost_nanousd=7), None),
        (unknown(cost_nanousd=0), None),
    ],
)
def test_an_entry_is_priced_by_its_tokens_and_its_bill(before: Record, cost: int | None) -> None:
    after = repriced(before, TARIFFS)
    if cost is None:
        assert after is None
    else:
        assert after == msgspec.structs.replace(before, cost_nanousd=cost, priced="config")


def test_what_has_a_price_gets_todays_where_that_is_asked_for() -> None:
    before = unknown(cost_nanousd=7, priced="2026-01-01")
    assert repriced(before, TARIFFS, every=True) == msgspec.structs.replace(
        before, cost_nanousd=35_000, priced="config"
    )
    assert repriced(msgspec.structs.replace(before, cost_nanousd=35_000), TARIFFS, every=True) is None
    assert repriced(msgspec.structs.replace(before, model="mystery"), TARIFFS, every=True) is None, "known stays known"


def test_a_part_that_was_assumed_gets_its_price_where_there_is_one_today() -> None:
    others = '[{"type":"advisor_message","model":"wise","input_tokens":10,"output_tokens":0}]'
    assumed = unknown(cost_nanousd=45_000, priced="assumed", bill={"others": others})
    wise = Tariff({"input": 10**12, "output": 10**12}, "")
    knows = Tariff(HOUSE.prices, "config", kin=lambda model: wise)
    after = repriced(assumed, priced_by(house=knows))
    assert after is not None
    assert (after.cost_nanousd, after.priced) == (10_000 + 25_000 + 10_000_000, "config")
    assert repriced(assumed, TARIFFS) is None
    attempts = (tried("house", 7, error_class="APIError"), tried("house", 45_000))
    after = repriced(msgspec.structs.replace(assumed, tried=attempts), priced_by(house=knows))
    assert after is not None
    assert [one.cost_nanousd for one in after.tried] == [7, 10_035_000]
    of_a_batch = unknown(cost_nanousd=45_000, priced="assumed", bill={"service": "batch"})
    assert repriced(of_a_batch, priced_by(house=knows)) is None


async def test_a_part_that_was_assumed_is_found_among_those_without_a_price(database: Database) -> None:
    others = '[{"type":"advisor_message","model":"wise","input_tokens":10,"output_tokens":0}]'
    assumed = unknown(cost_nanousd=40_000, priced="assumed", bill={"others": others})
    said = unknown(cost_nanousd=5, priced="config", metadata={"priced": "assumed"})
    EntryStore(database).fold([assumed, said])
    knows = Tariff(HOUSE.prices, "config", kin=lambda model: HOUSE)
    sums = await recompute(CostStore(database), priced_by(house=knows), Span(), write=True)
    assert sum(one.changed for one in sums.values()) == 1
    found = {one.id: one for one in await CostStore(database).page(Span(unpriced=False))}
    assert (found[assumed.id].cost_nanousd, found[assumed.id].priced) == (45_000, "config")
    assert found[said.id].cost_nanousd == 5


def test_of_attempts_each_has_its_own_price_and_what_was_billed_is_the_last_ones() -> None:
    failed = tried("house", None, error_class="APITimeoutError", estimated=True)
    refused = tried("mystery", None, error_class="RateLimitError", tokens=None)
    answered = tried("house", None)
    before = unknown(tried=(failed, refused, answered), bill={"service": "batch"})
    after = repriced(before, TARIFFS)
    assert after is not None
    assert [one.cost_nanousd for one in after.tried] == [35_000, None, 1_500]
    assert after.cost_nanousd == 36_500
    known = msgspec.structs.replace(before, tried=(msgspec.structs.replace(failed, cost_nanousd=1), answered))
    assert repriced(known, TARIFFS).cost_nanousd == 1_501, "only what has no price is priced"  # type: ignore[union-attr]
    assert repriced(known, TARIFFS, every=True).cost_nanousd == 36_500  # type: ignore[union-attr]
    lost = msgspec.structs.replace(before, tried=(tried("mystery", None), answered))
    assert repriced(lost, TARIFFS) is None, "one that is not known makes the sum unknown"
    broken = msgspec.structs.replace(before, tried=(failed,))
    assert repriced(broken, TARIFFS).cost_nanousd == 35_000, "nobody answered: the bill is nobody's"  # type: ignore[union-attr]


async def add_key(database: Database, id: str, spent: int = 0) -> None:
    blank = {column.name: 0 for column in KEYS.c if not (column.nullable or column.server_default)}
    texts = {"models": "[]", "aliases": "{}", "metadata": "{}", "minted_by": "", "name": "sk-..."}

    async def work(connection: AsyncConnection) -> None:
        said = {**blank, **texts, "id": id, "digest": id.encode(), "spend_nanousd": spent}
        await connection.execute(insert(KEYS).values(said))

    await database.run(work)


def mixed() -> list[Record]:
    """Entries of all kinds, of two keys, on three days."""
    answered, lost = tried("house", None), tried("mystery", None)
    known = tried("gpt-4.1", 40, deployment="other")
    return [
        *(unknown(day, key_id=key) for day in range(3) for key in ("k1", "k2")),
        unknown(1, key_id="gone", tokens={"input": 1, "output": 1}),
        unknown(1, model="mystery"),
        unknown(1, tokens=None, outcome="upstream_error"),
        unknown(2, group="slow", tried=(known, answered), estimated=True),
        unknown(2, group="slow", tried=(lost, answered)),
        unknown(2, cost_nanousd=3, priced="2025-01-01", key_id="k2"),
        unknown(2, model="mystery", cost_nanousd=11, key_id="k2"),
    ]


async def state(database: Database) -> tuple[list[Record], list[tuple[Any, ...]], Mapping[str, int]]:
    """Rows, sums by day, what keys spent."""
    found = [read_record(row) for row in await SpendReader(database).entries(Wanted(limit=10_000))]
    days = await rows(database, "SELECT * FROM daily ORDER BY day, key_id, model_group, provider, model")
    spent = await rows(database, "SELECT id, spend_nanousd FROM keys")
    return sorted(found, key=lambda one: one.id), days, dict(spent)  # type: ignore[arg-type]


@pytest.mark.parametrize("every", [False, True], ids=["unpriced", "priced too"])
async def test_sums_and_spend_stay_those_of_the_rows_and_again_changes_nothing(database: Database, every: bool) -> None:
    store, records = CostStore(database), mixed()
    for key in ("k1", "k2"):
        await add_key(database, key)
    EntryStore(database).fold(records)
    before = await state(database)
    span = Span(unpriced=not every)
    planned = await recompute(store, TARIFFS, span, write=False)
    assert await state(database) == before, "a dry run"
    done = await recompute(store, TARIFFS, span, write=True)
    assert done == planned
    found, days, spent = await state(database)
    expected = [repriced(one, TARIFFS, every=every) or one for one in before[0]]
    assert found == expected
    assert sum(one.cost_nanousd is None for one in before[0]) - sum(one.cost_nanousd is None for one in found) == 8
    assert days == day_rows(found)
    assert spent == {key: sum(one.cost_nanousd or 0 for one in found if one.key_id == key) for key in ("k1", "k2")}
    again = await recompute(store, TARIFFS, span, write=True)
    assert sum(one.changed for one in again.values()) == 0
    assert await state(database) == (found, days, spent)


async def test_the_sums_tell_what_was_looked_at_and_what_stays_unknown(database: Database) -> None:
    EntryStore(database).fold(mixed())
    sums = await recompute(CostStore(database), TARIFFS, Span(), write=True)
    assert sums == {
        ("openai", "house"): Sum(10, 8, 2, 0, 6 * 35_000 + 6_000 + 35_040),
        ("openai", "mystery"): Sum(1, 0, 1, 0, 0),
    }


async def test_only_the_days_and_the_model_that_are_named_are_touched(database: Database) -> None:
    EntryStore(database).fold([*(unknown(day) for day in range(4)), unknown(1, group="slow", model="other")])
    noon = NOON_NS / 10**9
    tariffs = priced_by(house=HOUSE, other=HOUSE)
    span = Span(since=noon + 86_400, until=noon + 3 * 86_400, model="house")
    assert (await recompute(CostStore(database), tariffs, span, write=True))["openai", "house"].changed == 2
    assert (await recompute(CostStore(database), tariffs, Span(model="slow"), write=True)).keys() == {
        ("openai", "other")
    }
    found, _, _ = await state(database)
    assert [one.cost_nanousd for one in found] == [None, 35_000, 35_000, 35_000, None]


async def test_more_than_a_page_is_done_to_the_end(database: Database) -> None:
    records = [unknown(model="mystery" if n % 3 else "house") for n in range(PAGE + 10)]
    EntryStore(database).fold(records)
    sums = await recompute(CostStore(database), TARIFFS, Span(), write=True)
    assert sum(one.looked_at for one in sums.values()) == PAGE + 10
    assert sums["openai", "house"].changed == sum(one.model == "house" for one in records)


async def test_of_two_at_once_one_counts(database: Database) -> None:
    await add_key(database, "k1")
    EntryStore(database).fold([unknown(day) for day in range(20)])
    stores = [CostStore(database) for _ in range(4)]
    done = await asyncio.gather(*(recompute(store, TARIFFS, Span(), write=True) for store in stores))
    assert sum(sums["openai", "house"].changed for sums in done if sums) == 20
    found, days, spent = await state(database)
    assert days == day_rows(found)
    assert spent == {"k1": 20 * 35_000}


async def test_an_entry_that_was_removed_meanwhile_is_passed_over(database: Database) -> None:
    kept, removed = unknown(1), unknown(0)
    await add_key(database, "k1")
    EntryStore(database).fold([kept, removed])
    EntryStore(database).remove_before(NOON_NS / 10**9 + 3600, 100)
    corrections = [Correction(one, msgspec.structs.replace(one, cost_nanousd=5)) for one in (kept, removed)]
    assert [one.before.id for one in await CostStore(database).correct(corrections)] == [kept.id]
    assert (await state(database))[2] == {"k1": 5}


async def test_what_is_of_a_period_that_has_passed_does_not_count_to_this_one(database: Database) -> None:
    await add_key(database, "k1")
    began = NOON_NS / 10**9 + 86_400
    await rows(database, "UPDATE keys SET budget_began_at = :began, spend_nanousd = 7 RETURNING id", began=began)
    EntryStore(database).fold([unknown(0), unknown(2)])
    await recompute(CostStore(database), TARIFFS, Span(), write=True)
    assert (await state(database))[2] == {"k1": 7 + 35_000}


async def test_who_holds_the_key_in_memory_hears_that_its_spend_changed(database: Database) -> None:
    await add_key(database, "k1")
    await add_key(database, "idle")
    keys = KeyStore(database)
    EntryStore(database).fold([unknown()])
    since = (await keys.changes(None)).newest
    was = await keys.get("k1")
    assert was is not None
    await recompute(CostStore(database), TARIFFS, Span(), write=True)
    assert (await keys.changes(since)).ids == {"k1"}
    now = await keys.get("k1")
    assert now is not None
    assert (now.spend_nanousd, now.updated_at > was.updated_at) == (35_000, True)


def test_time_that_was_charged_is_charged_again_to_the_nanosecond_and_not_what_the_first_event_waited_for() -> None:
    tariffs = priced_by(timed=Tariff({"input": 0, "output": 0, "per_second": 7 * 10**14}, "config"))
    charged = unknown(model="timed", stream=True, upstream_ms=3.0, duration_ms=9_000.0, bill={"took_us": 1_234_567})
    uncharged = unknown(model="timed", stream=True, upstream_ms=3.0, duration_ms=2_000.0)
    for entry, microseconds in ((charged, 1_234_567), (uncharged, 2_000_000)):
        after = repriced(entry, tariffs)
        assert after is not None
        assert after.cost_nanousd == microseconds * 700
