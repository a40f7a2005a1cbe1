"""What was written and the client has not taken yet: who waits for room, and for how long."""

from __future__ import annotations

import asyncio
from math import inf


class Outflow:
    """`full`: the transport holds more than its high-water mark (64 KiB). A client that takes no byte for the write
    timeout is stuck; one that takes a few at a time is only slow, and is waited for."""

    __slots__ = ("_deadline", "_unsent", "_waiters", "full")

    def __init__(self) -> None:
        self.full = False
        self._waiters: list[asyncio.Future[None]] = []
        self._unsent = 0
        self._deadline = inf

    def pause(self, deadline: float) -> None:
        self.full = True
        self._unsent = 0
        self._deadline = deadline

    def resume(self) -> None:
        self.full = False
        self._deadline = inf
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def room(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None] | None:
        """None where there is room; else what is done when there is."""
        if not self.full:
            return None
        waiter = loop.create_future()
        self._waiters.append(waiter)
        return waiter

    def stuck(self, unsent: int, now: float, write_s: float) -> bool:
        """Asked now and then, with what the transport holds."""
        if unsent != self._unsent:
            self._unsent = unsent
            self._deadline = now + write_s
        return now > self._deadline
