"""Who waits for a place is woken by whatever makes one."""

from __future__ import annotations

import asyncio

import pytest

from tollbridge.mcp import places
from tollbridge.mcp.link import Link
from tollbridge.mcp.places import Held
from tollbridge.mcp.stdio import Stdio


async def test_a_link_that_nobody_waits_for_any_more_gives_way_as_soon_as_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "PROCESSES_MAX", 1)

    def close(link: Link) -> asyncio.Task[None]:
        closing = asyncio.ensure_future(link.close())
        closing.add_done_callback(lambda _: held.give_back())
        return closing

    held = Held("one", close, process=True)
    await held.place()
    waiting = asyncio.ensure_future(held.place())
    await asyncio.sleep(0)
    assert not waiting.done()
    link = Link("one", Stdio("true"), modern=False)
    held.put((("given up", ()), False), link)
    async with asyncio.timeout(10):
        await waiting
    assert (held.taken, held.links, link.gave_way) == (1, {}, True)
