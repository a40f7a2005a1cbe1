"""The links to a server: each is somebody's, and ends with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.mcp.gateway import gateway
from tests.mcp.raw import raw
from tests.mcp.serving import LEGACY_STDIO, legacy_http


def streams() -> int:
    """That are open to servers of the older era, for what belongs to no call."""
    return sum("Http._listen" in str(task.get_coro()) for task in asyncio.all_tasks())


async def test_clients_of_both_eras_that_come_first_at_once_leave_no_link_behind(tmp_path: Path) -> None:
    """Each asks in its own era; the server speaks one."""
    with legacy_http() as old:
        config = {"general_settings": {"mcp_api_hosts": ["127.0.0.1"]}, "mcp_servers": {"old": {"url": old.url}}}
        async with gateway(config, tmp_path) as served, raw(served.url) as one, raw(served.url, modern=False) as two:
            await asyncio.gather(one.ask("old", "tools/list"), two.ask("old", "tools/list"))
            assert len(served.hub.upstreams["old"].links._shared.links) == 1
            async with asyncio.timeout(5):
                while streams() != 1:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            assert streams() == 1
        assert streams() == 0


async def test_of_a_client_that_leaves_before_a_server_asked_nothing_waits_on(tmp_path: Path) -> None:
    """Of a call that may be asked something."""
    async with gateway({"mcp_servers": {"old": LEGACY_STDIO.configured()}}, tmp_path) as served, raw(served.url) as one:
        await one.ask("old", "tools/list")
        before = waiting()
        asking = asyncio.ensure_future(
            one.ask("old", "tools/call", {"name": "sleep", "arguments": {}}, capabilities={"elicitation": {}})
        )
        async with asyncio.timeout(10):
            while waiting() == before:
                await asyncio.sleep(0.02)
            asking.cancel()
            while waiting() > before:
                await asyncio.sleep(0.02)


def waiting() -> int:
    return sum("Event.wait" in str(task.get_coro()) for task in asyncio.all_tasks())
