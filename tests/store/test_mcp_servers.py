"""The store of MCP servers that were added over the API, on SQLite and on PostgreSQL."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import rows
from tollbridge.errors import ConflictError
from tollbridge.store.database import Database
from tollbridge.store.mcp_servers import McpServerStore
from tollbridge.store.mcp_table import MCP_SERVERS

PEPPER = bytes(range(32))
SAID = {"url": "https://x.example/mcp/hush", "static_headers": {"x-key": "hush"}}


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> McpServerStore:
    return McpServerStore(database, PEPPER, clock)


async def test_a_server_comes_back_as_it_went_in_and_tells_nothing_meanwhile(
    store: McpServerStore, database: Database
) -> None:
    kept = await store.insert("1", "one", SAID, "master")
    assert (kept.said, kept.revision, kept.created_by) == (SAID, 1, "master")
    assert await store.list() == (kept,)
    assert "hush" not in repr(kept)
    ((sealed,),) = await rows(database, "SELECT sealed FROM mcp_servers")
    assert b"hush" not in bytes(sealed)
    assert b"example" not in bytes(sealed)


async def test_a_change_makes_a_later_revision(store: McpServerStore, clock: Clock) -> None:
    kept = await store.insert("1", "one", SAID, "master")
    clock.now += 5
    changed = await store.update(kept, "uno", {"command": "x"}, "other")
    assert changed is not None
    assert (changed.name, changed.revision, changed.created_by, changed.updated_by) == ("uno", 2, "master", "other")
    assert changed.updated_at - changed.created_at == 5
    assert await store.list() == (changed,)
    assert await store.revisions() == {"1": 2}
    assert await store.delete("1")
    assert not await store.delete("1")
    assert await store.revisions() == {}
    assert await store.update(changed, "uno", {}, "other") is None


async def test_names_and_ids_are_there_once(store: McpServerStore) -> None:
    first = await store.insert("1", "one", SAID, "master")
    await store.insert("2", "two", SAID, "master")
    with pytest.raises(ConflictError):
        await store.insert("3", "one", SAID, "master")
    with pytest.raises(ConflictError):
        await store.insert("2", "three", SAID, "master")
    with pytest.raises(ConflictError):
        await store.update(first, "two", SAID, "master")
    assert [kept.name for kept in await store.list()] == ["one", "two"]


async def test_of_two_changes_of_one_revision_the_second_is_told(store: McpServerStore) -> None:
    kept = await store.insert("1", "one", SAID, "master")
    await store.update(kept, "one", {"command": "a"}, "master")
    with pytest.raises(ConflictError, match="Somebody else"):
        await store.update(kept, "one", {"command": "b"}, "master")
    assert (await store.list())[0].said == {"command": "a"}


async def test_what_is_of_another_pepper_or_another_row_does_not_open(
    store: McpServerStore, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await store.insert("1", "one", SAID, "master")
    await store.insert("2", "two", SAID, "master")
    with caplog.at_level(logging.ERROR, logger="tollbridge.mcp"):
        assert await McpServerStore(database, bytes(32)).list() == ()
    assert "'one' was kept under another pepper" in caplog.text

    async def moved(connection: AsyncConnection) -> None:
        sealed = await connection.scalar(text("SELECT sealed FROM mcp_servers WHERE id = '1'"))
        await connection.execute(update(MCP_SERVERS).where(MCP_SERVERS.c.id == "2").values(sealed=sealed))

    await database.run(moved)
    assert [kept.name for kept in await store.list()] == ["one"]
