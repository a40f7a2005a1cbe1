"""A key that is blocked from elsewhere, and a database that goes away, through a whole gateway."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.admin.managing import CHAT, PEPPER, managing
from tollbridge.store.database import Database


async def _command(url: str, home: Path, *arguments: str) -> str:
    """`tollbridge keys ...` in a process of its own."""
    environ = {
        **os.environ,
        "TOLLBRIDGE_DATABASE_URL": url,
        "TOLLBRIDGE_PEPPER": PEPPER.hex(),
        "TOLLBRIDGE_HOME": str(home),
    }
    program = str(Path(sys.executable).with_name("tollbridge"))
    process = await asyncio.create_subprocess_exec(
        program, "keys", *arguments, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, told = await process.communicate()
    assert process.returncode == 0, told
    return said.decode()


async def test_a_gateway_that_follows_obeys_the_command_line(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(key_alias="a")
        following = asyncio.ensure_future(gateway.ring.follow())
        assert (await gateway.asks(made["key"])).status == 200
        await _command(database_url, tmp_path, "block", "a")
        while (refused := await gateway.asks(made["key"])).status == 200:
            await asyncio.sleep(0.02)
        assert (refused.status, refused.json()["error"]["code"]) == (401, "key_blocked")
        new = (await _command(database_url, tmp_path, "generate")).split()[1]
        assert (await gateway.asks(new)).status == 200
        following.cancel()


async def test_without_the_database_known_keys_are_served_and_others_told_to_come_back(
    database: Database, tmp_path: Path
) -> None:
    """P8: 503 and when to try again, in the dialect of the route; never 401."""
    async with managing(database, tmp_path) as gateway:
        known, unseen = await gateway.made(), await gateway.made()
        assert (await gateway.asks(known["key"])).status == 200
        await asyncio.to_thread(database.close)
        assert (await gateway.asks(known["key"])).status == 200
        refused = await gateway.asks(unseen["key"])
        assert (refused.status, refused.json()["error"]["code"]) == (503, "key_lookup_unavailable")
        assert refused.headers["retry-after"] == "1"
        anthropic = await gateway.send("POST", "/v1/messages", {}, key=unseen["key"])
        assert (anthropic.status, anthropic.json()["type"]) == (503, "error")
        assert (await gateway.send("POST", CHAT, {}, key="not a key")).status == 401
        assert (await gateway.send("GET", "/v1/models")).status == 200, "the master key needs no database"
        assert (await gateway.send("GET", "/key/list")).status == 503
