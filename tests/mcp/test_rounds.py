"""One timer for all that waits."""

from __future__ import annotations

import asyncio

from tollbridge.mcp.rounds import Rounds


class Counting:
    def __init__(self, until: int) -> None:
        self.until = until
        self.ticks = 0
        self.reached = asyncio.Event()

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks == self.until:
            self.reached.set()


async def test_all_that_waits_is_looked_at_once_a_tick() -> None:
    rounds, one, other = Rounds(0.001), Counting(3), Counting(3)
    rounds.join(one)
    rounds.join(other)
    await one.reached.wait()
    await other.reached.wait()
    assert one.ticks == other.ticks


async def test_who_left_is_looked_at_no_more() -> None:
    rounds, gone, stays = Rounds(0.001), Counting(1), Counting(4)
    rounds.join(gone)
    rounds.join(stays)
    await gone.reached.wait()
    rounds.leave(gone)
    rounds.leave(gone)
    seen = gone.ticks
    await stays.reached.wait()
    assert gone.ticks == seen


async def test_the_timer_rests_while_nobody_waits_and_runs_again_after_it() -> None:
    rounds, first = Rounds(0.001), Counting(1)
    rounds.join(first)
    await first.reached.wait()
    rounds.leave(first)
    async with asyncio.timeout(5):
        while rounds.running:
            await asyncio.sleep(0.001)
    later = Counting(2)
    rounds.join(later)
    await later.reached.wait()
    assert first.ticks == 1
