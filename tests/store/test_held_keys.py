"""Transactions that change the same keys of a PostgreSQL, each in an order of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import fresh_postgresql, migrated_postgresql, rows
from tests.ledger.records import record
from tollbridge.store.database import Database
from tollbridge.store.key import Key
from tollbridge.store.key_spend import count_spend
from tollbridge.store.keys import KeyStore

FIRST, SECOND = "aaaaaaaa", "bbbbbbbb"


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database.open(fresh_postgresql(migrated_postgresql()))
    yield opened
    opened.close()


async def waiting(database: Database, count: int) -> None:
    """Until so many transactions wait for a lock."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while await rows(database, asked) != [(count,)]:
        await asyncio.sleep(0.005)


async def spend(connection: AsyncConnection) -> None:
    await count_spend(connection, [record(key_id=FIRST, cost_nanousd=2), record(key_id=SECOND, cost_nanousd=3)], 1.0)


@pytest.mark.parametrize("counted_first", [True, False])
@pytest.mark.parametrize("how", ["touch", "delete"])
async def test_who_counts_spend_and_who_changes_the_same_keys_wait_for_one_another_and_not_for_ever(
    database: Database, how: str, counted_first: bool
) -> None:
    keys = KeyStore(database)
    await keys.insert(Key(id=SECOND, digest=b"2", name="k", budget_duration="1d"))
    await keys.insert(Key(id=FIRST, digest=b"1", name="k"))
    held, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def keep_first(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT id FROM keys WHERE id = :id FOR UPDATE"), {"id": FIRST})
        loop.call_soon_threadsafe(held.set)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(release.wait(), loop))

    async def changed() -> None:
        if how == "delete":
            await keys.delete([SECOND, FIRST])
        else:
            await database.run(lambda connection: keys.touch(connection, [SECOND, FIRST]))

    async def counted() -> None:
        await database.run(spend)

    keeping = asyncio.create_task(database.run(keep_first))
    await held.wait()
    both: list[asyncio.Task[None]] = []
    for one in (counted, changed) if counted_first else (changed, counted):
        both.append(asyncio.create_task(one()))
        await waiting(database, len(both))
    release.set()
    await asyncio.gather(keeping, *both)
    left = [] if how == "delete" else [(FIRST, 2), (SECOND, 3)]
    assert await rows(database, "SELECT id, spend_nanousd FROM keys ORDER BY id") == left
