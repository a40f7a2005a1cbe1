"""A client in the raw, of either era: what it is told is what was sent.

async with raw(gateway.url, modern=False, key=key) as one:
    answer = await one.ask("server", "tools/call", {"name": "echo"})     # "result" or "error", the id checked
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.server.served import KEY

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
META = "io.modelcontextprotocol/"
NAMED = ("name", "uri", "taskId")


class Raw:
    """`url`: whom it asks. `sessions`: those of a legacy client, by path. `status`: of the last answer."""

    def __init__(self, session: aiohttp.ClientSession, url: str, *, modern: bool, key: str) -> None:
        self._session = session
        self.url = url
        self._key = key
        self.modern = modern
        self._numbers = itertools.count(1)
        self.sessions: dict[tuple[str, str], str] = {}

    async def ask(
        self,
        server: str,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        servers: str = "",
        capabilities: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        id: Any = None,
    ) -> dict[str, Any]:
        """The answer: the last message of a stream."""
        if not self.modern and (server, servers) not in self.sessions:
            await self.shake_hands(server, servers, capabilities or {})
        sent = {**self.headers(server, servers, method, params or {}), **(headers or {})}
        number = next(self._numbers) if id is None else id
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params or {})}
        if self.modern:
            told = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": dict(capabilities or {})}
            body["params"]["_meta"] = {**told, **body["params"].get("_meta", {})}
        async with self._session.post(self.path(server), json=body, headers=sent) as answer:
            self.status = answer.status
            message = last_message(await answer.text())
        assert message.get("id") == number, message
        return message

    async def shake_hands(self, server: str, servers: str, capabilities: Mapping[str, Any]) -> None:
        params = {"protocolVersion": LEGACY, "capabilities": dict(capabilities), "clientInfo": {"name": "raw"}}
        body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        sent = self.headers(server, servers, "initialize", {})
        async with self._session.post(self.path(server), json=body, headers=sent) as answer:
            message = last_message(await answer.text())
            # a server that cannot be reached refuses the handshake; what is asked then is asked without a session
            self.sessions[server, servers] = answer.headers.get("Mcp-Session-Id", "")
            assert ("result" in message) == ("Mcp-Session-Id" in answer.headers)

    def path(self, server: str) -> str:
        return f"{self.url}/mcp{'/' if server else ''}{server}"

    def headers(self, server: str, servers: str, method: str, params: Mapping[str, Any]) -> dict[str, str]:
        sent = {"x-litellm-api-key": self._key, "Accept": "application/json, text/event-stream"}
        if servers:
            sent["x-mcp-servers"] = servers
        if not self.modern:
            session = self.sessions.get((server, servers))
            return {**sent, "Mcp-Session-Id": session} if session else sent
        sent |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if named := [params[name] for name in NAMED if name in params]:
            sent["Mcp-Name"] = named[0]
        return sent


def last_message(body: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(body.strip().rsplit("data: ", 1)[-1])
    return message


@asynccontextmanager
async def raw(url: str, *, modern: bool = True, key: str = KEY) -> AsyncIterator[Raw]:
    async with aiohttp.ClientSession() as session:
        yield Raw(session, url, modern=modern, key=key)
