"""A whole gateway with MCP, a database and keys, on a free port of the loopback.

async with gateway({"mcp_servers": {...}}, tmp_path) as served:
    await served.get("/v1/mcp/server", key=await served.key(mcp_servers=["one"]))
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.server.served import Answered
from tollbridge.assemble.accounts import Accounts
from tollbridge.assemble.gateway import Assembled, limits
from tollbridge.cli.process import application
from tollbridge.config.load import load
from tollbridge.home import Home
from tollbridge.server.http.listener import Listener
from tollbridge.server.identify import MasterKey
from tollbridge.store.key import Key

MASTER = "sk-tb-test-0123456789-abcdef"


class Gateway:
    def __init__(
        self, listener: Listener, assembled: Assembled, accounts: Accounts, session: aiohttp.ClientSession
    ) -> None:
        self.url = listener.url
        self.assembled = assembled
        self.accounts = accounts
        self._session = session

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = MASTER,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        sent = dict(headers or {})
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        data = None if body is None else json.dumps(body).encode()
        async with self._session.request(method, self.url + path, data=data, headers=sent) as answer:
            return Answered(answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read())

    async def get(self, path: str, *, key: str | None = MASTER, status: int = 200) -> Any:
        answered = await self.send("GET", path, key=key)
        assert answered.status == status, answered.body
        return answered.json()

    async def post(self, path: str, body: Any, *, key: str | None = MASTER, status: int = 200) -> Any:
        answered = await self.send("POST", path, body, key=key)
        assert answered.status == status, answered.body
        return answered.json()

    async def key(self, *, permission: Mapping[str, Any] | None = None, **said: Any) -> str:
        """A key, with rights to MCP servers."""
        made: dict[str, Any] = await self.post("/key/generate", said)
        if permission is not None:

            def changed(key: Key) -> Key:
                return msgspec.structs.replace(key, metadata={**key.metadata, "object_permission": dict(permission)})

            await self.accounts.keys.update(made["token"], changed)
            self.accounts.keyring.forget(made["token"])
        return str(made["key"])

    async def entries(self, number: int) -> list[dict[str, Any]]:
        """The ledger's, as soon as there are so many."""
        async with asyncio.timeout(20):
            while len(found := await self.get("/spend/logs")) < number:
                await asyncio.sleep(0.02)
        told: list[dict[str, Any]] = found
        return told


@asynccontextmanager
async def gateway(
    config: Mapping[str, Any], directory: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Gateway]:
    """JSON is YAML too."""
    directory.mkdir(exist_ok=True)
    file = directory / "config.yaml"
    file.write_text(json.dumps(config))
    loaded = load(file, environ or {})
    assert loaded.config is not None, [str(finding) for finding in loaded.findings]
    home = Home(directory / "home")
    with application(loaded.config, {"PATH": "/usr/bin:/bin", **loaded.environ}, home, MasterKey(MASTER), "none") as (
        app,
        assembled,
        accounts,
    ):
        listener = await Listener.open(app, port=0, limits=limits(loaded.config))
        accounts.start()
        try:
            async with aiohttp.ClientSession() as session:
                yield Gateway(listener, assembled, accounts, session)
        finally:
            await listener.close()
            await assembled.gateway.engine.transport.close()
            if assembled.mcp is not None:
                await assembled.mcp.close()
            await accounts.stop()
