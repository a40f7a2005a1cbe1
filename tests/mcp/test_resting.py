"""A server rests for whom it refused, and is there for everybody else."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.mcp.gateway import gateway
from tests.mcp.raw import LEGACY, META, Raw, last_message, raw
from tests.mcp.serving import everything, legacy_http, pypi

JUNK: list[dict[str, Any]] = [
    {"capabilities": {"elicitation": 5}, "clientInfo": {"name": "raw", "version": "1"}},
    {"capabilities": {"elicitation": {}}, "clientInfo": {"name": 5}},
]
GOOD: dict[str, Any] = {"capabilities": {"elicitation": {}}, "clientInfo": {"name": "raw", "version": "1"}}


async def greeted(one: Raw, server: str, said: dict[str, Any]) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": LEGACY, **said}}
    headers = one.headers(server, "", "initialize", {})
    async with aiohttp.ClientSession() as http, http.post(one.path(server), json=body, headers=headers) as answer:
        return last_message(await answer.text())


@pytest.mark.parametrize("junk", JUNK)
async def test_a_process_that_refuses_what_one_client_says_in_the_handshake_is_there_for_others(
    tmp_path: Path, junk: dict[str, Any]
) -> None:
    servers = {"time": {**pypi("mcp-server-time").configured(), "protocol_version": LEGACY}}
    async with gateway({"mcp_servers": servers}, tmp_path) as served, raw(served.url, modern=False) as one:
        assert "Invalid request parameters" in (await greeted(one, "time", junk))["error"]["message"]
        assert "result" in await greeted(one, "time", GOOD)
        assert "get_current_time" in str(await one.ask("time", "tools/list"))
        rest = served.hub.upstreams["time"].links.resting
        assert rest.why is None
        assert len(rest._brought) == 1  # for who says it again


async def test_what_one_client_says_wrong_in_the_handshake_does_not_tell_what_a_server_speaks(tmp_path: Path) -> None:
    with everything() as sdk:
        config = {"general_settings": {"mcp_api_hosts": ["127.0.0.1"]}, "mcp_servers": {"sdk": {"url": sdk.url}}}
        async with gateway(config, tmp_path) as served, raw(served.url, modern=False) as one:
            assert "error" in await greeted(one, "sdk", JUNK[0])
            assert "result" in await greeted(one, "sdk", GOOD)
            assert served.hub.upstreams["sdk"].links._speaks == {False: True}


async def test_of_calls_that_never_reached_a_server_nothing_is_kept(tmp_path: Path) -> None:
    """Whatever each says who it is."""
    servers = {"dead": {"command": sys.executable, "args": ["-c", "raise SystemExit(3)"], "protocol_version": LEGACY}}
    async with gateway({"mcp_servers": servers}, tmp_path) as served, raw(served.url) as one:
        for name in ("one", "another"):
            meta = {f"{META}clientInfo": {"name": name, "version": "1"}}
            params = {"name": "echo", "arguments": {}, "_meta": meta}
            assert "error" in await one.ask("dead", "tools/call", params, capabilities={"elicitation": {}})
        leases = served.hub.upstreams["dead"].links._leases
        assert (leases._idle, leases.taken, leases._calls) == ([], 0, {})


async def test_while_one_client_is_refused_others_are_greeted_as_ever(tmp_path: Path) -> None:
    """It is tried whether the server speaks HTTP+SSE instead, which takes a while."""
    with legacy_http() as there:
        config = {
            "general_settings": {"mcp_api_hosts": ["127.0.0.1"]},
            "mcp_servers": {"old": {"url": there.at("/loose")}},
        }
        async with gateway(config, tmp_path) as served, raw(served.url, modern=False) as one:
            junk = {**GOOD, "clientInfo": {"name": "junk", "version": "1"}}
            refused = asyncio.ensure_future(greeted(one, "old", junk))
            await asyncio.sleep(0.5)
            assert not refused.done()
            async with asyncio.timeout(5):
                assert "result" in await greeted(one, "old", GOOD)
            assert "error" in await refused
