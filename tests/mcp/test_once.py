from __future__ import annotations

import asyncio
import gc

import pytest

from tollbridge.mcp.once import Once


class Work:
    """Ends when it is let go. `begun`: how often it was."""

    def __init__(self) -> None:
        self.begun = 0
        self.let_go = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.let_go.wait()
        return self.begun


async def begun(work: Work) -> None:
    while not work.begun:
        await asyncio.sleep(0)


async def test_who_comes_meanwhile_waits_for_the_same_and_who_comes_later_begins_anew() -> None:
    once: Once[str, int] = Once()
    work = Work()
    waiting = [asyncio.ensure_future(once.run("it", work)) for _ in range(3)]
    await begun(work)
    assert once.busy
    work.let_go.set()
    assert await asyncio.gather(*waiting) == [1, 1, 1]
    assert not once.busy
    assert await once.run("it", work) == 2


async def test_giving_up_ends_it_for_nobody_else() -> None:
    once: Once[str, int] = Once()
    work = Work()
    first, second = (asyncio.ensure_future(once.run("it", work)) for _ in range(2))
    await begun(work)
    first.cancel()
    work.let_go.set()
    assert await second == 1
    assert first.cancelled()


async def test_each_who_waits_is_told_what_went_wrong_and_nobody_else_is() -> None:
    async def fails() -> int:
        raise ValueError("no")

    once: Once[str, int] = Once()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await once.run("it", fails)
    left = asyncio.ensure_future(once.run("it", fails))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    gc.collect()  # an error that nobody took would be told now


async def test_what_is_cancelled_has_ended_and_those_who_wait_know() -> None:
    once: Once[str, int] = Once()
    work = Work()
    waiting = asyncio.ensure_future(once.run("it", work))
    await begun(work)
    await once.cancel()
    assert not once.busy
    with pytest.raises(asyncio.CancelledError):
        await waiting
