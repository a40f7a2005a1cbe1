"""What OAuth keeps, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import logging

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import rows
from tollbridge.store.database import Database
from tollbridge.store.oauth import CLEANED_EVERY_S, Note, OAuthStore

PEPPER = bytes(range(32))


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> OAuthStore:
    return OAuthStore(database, PEPPER, clock)


def token(owner: str = "ada", about: str = "one", until: float | None = None) -> Note:
    return Note(kind="token", owner=owner, about=about, content={"access": "hush"}, expires_at=until)


async def test_a_note_comes_back_as_it_went_in_and_tells_nothing_meanwhile(
    store: OAuthStore, database: Database
) -> None:
    await store.put("hidden-name", token())
    found = await store.get("token", "hidden-name")
    assert found is not None
    assert (found.content, found.owner, found.about) == ({"access": "hush"}, "ada", "one")
    assert "hush" not in repr(found)
    assert await store.get("code", "hidden-name") is None
    ((id, sealed),) = await rows(database, "SELECT id, sealed FROM oauth")
    assert b"hush" not in bytes(sealed)
    assert b"hidden-name" not in bytes(id)


async def test_of_many_who_take_a_note_at_once_one_gets_it(store: OAuthStore) -> None:
    await store.put("x", token())
    taken = await asyncio.gather(*(store.take("token", "x") for _ in range(10)))
    assert sum(note is not None for note in taken) == 1
    assert await store.get("token", "x") is None
    assert not await store.forget("token", "x")


async def test_of_many_who_swap_a_note_at_once_one_does(store: OAuthStore) -> None:
    await store.put("x", token())
    former = await store.get("token", "x")
    assert former is not None
    swapped = await asyncio.gather(*(store.swap("x", former, token(about=str(one))) for one in range(10)))
    assert sum(swapped) == 1
    now = await store.get("token", "x")
    assert now is not None
    assert now.about == str(swapped.index(True))


async def test_what_expired_is_not_there_and_goes_when_another_is_kept(
    store: OAuthStore, database: Database, clock: Clock
) -> None:
    await store.put("x", token(until=clock.now + 10))
    assert await store.get("token", "x") is not None
    clock.now += 10
    assert await store.get("token", "x") is None
    assert await store.take("token", "x") is None
    assert await store.list("token") == ()
    clock.now += CLEANED_EVERY_S
    await store.put("y", token())
    assert len(await rows(database, "SELECT id FROM oauth")) == 1


async def test_notes_are_listed_by_whose_they_are_and_what_they_are_about(store: OAuthStore) -> None:
    for owner, about in (("ada", "one"), ("ada", "two"), ("bob", "one")):
        await store.put(f"{owner} {about}", token(owner, about))
    assert [(note.owner, note.about) for note in await store.list("token", "ada")] == [("ada", "one"), ("ada", "two")]
    assert [note.owner for note in await store.list("token", about="one")] == ["ada", "bob"]
    assert len(await store.list("token")) == 3


async def test_a_note_that_was_given_to_another_does_not_open(
    store: OAuthStore, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await store.put("x", token("ada"))

    async def steal(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE oauth SET owner = 'eve'"))

    await database.run(steal)
    with caplog.at_level(logging.ERROR):
        assert await store.get("token", "x") is None
        assert await store.list("token", "eve") == ()
    assert "another pepper" in caplog.text
