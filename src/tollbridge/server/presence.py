"""Whether the client is still there, and signs of life while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tollbridge.observe import Record
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import STOPPING, Headers, Responder


def broken_off(record: Record, error: BaseException) -> None:
    """Work that was cancelled, and cannot see why: who cancels it because this process stops says so."""
    _tell(record, stopping=STOPPING in error.args)


def _tell(record: Record, *, stopping: bool) -> None:
    record.status, record.outcome = 499, "cancelled"
    if stopping:
        record.status, record.error_class = 503, STOPPING


class Leaving:
    """What happens when the client leaves before its answer is complete: its task is cancelled, and the provider's
    connection with it; or, where the operator wants it and not too many do so already, the task reads on alone for a
    bounded time so that the provider's final usage is known. `early`: it left before it had everything (`whole`).
    `wanted`: it will ask for this answer again, so that it is read in any case."""

    __slots__ = ("_gateway", "_loop", "_responder", "_task", "_timer", "_whole", "early", "left", "wanted")

    def __init__(
        self, gateway: Gateway, responder: Responder, whole: Callable[[], bool], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.left = self.early = self.wanted = False
        self._whole = whole
        self._gateway = gateway
        self._responder = responder
        self._loop = loop
        self._task = asyncio.current_task(loop)
        self._timer: asyncio.TimerHandle | None = None
        responder.on_gone(self._gone)

    def over(self) -> None:
        """The answer is complete: leaving now is no news. Nothing holds on to its task, which holds on to all of it:
        else each request would wait for the garbage collector."""
        self._responder.on_gone(None)
        self._task = None
        self._whole = never
        self._end_drain()

    def moves_to(self, responder: Responder) -> None:
        """Another is answered from now on: that the one before left means nothing any more."""
        self._responder.on_gone(None)
        self._end_drain()
        self.left = self.early = False
        self._responder = responder
        responder.on_gone(self._gone)

    def _end_drain(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._gateway.load.drains -= 1

    def cancel(self) -> None:
        """Who asked wants no answer any more."""
        self.left = self.early = True
        if self._task is not None:
            self._task.cancel()

    def tell(self, record: Record, error: BaseException) -> None:
        """Why an answer ended before its time: the client left, or takes nothing; or this process stops."""
        _tell(record, stopping=isinstance(error, asyncio.CancelledError) and not self.left)

    def _gone(self) -> None:
        self.left = True
        self.early = not self._whole()
        rules, load, task = self._gateway.rules, self._gateway.load, self._task
        if task is None:
            return
        if (rules.cancel_on_disconnect and not self.wanted) or load.drains >= rules.drains_max:
            task.cancel()
            return
        load.drains += 1
        self._timer = self._loop.call_later(rules.drain_s, task.cancel)


def never() -> bool:
    return False


class Heartbeat:
    """A sign of life (`alive`) in a stream when nothing was sent for `interval_s`, also before the provider's first
    word: the stream is then begun with the headers known so far. Blocks end at event borders: it may stand anywhere.

    `heard` is set with each block: two ticks of half the interval without it are a silence. No clock is read per
    block."""

    __slots__ = ("_alive", "_half_s", "_headers", "_loop", "_quiet", "_responder", "_timer", "heard")

    def __init__(
        self,
        interval_s: float,
        responder: Responder,
        headers: Callable[[], Headers],
        loop: asyncio.AbstractEventLoop,
        alive: bytes,
    ) -> None:
        self._alive = alive
        self._half_s = interval_s / 2
        self._responder = responder
        self._headers = headers
        self._loop = loop
        self._quiet = False
        self.heard = False
        self._timer = loop.call_later(self._half_s, self._tick)

    def stop(self) -> None:
        self._timer.cancel()
        self._headers = tuple

    def _tick(self) -> None:
        if self._responder.gone:
            return
        if self.heard:
            self._quiet = False
        elif not self._quiet:
            self._quiet = True
        else:
            self._quiet = False
            if not self._responder.started:
                self._responder.start(200, self._headers())
            self._responder.write(self._alive)
        self.heard = False
        self._timer = self._loop.call_later(self._half_s, self._tick)
