"""Responses in the background among two processes of the gateway, as on two machines, that share a PostgreSQL and their
secrets: each shows, follows and cancels what the other runs, and tells what became of it when the other is killed."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import update

from bench.mock_upstream import Mock, serving
from tests.databases import fresh_postgresql, furnish, migrated_postgresql
from tests.server.faults import configuration, entry
from tests.server.test_faults_processes import KEY, PATIENCE_S, Serving, start
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.response_table import RESPONSES as TABLE

RESPONSES = "/v1/responses"
SECRETS = ("pepper", "seal_key", "reply_key")


class Two:
    def __init__(self, gateways: list[Serving], mock: Mock, database: str, client: aiohttp.ClientSession) -> None:
        self.first, self.second = gateways
        self.mock = mock
        self.database = database
        self.client = client

    async def begun(self, **more: Any) -> str:
        body = {"model": "m", "input": "One?", "background": True, **more}
        async with self.client.post(self.first.url + RESPONSES, json=body) as answered:
            assert answered.status == 200
            return str((await answered.json())["id"])

    async def shown(self, by: Serving, id: str) -> dict[str, Any]:
        async with self.client.get(f"{by.url}{RESPONSES}/{id}") as answered:
            assert answered.status == 200
            told: dict[str, Any] = await answered.json()
            return told

    async def cancelled(self, by: Serving, id: str) -> dict[str, Any]:
        async with self.client.post(f"{by.url}{RESPONSES}/{id}/cancel") as answered:
            assert answered.status == 200
            told: dict[str, Any] = await answered.json()
            return told

    async def ended(self, by: Serving, id: str) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_S
        while (told := await self.shown(by, id))["status"] in ("queued", "in_progress"):
            assert time.monotonic() < until, told
            await asyncio.sleep(0.05)
        return told

    async def a_minute_passes(self) -> None:
        """For the database: nothing was heard for that long of what runs."""
        database = Database.open(self.database)

        async def work(connection: AsyncConnection) -> int:
            return (await connection.execute(update(TABLE).values(alive_until=time.time() - 1))).rowcount

        assert await database.run(work)
        await asyncio.to_thread(database.close)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    database = fresh_postgresql(migrated_postgresql())
    async with AsyncExitStack() as stack:
        mock = await stack.enter_async_context(serving())
        model = entry("m", mock.port, model="openai/mock,delay_ms=1500,events=9,pace_ms=20", info={"mode": "chat"})
        slow = entry("slow", mock.port, model="openai/mock,delay_ms=60000", info={"mode": "chat"})
        config = configuration(model, slow, general={"database_url": database})
        started = []
        for name in ("one", "two"):
            directory = tmp_path / name
            directory.mkdir()
            home = furnish(directory / "home")
            if started:
                for secret in SECRETS:
                    shutil.copy(tmp_path / "one" / "home" / secret, home / secret)
            one = await start(directory, config)
            started.append(one)
            stack.push_async_callback(killed, one)
            await one.says("Stop with Ctrl-C")
        client = await stack.enter_async_context(aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}))
        yield Two(started, mock, database, client)


async def killed(gateway: Serving) -> None:
    if gateway.process.returncode is None:
        gateway.process.kill()
    await gateway.process.wait()


async def test_each_process_shows_follows_and_cancels_what_the_other_runs(two: Two) -> None:
    id = await two.begun()
    assert (await two.shown(two.second, id))["status"] == "in_progress"
    assert (await two.ended(two.second, id)) == (await two.ended(two.first, id))
    assert (await two.shown(two.first, id))["status"] == "completed"

    id = await two.begun(model="slow")
    assert (await two.cancelled(two.second, id))["status"] == "cancelled"
    assert (await two.ended(two.first, id))["status"] == "cancelled"

    body = {"model": "m", "input": "One?", "background": True, "stream": True}
    async with two.client.post(two.first.url + RESPONSES, json=body) as answered:
        seen = await answered.read()
    id = seen.partition(b'"id":"')[2].partition(b'"')[0].decode()
    async with two.client.get(f"{two.second.url}{RESPONSES}/{id}?stream=true") as answered:
        assert await answered.read() == seen


async def test_what_a_killed_process_ran_has_failed_within_a_minute(two: Two) -> None:
    id = await two.begun(model="slow")
    while not two.mock.provider.books.requests:
        await asyncio.sleep(0.02)
    two.first.process.kill()
    await two.first.process.wait()
    assert (await two.shown(two.second, id))["status"] == "in_progress"
    await two.a_minute_passes()
    told = await two.shown(two.second, id)
    assert (told["status"], told["error"]["code"]) == ("failed", "server_error")
    assert await two.shown(two.second, id) == told
