"""A whole gateway with everything that a serving process opens: database, keys, limits, ledger, journal, request log.

async with accounted(configuration(entry("m", port)), tmp_path) as gateway:
    made = await gateway.made(models=["m"])
    await gateway.send("POST", CHAT, ask(), key=made["key"])
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.databases import furnish
from tests.server.served import KEY, Kept, Served
from tollbridge.assemble.accounts import Accounts
from tollbridge.assemble.gateway import limits
from tollbridge.assemble.mcp_room import McpRoom
from tollbridge.cli.process import application
from tollbridge.config.load import load
from tollbridge.home import Home
from tollbridge.server.app import App
from tollbridge.server.http.listener import Listener
from tollbridge.server.identify import MasterKey
from tollbridge.server.routes import Route


class Accounted(Served):
    """`home`: the state directory. `log`: the request log."""

    app: App
    mcp: McpRoom | None
    accounts: Accounts
    home: Path
    log: Path

    async def routes(self) -> tuple[Route, ...]:
        """All, with those of the room that opens when somebody first asks there."""
        answered = await self.send("GET", "/v1/mcp/server")
        assert answered.status == 200, answered.body
        return self.app._routes.routes

    async def made(self, **body: Any) -> dict[str, Any]:
        """A new key, as the answer tells of it."""
        answered = await self.send("POST", "/key/generate", body)
        assert answered.status == 200, answered.body
        told: dict[str, Any] = answered.json()
        return told


@asynccontextmanager
async def accounted(
    text: str, directory: Path, *, environ: Mapping[str, str] | None = None, alone: bool = False
) -> AsyncIterator[Accounted]:
    """`alone`: no other process has the same database, and nobody looks for what others spent."""
    directory.mkdir(exist_ok=True)
    path = directory / "config.yaml"
    path.write_text(text)
    loaded = load(path, environ or {})
    assert loaded.config is not None, [str(finding) for finding in loaded.findings]
    home, log = Home(furnish(directory / "home")), directory / "requests.log"
    with application(loaded.config, loaded.environ, home, MasterKey(KEY), str(log)) as (app, assembled, accounts):
        gateway, kept = assembled.gateway, Kept()
        gateway.observers = (*gateway.observers, kept)
        listener = await Listener.open(app, port=0, limits=limits(loaded.config))
        accounts.start(alone=alone)
        try:
            async with aiohttp.ClientSession() as session:
                served = Accounted(listener, gateway, kept, session)
                served.mcp = assembled.mcp
                served.app, served.accounts, served.home, served.log = app, accounts, home.path, log
                yield served
        finally:
            await listener.close()
            await assembled.mcp.close()
            await gateway.engine.transport.close()
            await accounts.stop()
