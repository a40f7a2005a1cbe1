"""What a link tells its server where nobody waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.link import Link
from tollbridge.policy.principal import Principal

CALLER = Caller(principal=Principal("somebody"), modern=False)


class Deaf:
    """A channel over HTTP to a server that answers nothing. `open`: messages that it holds, by method."""

    shared = False

    def __init__(self) -> None:
        self.open: list[str] = []
        self.closed = False

    async def start(self, link: Link) -> None:
        """There at once."""

    async def send(self, message: dict[str, Any], call: Call | None = None) -> None:
        told = message.get("method", "an answer")
        self.open.append(told)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.open.remove(told)

    async def close(self) -> None:
        self.closed = True


async def given_up(link: Link, channel: Deaf) -> None:
    """A call is under way, and who made it leaves."""
    call = asyncio.ensure_future(_call(link))
    while "tools/call" not in channel.open:
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def _call(link: Link) -> None:
    await link.call(Call("tools/call", {"name": "any"}, CALLER))


async def test_a_server_that_takes_no_cancellation_holds_none_for_longer_than_a_call() -> None:
    channel = Deaf()
    link = Link("deaf", channel, modern=False, timeout_s=0.2)
    for _ in range(3):
        await given_up(link, channel)
    link.received({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    await asyncio.sleep(0)
    assert sorted(channel.open) == ["an answer", *["notifications/cancelled"] * 3]
    async with asyncio.timeout(5):
        while channel.open:
            await asyncio.sleep(0.01)
    await link.close()


async def test_a_link_that_is_closed_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollbridge.mcp.link.LAST_S", 0.05)
    channel = Deaf()
    link = Link("deaf", channel, modern=False, timeout_s=60)
    await given_up(link, channel)
    await asyncio.sleep(0)
    assert channel.open == ["notifications/cancelled"]
    await link.close()
    await asyncio.sleep(0)
    assert channel.closed
    assert channel.open == []
