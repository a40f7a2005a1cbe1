"""As little HTTP as a program of a hundred lines needs to be quick: what server and relay of this bench stand on."""

from __future__ import annotations

import asyncio
from typing import cast

import httptools

ANSWER = b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


class Served(asyncio.Protocol):
    """One connection of a client. `asked` is called with each whole request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        self.parser = httptools.HttpRequestParser(self)
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_message_begin(self) -> None:
        self.headers, self.body = {}, b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.asked()

    def asked(self) -> None:
        raise NotImplementedError

    def answer(self, status: int, body: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER % (status, len(body), body))
            if self.headers.get(b"connection") == b"close":
                self.transport.close()


class Asking(asyncio.Protocol):
    """One kept connection to a server."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        self.parser = httptools.HttpResponseParser(self)
        self.body = b""
        self.answered: asyncio.Future[tuple[int, bytes]] | None = None

    def ask(self, head: bytes, body: bytes) -> asyncio.Future[tuple[int, bytes]]:
        self.body = b""
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        return self.answered

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_result((self.parser.get_status_code(), self.body))

    def connection_lost(self, error: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(error or ConnectionResetError())
