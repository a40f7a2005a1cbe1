"""The seam between a call and the network: one request out, one answer in, bytes only.

A transport knows sockets, TLS, framing, content-encoding and time; it knows no wire, no provider, no retry policy. Two
stand behind this seam: our own HTTP/1.1 pool (`http1.HttpTransport`), and aiohttp where a proxy is in the way
(`aiohttp_transport.AiohttpTransport`); `select.Selecting` picks one per origin.

Rules
1. Who gets an `Incoming` reads it to its honest end or calls `abort`: until then it holds a connection.
2. Cancelling a pending `send`, `read`, `chunk` or `pour` aborts the exchange; its connection is closed, never used
   again. (So no `wait_for` around `chunk` for heartbeats: use a timer beside it.)
3. Redirects are not followed: `BadGatewayError`, code `upstream_redirect`.
4. Every failure is one of ours (`tollbridge.errors`), with a `code` of the table below and a message that names
   host:port and what to do, never path, query, headers or body: secrets stand in them.

    APIConnectionError  connect_refused  dns_failure  tls_failure  host_unreachable  connection_reset
                        too_many_open_files  no_local_port  egress_refused  proxy_failure  transport_closed  aborted
    APITimeoutError     connect_timeout  pool_timeout  first_byte_timeout  gap_timeout  total_timeout
    Truncated           upstream_truncated
    BadGatewayError     upstream_invalid_http  upstream_head_too_large  upstream_too_large  upstream_bad_encoding
                        upstream_bomb  upstream_redirect
"""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import msgspec

Scheme = Literal["http", "https"]
Flow = Callable[[], Awaitable[bytes]]
Take = Callable[[bytes], bool]
"""Is given a piece of a body; False wants no more for now."""
DEFAULT_PORTS: dict[str, int] = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True, cache_hash=True):
    """Where a connection leads, and the key of its pool. `host` in lower case, an IPv6 address without brackets."""

    scheme: Scheme
    host: str
    port: int

    @property
    def authority(self) -> str:
        """What the `host` header says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """`host:port`, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; None waits for ever.

    `connect_s`: a free slot in the pool, DNS, TCP and TLS together. `first_byte_s`: from the last byte of the request
    to the end of the response's head. `gap_s`: silence between two pieces of the body, not counted while the consumer
    is the slow one. `total_s`: from `send` to the end of the body, everything included.
    """

    connect_s: float = 10.0
    first_byte_s: float | None = None
    gap_s: float | None = None
    total_s: float | None = None


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `target`: path and query, percent-encoded, beginning with a slash. `headers`: without the framing
    ones (`content-length`, `connection` ...). `head`: what `head.encode_head` gave for this origin, method, target and
    headers, kept by the caller per deployment; where it is empty it is computed at each send. `flow`: the body where it
    is not here yet, and `body` is empty: gives its next piece, b"" at the end; what it raises ends the exchange and is
    raised by `send`. Such a request is never sent twice. `length`: its bytes, where they are known."""

    origin: Origin
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    head: bytes = b""
    flow: Flow | None = None
    length: int | None = None

    def __repr__(self) -> str:
        """Shows no target, no headers, no body: credentials stand in them."""
        return f"<Outgoing {self.method} to {self.origin}, {len(self.body)} bytes>"


class Incoming(Protocol):
    """One answer, its head already here.

    `headers`: names in lower case, values as received, in order, repetitions kept. `content-encoding` is taken out
    when the body is decoded here; the other framing headers describe the wire, not what is read, and are not to be
    forwarded.
    """

    status: int
    headers: list[tuple[bytes, bytes]]

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header (name in lower case)."""

    async def read(self, limit: int) -> bytes:
        """The whole body, decoded. Returns without suspending where it is already here. More than `limit` bytes, also
        after decoding: BadGatewayError, and the connection is closed."""

    async def chunk(self) -> bytes:
        """The next decoded piece as it came (joined where several wait); b"" at the honest end, and again after it."""

    async def pour(self, take: Take) -> None:
        """Gives each piece to `take` as it comes, if need be while the socket is being read: nobody has to be woken for
        it. Returns when `take` wants no more, or at the honest end. What `take` raises is raised here."""

    def abort(self) -> None:
        """Closes the connection now; a pending `read`, `chunk` or `pour` raises. Nothing happens after the honest
        end."""


class ByChunks(abc.ABC):
    """An `Incoming` that pours what `chunk` gives."""

    @abc.abstractmethod
    async def chunk(self) -> bytes: ...

    async def pour(self, take: Take) -> None:
        while (data := await self.chunk()) and take(data):
            pass


class Transport(Protocol):
    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        """Sends, and returns when the head of the final answer is complete (1xx are skipped), whatever its status."""

    async def close(self) -> None:
        """Closes idle connections and aborts exchanges under way. Sends after it fail."""
