"""The listening socket: bind, TLS, and a shutdown that no client notices.

    listener = await Listener.open(application, port=4000)
    ...
    await listener.drain(grace_s=120, settle_s=2)

Draining, in order: answers begin to say `Connection: close` while new connections are still taken (`settle_s`: the load
balancer has to see readiness fail first, which the caller arranged); then the socket closes, idle connections are
closed, and what is in flight may finish until the grace is over; the rest is cancelled and aborted.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence

import msgspec

from tollbridge.errors import ConfigError
from tollbridge.server.forwarded import Forwarding, read_root_path
from tollbridge.server.http.connection import Connection
from tollbridge.server.http.limits import Limits
from tollbridge.server.http.service import Service
from tollbridge.server.inbound import STOPPING, Application

log = logging.getLogger(__name__)

_FRESH_GRACE_S = 1.0
"""A connection without a byte yet may have a request under way: it is not closed at once."""

_CANCEL_S = 5.0
"""How long cancelled handlers may take to clean up."""

_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""A peer that vanished without a word is noticed after two minutes, also while it only waits."""


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """Files in PEM format. With `client_ca` a client must show a certificate signed by it. TLS 1.2 at least."""

    certificate: str
    key: str
    client_ca: str = ""

    def context(self) -> ssl.SSLContext:
        """Raises ConfigError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
                raise ConfigError(f"tls: the key in {self.key} is not that of {self.certificate}.") from error
            raise ConfigError(f"tls: {error}; see {self.certificate}, {self.key} {self.client_ca}".rstrip()) from error
        return context


class Drained(msgspec.Struct, frozen=True):
    """Counts of a shutdown: requests that `finished` in it, that were `aborted` at its end, and idle connections that
    were `closed`."""

    finished: int
    aborted: int
    closed: int


class Listener:
    """`open` makes one. `host` and `port`: in fact, where port 0 was asked for. `connections` and `in_flight` are for
    metrics and for load shedding."""

    def __init__(self, service: Service, server: asyncio.Server, secure: bool) -> None:
        self._service = service
        self._server = server
        self._secure = secure
        host, port, *_ = server.sockets[0].getsockname()
        self.host = str(host)
        self.port = int(port)

    @classmethod
    async def open(
        cls,
        application: Application,
        *,
        host: str | Sequence[str] = "127.0.0.1",
        port: int = 4000,
        sock: socket.socket | None = None,
        limits: Limits | None = None,
        forwarding: Forwarding | None = None,
        root_path: str = "",
        tls: Tls | None = None,
        reuse_port: bool = False,
        backlog: int = 2048,
    ) -> Listener:
        """Listens on `host` and `port`, or on a bound `sock`. `reuse_port`: several processes share the port.
        Raises OSError where the address is taken, ConfigError where TLS files are wrong."""
        loop = asyncio.get_running_loop()
        context = tls.context() if tls else None
        service = Service(application, loop, limits or Limits(), forwarding or Forwarding(), read_root_path(root_path))
        try:
            if sock is not None:
                server = await loop.create_server(lambda: Connection(service), sock=sock, ssl=context, backlog=backlog)
            else:
                server = await loop.create_server(
                    lambda: Connection(service),
                    host,
                    port,
                    ssl=context,
                    backlog=backlog,
                    reuse_port=reuse_port or None,
                )
        except OSError:
            service.stop()
            raise
        for listening in server.sockets:
            _notice_lost_peers(listening)
        return cls(service, server, context is not None)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._secure else 'http'}://{host}:{self.port}"

    @property
    def connections(self) -> int:
        return len(self._service.connections)

    @property
    def in_flight(self) -> int:
        return len(self._service.running)

    async def drain(self, grace_s: float, settle_s: float = 0.0) -> Drained:
        """Shuts down in order; returns when every connection is gone, and what goes on without one. Cancel it to
        hurry."""
        service = self._service
        loop = service.loop
        handled = service.handled
        service.draining = True
        if settle_s:
            await asyncio.sleep(settle_s)
        self._server.close()
        opened = loop.time()
        deadline = opened + grace_s
        closed = 0
        while (service.connections or service.running) and loop.time() < deadline:
            for connection in tuple(service.connections):
                if connection.idle or (connection.fresh and loop.time() > opened + min(_FRESH_GRACE_S, grace_s / 2)):
                    connection.close_idle()
                    closed += 1
            await asyncio.sleep(min(service.limits.tick_s, 0.05))
        finished, aborted = service.handled - handled, len(service.running)
        await self.close()
        return Drained(finished, aborted, closed)

    async def close(self) -> None:
        """Stops at once: handlers are cancelled, connections aborted."""
        service = self._service
        self._server.close()
        service.stop()
        tasks = tuple(service.running.values())
        for task in tasks:
            task.cancel(STOPPING)
        if tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_S)
        for connection in tuple(service.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)


def _notice_lost_peers(listening: socket.socket) -> None:
    """TCP keep-alive, set once: accepted sockets inherit it."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
