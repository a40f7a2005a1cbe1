"""A connection that went on as a WebSocket, as the service sees it: swept, counted, and told to go when it drains."""

from __future__ import annotations

from tollbridge.server.http.service import Service
from tollbridge.transport.channel import Channel
from tollbridge.transport.frames import GOING_AWAY


class Switched(Channel):
    idle = False
    fresh = False

    def __init__(self, service: Service, limit: int) -> None:
        super().__init__(service.loop, client=False, limit=limit)
        self._service = service
        self._stuck_since: float | None = None

    def sweep(self, now: float) -> None:
        if self._service.draining:
            self.close(GOING_AWAY, "the gateway is shutting down")
        if not self._full:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now
        elif now - self._stuck_since > self._service.limits.write_s and self.transport is not None:
            self.transport.abort()

    def close_idle(self) -> None:
        self.close(GOING_AWAY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._service.connections.discard(self)
        super().connection_lost(exc)
