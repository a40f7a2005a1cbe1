"""The store of replies, on SQLite and on PostgreSQL."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import rows
from tollbridge.home import Home
from tollbridge.store import replies
from tollbridge.store.database import Database
from tollbridge.store.replies import CLEANED_EVERY_S, KEPT_S, Kept, Reply, ReplyStore

KEY = bytes(range(32))
REPLY = Reply(200, ((b"content-type", b"application/json"),), b'{"secret answer": "\xc3\xbc"}')
OTHER = Reply(201, (), b"another")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> ReplyStore:
    return ReplyStore(database, KEY, clock)


async def test_a_reply_comes_back_as_it_went_in(store: ReplyStore) -> None:
    id, printed = store.id(b"key1", b"/v1/chat/completions", b"k"), store.fingerprint(b"{}")
    assert await store.get(id) is None
    await store.keep(id, printed, REPLY)
    assert await store.get(id) == Kept(printed, REPLY)
    assert await store.get(store.id(b"key2", b"/v1/chat/completions", b"k")) is None


async def test_a_reply_survives_a_restart(database_url: str, clock: Clock) -> None:
    for turn in range(2):
        database = Database.open(database_url)
        store = ReplyStore(database, KEY, clock)
        id = store.id(b"key1", b"/", b"k")
        if turn == 0:
            await store.keep(id, b"print", REPLY)
        assert await store.get(id) == Kept(b"print", REPLY)
        database.close()


async def test_the_first_reply_stays(store: ReplyStore) -> None:
    await store.keep(b"id", b"print", REPLY)
    await store.keep(b"id", b"other print", OTHER)
    assert await store.get(b"id") == Kept(b"print", REPLY)


async def test_a_reply_lasts_a_day(store: ReplyStore, clock: Clock) -> None:
    await store.keep(b"id", b"print", REPLY)
    clock.now += KEPT_S - 1
    assert await store.get(b"id") is not None
    clock.now += 1
    assert await store.get(b"id") is None
    await store.keep(b"id", b"print", OTHER)
    assert await store.get(b"id") == Kept(b"print", OTHER)


async def test_expired_rows_are_cleaned_by_who_keeps_a_new_one(
    store: ReplyStore, database: Database, clock: Clock
) -> None:
    for number in range(20):
        await store.keep(b"%d" % number, b"print", REPLY)
    clock.now += KEPT_S
    await store.keep(b"new", b"print", REPLY)
    assert await rows(database, "SELECT count(*) FROM replies") == [(1,)]


async def test_above_a_bound_the_oldest_are_cleaned(
    store: ReplyStore, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "KEPT_MAX", 5)
    for number in range(20):
        clock.now += 1
        await store.keep(b"%02d" % number, b"print", REPLY)
    clock.now += CLEANED_EVERY_S
    await store.keep(b"new", b"print", REPLY)
    assert await rows(database, "SELECT count(*) FROM replies") == [(6,)]
    assert await store.get(b"14") is None
    assert await store.get(b"15") is not None


async def test_who_has_the_database_alone_reads_nothing(store: ReplyStore, database: Database) -> None:
    id = store.id(b"key-id-of-somebody", b"/v1/messages", b"order-4711")
    await store.keep(id, store.fingerprint(b"a prompt"), REPLY)
    found = str(await rows(database, "SELECT * FROM replies"))
    for told in ("secret", "order-4711", "somebody", "messages", "prompt", "json"):
        assert told not in found


async def test_what_was_tampered_with_is_no_answer_and_is_thrown_away(
    store: ReplyStore, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    damages: list[tuple[str, dict[str, bytes], bytes]] = [
        ("fingerprint = :other", {"other": b"other"}, b"id"),
        ("expires_at = expires_at + 1", {}, b"id"),
        ("id = :other", {"other": b"other"}, b"other"),
        ("sealed = :other", {"other": b"x" * 64}, b"id"),
        ("sealed = :other", {"other": b"x"}, b"id"),
    ]
    for change, values, id in damages:
        await store.keep(b"id", b"print", REPLY)
        assert await store.get(b"id") == Kept(b"print", REPLY)
        await database.run(partial(_changed, statement=f"UPDATE replies SET {change}", values=values))
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert await store.get(id) is None, change
        assert "does not open" in caplog.text
        assert await rows(database, "SELECT count(*) FROM replies") == [(0,)]


async def _changed(connection: AsyncConnection, *, statement: str, values: dict[str, bytes]) -> None:
    await connection.execute(text(statement), values)


async def test_an_answer_that_was_moved_to_another_row_does_not_open(store: ReplyStore, database: Database) -> None:
    await store.keep(b"mine", b"print", REPLY)
    await store.keep(b"theirs", b"print", OTHER)
    swap = "UPDATE replies SET sealed = (SELECT sealed FROM replies WHERE id = :theirs) WHERE id = :mine"
    await database.run(partial(_changed, statement=swap, values={"mine": b"mine", "theirs": b"theirs"}))
    assert await store.get(b"mine") is None


async def test_under_another_reply_key_nothing_opens(store: ReplyStore, database: Database, clock: Clock) -> None:
    await store.keep(b"id", b"print", REPLY)
    assert await ReplyStore(database, bytes(32), clock).get(b"id") is None


async def test_the_parts_of_a_scope_do_not_run_into_one_another(store: ReplyStore) -> None:
    assert store.id(b"ab", b"c", b"") != store.id(b"a", b"bc", b"")
    assert store.id(b"a", b"b", b"c") != store.id(b"a", b"b\0c")


def test_the_key_is_made_once(tmp_path: Path) -> None:
    key = Home(tmp_path).reply_key()
    assert Home(tmp_path).reply_key() == key
    assert len(key) == 32
    assert Home(tmp_path).seal_key() != key
