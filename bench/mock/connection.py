"""One client's connection: HTTP/1.1 as far as a provider's mock needs it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from bench.mock.books import Received
from bench.mock.playback import Playback, Score

if TYPE_CHECKING:
    from bench.mock.books import Entry
    from bench.mock.provider import Provider


class Connection(asyncio.Protocol):
    """Parses requests and hands each to the provider, which calls `write` or `play`. While an answer plays, what was
    pipelined waits; `last` is set when the client wants the connection closed after its answer."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._books = provider.books
        self._playback: Playback | None = None
        self._waiting: deque[Received] = deque()
        self._last = False

    def write(self, data: bytes) -> None:
        self._books.bytes_out += len(data)
        self._transport.write(data)
        if self._last:
            self._transport.close()

    def play(self, score: Score, entry: Entry | None) -> None:
        self._playback = Playback(self._transport, self._books, entry, score, self._close_idle)
        self._playback.done.add_done_callback(self._played)

    def _close_idle(self) -> None:
        """No server closes a kept connection in the middle of its next answer."""
        if self._playback is None:
            self._transport.close()

    def _played(self, _: asyncio.Future[None]) -> None:
        self._playback = None
        if self._last and not self._waiting:
            self._transport.close()
        elif self._waiting and not self._transport.is_closing():
            self._provider.answer(self, self._waiting.popleft())

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._provider.connections.add(self._transport)
        self._books.connections += 1
        self._books.connections_open += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._provider.connections.discard(self._transport)
        self._books.connections_open -= 1
        if self._playback is not None:
            self._playback.lose()

    def pause_writing(self) -> None:
        if self._playback is not None:
            self._playback.pause()

    def resume_writing(self) -> None:
        if self._playback is not None:
            self._playback.resume()

    def data_received(self, data: bytes) -> None:
        self._books.bytes_in += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()

    # httptools calls these

    def on_message_begin(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._last = not self._parser.should_keep_alive()
        received = Received(self._parser.get_method(), self._url, self._headers, body)
        if self._playback is None:
            self._provider.answer(self, received)
        else:
            self._waiting.append(received)
