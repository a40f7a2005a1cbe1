"""How much Python a tool call takes: calls of functions of ours, which is what it costs, whatever the machine. As
`tests/server/test_hot_path.py` says it of a request to a model."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any

import pytest

import tollbridge
from bench.mcp.calls import Caller
from bench.mcp.server import Server
from bench.mcp.targets import PRICE_NANOUSD, Way
from tests.mcp.gateway import Gateway, gateway

OURS = str(Path(tollbridge.__file__).parent)
LIMITS = {"max_budget": 1000, "rpm_limit": 100_000, "tpm_limit": 10_000_000, "max_parallel_requests": 100}
CALLS = 40


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[Gateway]:
    """Two servers, of which each call has its price."""
    running = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    server = {
        "url": f"http://127.0.0.1:{port}/mcp",
        "mcp_info": {"mcp_server_cost_info": {"default_cost_per_query": PRICE_NANOUSD / 1e9}},
    }
    try:
        async with gateway({"mcp_servers": {"up": server, "other": server}}, directory) as behind:
            yield behind
    finally:
        running.close()


async def calls_of(behind: Gateway, path: str, prefix: str, *, modern: bool, limited: bool) -> float:
    """For one call of a tool, when all is warm: the median, since a busy machine puts something in between some."""
    counted: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            counted[frame.f_code.co_qualname] += 1

    more = {}
    if limited:
        more["key"] = await behind.key(permission={"mcp_servers": ["up", "other"]}, **LIMITS)
    port = int(behind.url.rpartition(":")[2])
    caller = Caller(port, Way(argv=[], path=path, prefix=prefix, modern=modern))
    if not modern:
        told = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        asked = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": told}
        begun = await behind.send(
            "POST", path, asked, headers={"accept": "application/json, text/event-stream"}, **more
        )
        caller = Caller(port, caller.way, begun.headers["mcp-session-id"])
    aim = caller.aim("echo", {"text": "hello"})
    headers = {"content-type": "application/json", **aim.headers}

    async def call() -> None:
        answered = await behind.send("POST", path, json.loads(aim.body), headers=headers, **more)
        assert answered.status == 200, answered.body
        assert b"hello" in answered.body, answered.body

    async def once() -> int:
        counted.clear()
        sys.setprofile(count)
        try:
            await call()
        finally:
            sys.setprofile(None)
        return counted.total()

    for _ in range(3):
        await call()
    return median([await once() for _ in range(CALLS)])


@pytest.mark.parametrize(
    ("path", "prefix", "modern", "limited", "most"),
    [
        pytest.param("/mcp/up", "", True, False, 116, id="of the admin"),
        pytest.param("/mcp/up", "", True, True, 129, id="of a key with limits and a budget"),
        pytest.param("/mcp", "up-", True, True, 135, id="by the name of one among several servers"),
        pytest.param("/mcp/up", "", False, True, 151, id="within a session"),
    ],
)
async def test_a_tool_call_takes_no_more_calls_than_it_did(
    tmp_path: Path, path: str, prefix: str, modern: bool, limited: bool, most: int
) -> None:
    async with served(tmp_path) as behind:
        calls = await calls_of(behind, path, prefix, modern=modern, limited=limited)
    assert calls <= most
