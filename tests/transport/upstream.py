"""A scripted upstream on a raw socket: each accepted connection plays a script of bytes, FIN, RST and waiting.

async def script(peer: Peer) -> None:
    await peer.request()
    peer.send(OK)

async with Upstream(script) as upstream:
    answer = await transport.send(get(upstream), FAST)
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType

from tollbridge.transport.base import Origin, Outgoing, Scheme, Timeouts

PATIENT = Timeouts(connect_s=5, first_byte_s=20, gap_s=20, total_s=30)  # for tests in which nothing should run out
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

Script = Callable[["Peer"], Awaitable[None]]


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {status}\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Peer:
    """One accepted connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number  # 0 for the first connection
        self.requests: list[bytes] = []

    async def request(self) -> bytes | None:
        """The next request, head and body; None where the client closed instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await self.reader.readexactly(int(length[0].partition(b":")[2])) if length else b""
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        self.requests.append(head + body)
        return head + body

    def send(self, *pieces: bytes) -> None:
        """Nothing where the connection is gone, as a real server's last words."""
        if self.alive:
            self.writer.write(b"".join(pieces))

    @property
    def alive(self) -> bool:
        return not self.writer.is_closing()

    async def sent(self) -> None:
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Until the client has closed."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass


class Upstream:
    """A server on a free port of the loopback. `peers` has every connection that was ever accepted; `open` counts
    those that are not closed yet. What a script raises, the test raises."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._script = script
        self._tls = tls
        self._host = host
        self._tasks: set[asyncio.Task[None]] = set()
        self.peers: list[Peer] = []
        self.open = 0

    async def __aenter__(self) -> Upstream:
        self._server = await asyncio.start_server(self._accept, self._host, 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        for outcome in outcomes:
            if error is None and isinstance(outcome, Exception):
                raise outcome

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, len(self.peers))
        self.peers.append(peer)
        self.open += 1
        self._tasks.add(asyncio.ensure_future(self._play(peer)))

    async def _play(self, peer: Peer) -> None:
        try:
            await self._script(peer)
            await peer.gone()
        finally:
            self.open -= 1
            peer.close()

    @property
    def requests(self) -> list[bytes]:
        return [request for peer in self.peers for request in peer.requests]

    def origin(self, host: str = "127.0.0.1") -> Origin:
        scheme: Scheme = "https" if self._tls else "http"
        return Origin(scheme, host, self.port)


async def always_ok(peer: Peer) -> None:
    while await peer.request():
        peer.send(OK)


def post(where: Upstream | Origin, body: bytes = b"{}", *headers: tuple[str, str], target: str = "/v1/x") -> Outgoing:
    origin = where if isinstance(where, Origin) else where.origin()
    return Outgoing(origin=origin, method="POST", target=target, headers=headers, body=body)


async def until(condition: Callable[[], bool]) -> None:
    """Turns the loop until the condition holds; pytest's timeout ends it where it never does."""
    while not condition():
        await asyncio.sleep(0.001)
