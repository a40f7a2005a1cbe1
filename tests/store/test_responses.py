"""The store of responses, on SQLite and on PostgreSQL."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import rows
from tollbridge.store import responses
from tollbridge.store.database import Database
from tollbridge.store.responses import ALIVE_S, CLEANED_EVERY_S, KEPT_S, KeptResponse, ResponseStore

KEY = bytes(range(32))


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> ResponseStore:
    return ResponseStore(database, KEY, clock)


def kept(word: str, previous: str | None = None) -> KeptResponse:
    return KeptResponse(b'{"said": "%b"}' % word.encode(), b'["%b"]' % word.encode(), previous)


async def test_a_response_comes_back_as_it_went_in_to_its_tenant_alone(store: ResponseStore) -> None:
    await store.keep("key1", "resp_1", kept("secret"))
    assert await store.get("key1", "resp_1") == kept("secret")
    assert await store.get("key2", "resp_1") is None
    assert await store.get("key1", "resp_2") is None


async def test_a_tenant_is_cleaned_up_once_in_a_while(
    store: ResponseStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned = 0
    clean = responses._clean

    async def counted(*given: Any) -> None:
        nonlocal cleaned
        cleaned += 1
        await clean(*given)

    monkeypatch.setattr(responses, "_clean", counted)
    for number in range(40):
        await store.keep("key1", f"resp_{number}", kept("x"))
        clock.now += CLEANED_EVERY_S / 10
    assert cleaned == 4


async def test_a_chain_is_followed_to_its_beginning(store: ResponseStore) -> None:
    for number in range(4):
        await store.keep("key1", f"resp_{number}", kept(str(number), f"resp_{number - 1}" if number else None))
    assert await store.chain("key1", "resp_3") == [
        kept("0"),
        kept("1", "resp_0"),
        kept("2", "resp_1"),
        kept("3", "resp_2"),
    ]
    assert await store.chain("key2", "resp_3") is None


async def test_a_chain_with_a_gap_is_none(store: ResponseStore) -> None:
    await store.keep("key1", "resp_1", kept("1", "resp_0"))
    assert await store.chain("key1", "resp_1") is None
    assert await store.get("key1", "resp_1") is not None


async def test_a_chain_that_is_too_long_is_none(store: ResponseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "CHAIN_MAX", 2)
    for number in range(3):
        await store.keep("key1", f"resp_{number}", kept(str(number), f"resp_{number - 1}" if number else None))
    assert await store.chain("key1", "resp_1") is not None
    assert await store.chain("key1", "resp_2") is None


async def test_what_is_forgotten_is_gone(store: ResponseStore) -> None:
    await store.keep("key1", "resp_1", kept("x"))
    assert await store.forget("key2", "resp_1") is False
    assert await store.forget("key1", "resp_1") is True
    assert await store.forget("key1", "resp_1") is False
    assert await store.get("key1", "resp_1") is None


async def test_a_response_lasts_thirty_days_and_is_then_deleted(
    store: ResponseStore, database: Database, clock: Clock
) -> None:
    await store.keep("key1", "resp_1", kept("x"))
    clock.now += KEPT_S - 1
    assert await store.get("key1", "resp_1") is not None
    clock.now += 1
    assert await store.get("key1", "resp_1") is None
    await store.keep("key2", "resp_2", kept("y"))
    assert await rows(database, "SELECT count(*) FROM responses") == [(1,)]


async def test_above_a_tenants_bound_its_oldest_are_deleted(
    store: ResponseStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "KEPT_BY_OWNER_MAX", 3)
    await store.keep("other", "resp_0", kept("x"))
    for number in range(5):
        clock.now += CLEANED_EVERY_S
        await store.keep("key1", f"resp_{number}", kept("x"))
    found = [await store.get("key1", f"resp_{number}") is not None for number in range(5)]
    assert found == [False, False, True, True, True]
    assert await store.get("other", "resp_0") is not None


async def test_who_has_the_database_alone_reads_nothing(store: ResponseStore, database: Database) -> None:
    await store.keep("key-id-of-somebody", "resp_4711", kept("secret", "resp_4710"))
    found = str(await rows(database, "SELECT * FROM responses"))
    for told in ("secret", "4711", "4710", "somebody", "said"):
        assert told not in found


@pytest.mark.parametrize("change", ["sealed = :other", "expires_at = expires_at + 1", "owner = :other"])
async def test_what_was_tampered_with_counts_as_gone(
    store: ResponseStore, database: Database, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    await store.keep("key1", "resp_1", kept("x"))
    await database.run(partial(_changed, statement=f"UPDATE responses SET {change}"))
    with caplog.at_level(logging.WARNING):
        assert await store.get("key1", "resp_1") is None
    assert "does not open" in caplog.text


async def _changed(connection: AsyncConnection, *, statement: str) -> None:
    values = {"other": b"x" * 64} if ":other" in statement else {}
    await connection.execute(text(statement), values)


async def test_under_another_reply_key_nothing_opens(store: ResponseStore, database: Database, clock: Clock) -> None:
    await store.keep("key1", "resp_1", kept("x"))
    assert await ResponseStore(database, bytes(32), clock).get("key1", "resp_1") is None


async def test_what_runs_in_the_background_is_alive_as_long_as_its_process_says_so(
    store: ResponseStore, clock: Clock
) -> None:
    await store.keep("key1", "resp_1", kept("queued"), under_way=True)
    await store.keep("key1", "resp_2", kept("queued"), under_way=True)
    clock.now += ALIVE_S - 1
    assert await store.beat([("key1", "resp_1")]) == set()
    clock.now += 2
    first, second = await store.get("key1", "resp_1"), await store.get("key1", "resp_2")
    assert first is not None
    assert second is not None
    assert (first.alive_until, store.lost(first)) == (clock.now - 2 + ALIVE_S, False)
    assert store.lost(second)
    await store.end("key1", "resp_1", kept("done"))
    assert await store.get("key1", "resp_1") == kept("done")
    clock.now += KEPT_S / 2
    assert not store.lost(kept("done"))
    await store.beat([("key1", "resp_1")])  # it has ended: it is not said to be alive again
    assert await store.get("key1", "resp_1") == kept("done")


async def test_who_runs_one_hears_that_nobody_wants_it_any_more(store: ResponseStore) -> None:
    running = [("key1", f"resp_{number}") for number in range(3)]
    for owner, id in running:
        await store.keep(owner, id, kept("queued"), under_way=True)
    await store.cancel("key2", "resp_0")  # another tenant's
    assert await store.beat(running) == set()
    await store.cancel("key1", "resp_0")
    await store.forget("key1", "resp_1")
    assert await store.beat(running) == {("key1", "resp_0"), ("key1", "resp_1")}
    await store.end("key1", "resp_1", kept("done"))
    assert await store.get("key1", "resp_1") is None  # what was forgotten stays so
