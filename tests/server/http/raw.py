"""Raw bytes against a real listener: an application that does what the path says, and a client that hides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from tollbridge.errors import APIError
from tollbridge.server.http.limits import Limits
from tollbridge.server.http.listener import Listener
from tollbridge.server.inbound import Inbound, Refusal, Responder, plain_refusal

PATIENCE_S = 20.0
TEXT = ((b"content-type", b"text/plain"),)


class Stage:
    """`/echo` gives the body back, `/deny` is refused at the head; where `admits` is set, each request is admitted only
    when it is done, `/later/deny` is refused then, `/later/bug` fails. `/wait` answers when `go` is set, `/stream`
    starts, writes "one" and goes on when `go` is set, `/flood` writes until the client is slow, `/raise` and `/silent`
    fail."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.entered = asyncio.Event()
        self.left = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.flooded = asyncio.Event()
        self.seen: list[Inbound] = []
        self.errors: list[APIError] = []
        self.written = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = TEXT
        self.body_limit: int | None = None
        self.admits: asyncio.Event | None = None

    def admit(self, inbound: Inbound) -> Refusal | Awaitable[Refusal | None] | None:
        self.seen.append(inbound)
        if self.body_limit is not None:
            inbound.body_limit = self.body_limit
        if inbound.path.startswith("/deny"):
            return Refusal(401, b"no")
        inbound.route = inbound.path
        return None if self.admits is None else self._admit_later(inbound, self.admits)

    async def _admit_later(self, inbound: Inbound, admits: asyncio.Event) -> Refusal | None:
        self.entered.set()
        await admits.wait()
        match inbound.path:
            case "/later/bug":
                raise ValueError("a bug")
            case "/later/deny":
                return Refusal(403, b"not you")
        return None

    def refuse(self, inbound: Inbound | None, error: APIError) -> Refusal:
        self.errors.append(error)
        return plain_refusal(error)

    def internal_error(self, inbound: Inbound) -> Refusal:
        return Refusal(500, b"internal")

    async def handle(self, inbound: Inbound, responder: Responder) -> None:
        act = getattr(self, "act_" + inbound.path.strip("/").partition("/")[0], None)
        if act is None:
            responder.reply(200, self.headers, inbound.body)
            return
        try:
            await act(inbound, responder)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def act_wait(self, inbound: Inbound, responder: Responder) -> None:
        responder.on_gone(self.left.set)
        self.entered.set()
        await self.go.wait()
        responder.reply(200, TEXT, b"waited " + inbound.query.encode())

    async def act_stream(self, inbound: Inbound, responder: Responder) -> None:
        responder.on_gone(self.left.set)
        responder.start(200, TEXT)
        responder.write(b"one")
        self.entered.set()
        await self.go.wait()
        responder.write(b"two")
        await responder.drain()
        if inbound.query == "abort":
            responder.abort()
        responder.finish()

    async def act_flood(self, inbound: Inbound, responder: Responder) -> None:
        responder.on_gone(self.left.set)
        responder.start(200, TEXT)
        piece = b"x" * 16384
        try:
            while self.written < 64 * 1024 * 1024:
                responder.write(piece)
                self.written += len(piece)
                self.flooded.set()
                await responder.drain()
            responder.finish()
        finally:
            self.left.set()

    async def act_empty(self, inbound: Inbound, responder: Responder) -> None:
        responder.reply(int(inbound.query), TEXT, b"not to be sent")

    async def act_raise(self, inbound: Inbound, responder: Responder) -> None:
        if inbound.query == "late":
            responder.start(200, TEXT)
            responder.write(b"one")
        raise ValueError("a bug")

    async def act_silent(self, inbound: Inbound, responder: Responder) -> None:
        pass


class Answered:
    def __init__(self, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def closes(self) -> bool:
        return self.headers.get(b"connection") == b"close"


class Wire:
    """A client's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until(self, mark: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(mark), PATIENCE_S)

    async def exactly(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), PATIENCE_S)

    async def answer(self, *, head_only: bool = False) -> Answered:
        """The next final answer; interim ones are skipped."""
        while True:
            lines = (await self.until(b"\r\n\r\n"))[:-4].split(b"\r\n")
            status = int(lines[0].split(b" ")[1])
            if status >= 200:
                break
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        assert len(headers) == len(lines) - 1, lines
        if head_only or status in (204, 304):
            return Answered(status, headers, b"")
        if headers.get(b"transfer-encoding") == b"chunked":
            return Answered(status, headers, await self._chunks())
        if b"content-length" in headers:
            return Answered(status, headers, await self.exactly(int(headers[b"content-length"])))
        return Answered(status, headers, await self.rest())

    async def _chunks(self) -> bytes:
        body = b""
        while size := int((await self.until(b"\r\n")).partition(b";")[0], 16):
            body += await self.exactly(size)
            assert await self.exactly(2) == b"\r\n"
        assert await self.exactly(2) == b"\r\n"
        return body

    async def rest(self) -> bytes:
        """All bytes to the end of the connection; a reset is an end as well."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE_S)
        except ConnectionError:
            return b""

    def reset(self) -> None:
        """Leaves with RST."""
        import socket
        import struct

        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def serving(stage: Any, limits: Limits | None = None, **options: Any) -> AsyncIterator[Listener]:
    listener = await Listener.open(stage, port=0, limits=limits or Limits(tick_s=0.02), **options)
    try:
        yield listener
    finally:
        await listener.close()


@asynccontextmanager
async def connected(listener: Listener, **options: Any) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, **options)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass


def get(path: str, *lines: str, version: str = "1.1") -> bytes:
    return "\r\n".join((f"GET {path} HTTP/{version}", "Host: localhost", *lines, "", "")).encode("latin-1")


def post(path: str, body: bytes, *lines: str) -> bytes:
    head = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *lines, "", "")
    return "\r\n".join(head).encode("latin-1") + body
