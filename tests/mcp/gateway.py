"""A whole gateway with MCP, a database and keys, on a free port of the loopback.

async with gateway({"mcp_servers": {...}}, tmp_path) as served:
    await served.get("/v1/mcp/server", key=await served.key(permission={"mcp_servers": ["one"]}))
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.server.accounted import Accounted, accounted
from tests.server.served import KEY, Answered
from tollbridge.mcp.hub import Hub


class Gateway:
    def __init__(self, served: Accounted) -> None:
        self._served = served
        self.url = served.url
        self.accounts = served.accounts

    @property
    def hub(self) -> Hub:
        assert self._served.mcp is not None
        assert self._served.mcp.endpoint is not None
        return self._served.mcp.endpoint.hub

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = KEY,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        data = None if body is None else json.dumps(body).encode()
        return await self._served.send(method, path, data, headers, key=key)

    async def get(self, path: str, *, key: str | None = KEY, status: int = 200) -> Any:
        answered = await self.send("GET", path, key=key)
        assert answered.status == status, answered.body
        return answered.json()

    async def post(self, path: str, body: Any, *, key: str | None = KEY, status: int = 200) -> Any:
        answered = await self.send("POST", path, body, key=key)
        assert answered.status == status, answered.body
        return answered.json()

    async def key(self, *, permission: Mapping[str, Any] | None = None, **said: Any) -> str:
        """A key, with rights to MCP servers."""
        made = await self._served.made(**said, object_permission=permission)
        return str(made["key"])

    async def entries(self, number: int) -> list[dict[str, Any]]:
        """The ledger's, as soon as there are so many."""
        async with asyncio.timeout(20):
            while len(found := await self.get("/spend/logs")) < number:
                await asyncio.sleep(0.02)
        told: list[dict[str, Any]] = found
        return told


@asynccontextmanager
async def gateway(config: Mapping[str, Any], directory: Path) -> AsyncIterator[Gateway]:
    """JSON is YAML too."""
    async with accounted(json.dumps(config), directory) as served:
        yield Gateway(served)
