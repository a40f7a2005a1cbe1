"""What all connections of a server share: the application and its tasks, the limits, the clock of the Date header."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from tollbridge.server.forwarded import Forwarding
from tollbridge.server.http.answer import Answer, Preludes
from tollbridge.server.http.limits import Limits
from tollbridge.server.inbound import Application, ClientGone, Inbound

log = logging.getLogger(__name__)


class Swept(Protocol):
    """A connection, as the service sees it."""

    @property
    def transport(self) -> asyncio.Transport | None: ...
    @property
    def idle(self) -> bool: ...
    @property
    def fresh(self) -> bool: ...
    def sweep(self, now: float) -> None: ...
    def close_idle(self) -> None: ...


class Service:
    """`connections`: all that are open. `running`: answers that a handler works on. `handled`: how many
    have ended. `draining`: answers say `Connection: close`."""

    __slots__ = (
        "_timer",
        "application",
        "connections",
        "draining",
        "forwarding",
        "handled",
        "limits",
        "loop",
        "preludes",
        "root_path",
        "running",
    )

    def __init__(
        self,
        application: Application,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        forwarding: Forwarding,
        root_path: str,
    ) -> None:
        self.application = application
        self.loop = loop
        self.limits = limits
        self.forwarding = forwarding
        self.root_path = root_path
        self.connections: set[Swept] = set()
        self.running: dict[Answer, asyncio.Task[None]] = {}
        self.handled = 0
        self.draining = False
        self.preludes = Preludes()
        self._timer: asyncio.TimerHandle | None = None
        self.sweep()

    async def handle(self, inbound: Inbound, answer: Answer) -> None:
        """A request whose body is there, in a task of its own. Whatever the application does, it has an end."""
        over = False
        try:
            await self.application.handle(inbound, answer)
            over = answer.over
            if not over:
                log.error("%s %s was left without a whole answer", inbound.method, inbound.path)
                self._give_up(inbound, answer)
        except ClientGone:
            pass
        except Exception:
            log.exception("%s %s failed %s", inbound.method, inbound.path, inbound.id)
            self._give_up(inbound, answer)
        finally:
            self.running.pop(answer, None)
            self.handled += 1
            if not over:
                answer.abort()

    def _give_up(self, inbound: Inbound, answer: Answer) -> None:
        if not answer.started:
            refusal = self.application.internal_error(inbound)
            answer.reply(refusal.status, refusal.headers, refusal.body)

    def sweep(self) -> None:
        """Once per tick: renews the Date and lets each connection look at its deadlines."""
        self.preludes.set_time(time.time())
        now = self.loop.time()
        for connection in tuple(self.connections):
            connection.sweep(now)
        self._timer = self.loop.call_later(self.limits.tick_s, self.sweep)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
