"""What keys spent, counted with the ledger's entries, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from tests.databases import rows
from tests.ledger.records import record
from tollbridge.observe.record import Record
from tollbridge.observe.ulid import Ulids
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore

MIDNIGHT = 1_795_651_200.0  # 2026-11-26T00:00:00Z
DAY = 86_400.0


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(MIDNIGHT + 2)


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    return KeyStore(database, clock)


@pytest.fixture
def entries(database: Database, clock: Clock) -> EntryStore:
    return EntryStore(database, clock)


def key(id: str = "daily", **said: Any) -> Key:
    fields = {"budget_duration": "1d", "budget_resets_at": MIDNIGHT, **said}
    return Key(id=id, digest=id.encode(), name=id, **fields)


def made(moment: float, cost: int | None, key: str = "daily") -> Record:
    return record(id=Ulids(lambda: int(moment * 1e9)).next(), key_id=key, cost_nanousd=cost)


async def row(database: Database, id: str = "daily") -> tuple[Any, ...]:
    [found] = await rows(
        database, "SELECT spend_nanousd, budget_began_at, budget_resets_at FROM keys WHERE id = :id", id=id
    )
    return found


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_a_cost_counts_in_its_period_in_whatever_order_entries_are_folded(
    keys: KeyStore, entries: EntryStore, database: Database, order: tuple[int, ...]
) -> None:
    await keys.insert(key(spend_nanousd=5))
    batches = [
        [made(MIDNIGHT - 60, 10), made(MIDNIGHT - 0.001, 20), made(MIDNIGHT - 30, None)],
        [made(MIDNIGHT, 1), made(MIDNIGHT - 1, 40)],
        [made(MIDNIGHT + 1, 2)],
    ]
    for number in order:
        entries.fold(batches[number])
    assert await row(database) == (3, MIDNIGHT, MIDNIGHT + DAY)
    assert await rows(database, "SELECT SUM(cost_nanousd) FROM entries") == [(73,)]


async def test_a_period_that_passed_without_a_request_is_read_as_one_that_spent_nothing(
    keys: KeyStore, database: Database, clock: Clock
) -> None:
    clock.now = MIDNIGHT - 0.001
    await keys.insert(key(spend_nanousd=5, alias="a"))
    await keys.insert(key("other", spend_nanousd=3, budget_duration=None, budget_resets_at=None))
    assert [found.id for found in (await keys.list(sort="spend", descending=True)).keys] == ["daily", "other"]
    clock.now = MIDNIGHT + 3 * DAY
    listed = (await keys.list(sort="spend", descending=True)).keys
    assert [(found.id, found.spend_nanousd) for found in listed] == [("other", 3), ("daily", 0)]
    for found in (await keys.get("daily"), await keys.get_by_digest(b"daily"), await keys.get_by_alias("a"), listed[1]):
        assert found is not None
        assert (found.spend_nanousd, found.budget_began_at) == (0, MIDNIGHT + 3 * DAY)
        assert found.budget_resets_at == MIDNIGHT + 4 * DAY
    assert await row(database) == (5, None, MIDNIGHT)


async def test_a_change_after_a_passed_period_begins_the_present_one(
    keys: KeyStore, entries: EntryStore, database: Database
) -> None:
    await keys.insert(key(spend_nanousd=5))
    changed = await keys.update("daily", lambda old: msgspec.structs.replace(old, rpm=7))
    assert changed is not None
    assert (changed.spend_nanousd, changed.budget_resets_at) == (0, MIDNIGHT + DAY)
    assert await row(database) == (0, MIDNIGHT, MIDNIGHT + DAY)
    entries.fold([made(MIDNIGHT - 1, 40), made(MIDNIGHT + 1, 2)])
    assert await row(database) == (2, MIDNIGHT, MIDNIGHT + DAY)


async def test_a_duration_that_is_changed_or_taken_away_keeps_what_was_spent_since_the_period_began(
    keys: KeyStore, entries: EntryStore, database: Database, clock: Clock
) -> None:
    await keys.insert(key(budget_resets_at=MIDNIGHT - DAY))
    entries.fold([made(MIDNIGHT - 9, 10)])
    clock.now = MIDNIGHT - 5
    await keys.update(
        "daily", lambda old: msgspec.structs.replace(old, budget_duration="30d", budget_resets_at=MIDNIGHT + 5 * DAY)
    )
    clock.now = MIDNIGHT + 2
    entries.fold([made(MIDNIGHT - 8, 20), made(MIDNIGHT + 1, 3), made(MIDNIGHT - 2 * DAY, 100)])
    assert await row(database) == (33, MIDNIGHT - DAY, MIDNIGHT + 5 * DAY)
    await keys.update("daily", lambda old: msgspec.structs.replace(old, budget_duration=None, budget_resets_at=None))
    entries.fold([made(MIDNIGHT + 50 * DAY, 4), made(MIDNIGHT - 2 * DAY, 100)])
    assert await row(database) == (37, MIDNIGHT - DAY, None)


async def test_a_spend_that_was_set_is_not_added_to_by_what_was_settled_before(
    keys: KeyStore, entries: EntryStore, database: Database
) -> None:
    await keys.insert(key("plain", budget_duration=None, budget_resets_at=None, spend_nanousd=50))
    await keys.update("plain", lambda old: old.with_spend(1, MIDNIGHT))
    entries.fold([made(MIDNIGHT - 0.5, 100, "plain"), made(MIDNIGHT + 1, 2, "plain")])
    assert await row(database, "plain") == (3, MIDNIGHT, None)


async def test_each_change_has_a_later_moment_also_where_the_clock_steps_back(keys: KeyStore, clock: Clock) -> None:
    await keys.insert(key(updated_at=MIDNIGHT + 1))
    moments = [MIDNIGHT + 1]
    for now in (MIDNIGHT + 2, MIDNIGHT + 2, MIDNIGHT - 5):
        clock.now = now
        changed = await keys.update("daily", lambda old: old)
        assert changed is not None
        moments.append(changed.updated_at)
    assert moments == sorted(set(moments))


async def test_a_touch_is_a_later_moment_also_where_the_clock_stands_still(
    keys: KeyStore, database: Database, clock: Clock
) -> None:
    await keys.insert(key(updated_at=MIDNIGHT + 1))
    moments = [MIDNIGHT + 1]
    for now in (MIDNIGHT + 2, MIDNIGHT + 2, MIDNIGHT - 5):
        clock.now = now
        await database.run(lambda connection: keys.touch(connection, ["daily", "gone"]))
        moments += [moment for (moment,) in await rows(database, "SELECT updated_at FROM keys")]
    assert moments == sorted(set(moments))


async def test_two_that_fold_across_the_end_of_a_period_at_once_lose_nothing(
    keys: KeyStore, entries: EntryStore, database: Database, clock: Clock
) -> None:
    names = [f"key{n}" for n in range(6)]
    for n, name in enumerate(names):
        await keys.insert(key(name) if n % 2 else key(name, budget_duration=None, budget_resets_at=None))
    barrier = threading.Barrier(2)
    batches = [
        [[made(MIDNIGHT + shift, 1, name) for shift in (-1, 1) for name in names] for _ in range(15)] for _ in range(2)
    ]

    def fold(store: EntryStore, mine: list[list[Record]], backwards: bool) -> None:
        barrier.wait()
        for batch in mine:
            store.fold(batch[::-1] if backwards else batch)

    threads = [
        threading.Thread(target=fold, args=(EntryStore(database, clock), mine, bool(n)))
        for n, mine in enumerate(batches)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [await row(database, name) for name in names] == [
        (30, MIDNIGHT, MIDNIGHT + DAY) if n % 2 else (60, None, None) for n in range(6)
    ]


async def test_a_key_that_is_gone_is_passed_over(entries: EntryStore, database: Database) -> None:
    entries.fold([made(MIDNIGHT, 5, "gone")])
    assert await rows(database, "SELECT COUNT(*) FROM entries") == [(1,)]


async def test_for_keys_without_periods_one_sum_is_added(
    keys: KeyStore, entries: EntryStore, database: Database
) -> None:
    await keys.insert(key("plain", budget_duration=None, budget_resets_at=None))
    said: list[tuple[str, Any]] = []

    def heard(*call: Any) -> None:
        if "keys" in call[2]:
            said.append((call[2].split()[0], call[3]))

    event.listen(database._engine.sync_engine, "before_cursor_execute", heard)
    entries.fold([made(MIDNIGHT + n / 100, 5, "plain") for n in range(50)])
    assert [verb for verb, _ in said] == ["SELECT", "UPDATE"]
    assert 250 in said[1][1] or 250 in said[1][1][0]
    assert await row(database, "plain") == (250, None, None)
