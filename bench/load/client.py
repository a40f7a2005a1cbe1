"""One keep-alive connection that sends one request after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import cast

import httptools

from bench.load.jobs import Aim
from bench.mock.dialects import DialectName

EVENT_MARKS: dict[DialectName, bytes] = {"openai": b"chat.completion.chunk", "anthropic": b"event: content_block_delta"}

OnAnswer = Callable[["Client", "str | None"], None]


def request_bytes(aim: Aim, key: str | None = None) -> bytes:
    """`key`: instead of the one in the headers."""
    headers = aim.headers if key is None else aim.headers | {"authorization": f"Bearer {key}"}
    lines = [f"POST {aim.path} HTTP/1.1", f"host: 127.0.0.1:{aim.port}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"content-length: {len(aim.body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + aim.body


class Client(asyncio.Protocol):
    """`on_answer(client, problem)` is called for each answer, with None or what went wrong below HTTP. `events` counts
    marks of streamed events as they are read, over all answers."""

    def __init__(self, requests: Iterator[bytes], mark: bytes, on_answer: OnAnswer) -> None:
        self._requests = requests
        self._mark = mark
        self._on_answer = on_answer
        self.busy = False
        self.status = 0
        self.body = b""
        self.events = 0
        self.closed = False

    def send(self) -> None:
        self.busy = True
        self._parts: list[bytes] = []
        self.transport.write(next(self._requests))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self.events += data.count(self._mark)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"bad HTTP: {error}")
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._fail(f"connection lost: {exc!r}" if exc else "connection closed before the end")

    def on_body(self, data: bytes) -> None:
        self._parts.append(data)

    def on_message_complete(self) -> None:
        self.busy = False
        self.status = self._parser.get_status_code()
        self.body = b"".join(self._parts)
        if not self._parser.should_keep_alive():
            self.closed = True
            self.transport.close()
        self._on_answer(self, None)

    def _fail(self, problem: str) -> None:
        if self.busy:
            self.busy = False
            self._on_answer(self, problem)
