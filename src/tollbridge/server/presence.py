"""Whether the client is still there, and signs of life while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Headers, Responder

COMMENT = b": keep-alive\n\n"


class Leaving:
    """What happens when the client leaves before its answer is complete: its task is cancelled, and the provider's
    connection with it; or, where the operator wants it and not too many do so already, the task reads on alone for a
    bounded time so that the provider's final usage is known. `early`: it left before it had everything (`whole`)."""

    __slots__ = ("_gateway", "_loop", "_responder", "_task", "_timer", "_whole", "early", "left")

    def __init__(
        self, gateway: Gateway, responder: Responder, whole: Callable[[], bool], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.left = self.early = False
        self._whole = whole
        self._gateway = gateway
        self._responder = responder
        self._loop = loop
        self._task = asyncio.current_task(loop)
        self._timer: asyncio.TimerHandle | None = None
        responder.on_gone(self._gone)

    def over(self) -> None:
        """The answer is complete: leaving now is no news."""
        self._responder.on_gone(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._gateway.load.drains -= 1

    def _gone(self) -> None:
        self.left = True
        self.early = not self._whole()
        rules, load, task = self._gateway.rules, self._gateway.load, self._task
        if task is None:
            return
        if rules.cancel_on_disconnect or load.drains >= rules.drains_max:
            task.cancel()
            return
        load.drains += 1
        self._timer = self._loop.call_later(rules.drain_s, task.cancel)


class Heartbeat:
    """A comment in a stream whenever nothing was sent for `interval_s`, also before the provider's first word: the
    stream is then begun with the headers known so far. Blocks end at event borders, so a comment may stand anywhere."""

    __slots__ = ("_headers", "_heard", "_interval_s", "_loop", "_responder", "_timer")

    def __init__(
        self,
        interval_s: float,
        responder: Responder,
        headers: Callable[[], Headers],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._interval_s = interval_s
        self._responder = responder
        self._headers = headers
        self._loop = loop
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(interval_s, self._tick)

    def heard(self) -> None:
        self._heard = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()

    def _tick(self) -> None:
        if self._responder.gone:
            return
        now = self._loop.time()
        wait = self._heard + self._interval_s - now
        if wait <= 0:
            if not self._responder.started:
                self._responder.start(200, self._headers())
            self._responder.write(COMMENT)
            self._heard = now
            wait = self._interval_s
        self._timer = self._loop.call_later(wait, self._tick)
