"""One timer for all that waits: each is looked at once a tick, for as long as there is one.

A timer of its own costs more than most waits are worth: nine calls in ten are over before the first tick. Whoever waits
counts its ticks, and what happens sets it back to none; no clock is read. So a wait of `n` ticks ends between `n` and
`n + 1` of them, never early.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class Waiting(Protocol):
    def tick(self) -> None: ...


class Rounds:
    """Used from one event loop. Belongs to it from the first `join` on."""

    __slots__ = ("_loop", "_timer", "_waiting", "tick_s")

    def __init__(self, tick_s: float) -> None:
        self.tick_s = tick_s
        self._waiting: set[Waiting] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        return self._timer is not None

    def join(self, one: Waiting) -> None:
        self._waiting.add(one)
        if self._timer is None:
            self._loop = self._loop or asyncio.get_running_loop()
            self._timer = self._loop.call_later(self.tick_s, self._go)

    def leave(self, one: Waiting) -> None:
        """Nothing where it is not there."""
        self._waiting.discard(one)

    def _go(self) -> None:
        self._timer = None
        for one in tuple(self._waiting):
            one.tick()
        if self._waiting and self._loop is not None:
            self._timer = self._loop.call_later(self.tick_s, self._go)
