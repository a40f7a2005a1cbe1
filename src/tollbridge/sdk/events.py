"""A stream in a dialect of its own: its events as objects, as they come.

Where it breaks, the error is raised after the events that arrived. Closed or dropped before its end, it closes the
provider's connection.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from tollbridge.calls.exchange import Streaming
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError, BadGatewayError
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Usage
from tollbridge.sdk.answers import headers_of, hidden, price
from tollbridge.sdk.blocking import BlockingIterator
from tollbridge.sdk.loop import BackgroundLoop
from tollbridge.sdk.objects import Answer
from tollbridge.wires.sse import SseParser

E = TypeVar("E", bound=Answer)


class AsyncEvents(Generic[E]):
    """`usage`: what the provider told of it, at the end. `_hidden_params`: as `objects.Answer` has it; `response_cost`
    is there at the end."""

    def __init__(self, streaming: Streaming, made: Callable[[JsonObject], E], known: JsonObject, began: float) -> None:
        self._stream = streaming.stream
        self._deployment = streaming.deployment
        self._made = made
        self._began = began
        self._parser = SseParser()
        self._waiting: deque[E] = deque()
        self._error: APIError | None = None
        self._over = False
        self._response_headers = headers_of(streaming)
        self._hidden_params = hidden(streaming, self._response_headers, known)
        self._dropped = weakref.finalize(self, _drop, asyncio.get_running_loop(), self._stream)
        self._dropped.atexit = False  # the loop's end closes all connections

    @property
    def usage(self) -> Usage | None:
        return self._stream.said.usage

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        while not self._waiting:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._over:
                raise StopAsyncIteration
            await self._read()
        return self._waiting.popleft()

    async def aclose(self) -> None:
        """Cancel the provider's stream. Closing twice, or after the end, does nothing."""
        self._waiting.clear()
        self._error = None
        if not self._over:
            self._end()
            await asyncio.sleep(0)  # the socket is closed in the next turn of the loop

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _read(self) -> None:
        try:
            block = await self._stream.next()
            if block:
                self._take(block)
            if not block or self._stream.broken is not None:
                self._error = self._stream.broken
                self._finish()
        except APIError as error:
            if not error.provider:
                error.provider, error.model = self._deployment.provider, self._deployment.model
            self._error = error
            self._end()

    def _take(self, block: bytes) -> None:
        for event in self._parser.feed(block):
            if not event.data or event.data == "[DONE]":
                continue
            try:
                value = msgspec.json.decode(event.data)
            except msgspec.DecodeError as error:
                raise BadGatewayError(f"The provider sent an event that is not valid JSON: {error}.") from error
            if not isinstance(value, dict):
                raise BadGatewayError("The provider sent an event that is no object.")
            made = self._made(value)
            made._hidden_params = self._hidden_params
            self._waiting.append(made)

    def _finish(self) -> None:
        said = self._stream.said
        took = time.monotonic() - self._began
        self._hidden_params["response_cost"] = price(self._deployment, said.usage, said.service_tier, took)
        self._end()

    def _end(self) -> None:
        self._over = True
        self._dropped.detach()
        self._stream.abort()  # changes nothing after the honest end


class Events(Generic[E]):
    """AsyncEvents of the background loop, for a program without async."""

    def __init__(self, events: AsyncEvents[E], background: BackgroundLoop) -> None:
        self._events = events
        self._items: BlockingIterator[E] = BlockingIterator(events, background)
        self._hidden_params = events._hidden_params
        self._response_headers = events._response_headers

    @property
    def usage(self) -> Usage | None:
        return self._events.usage

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        return next(self._items)

    def close(self) -> None:
        """Cancel the provider's stream, and return when it is closed."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _drop(loop: asyncio.AbstractEventLoop, stream: Stream) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(stream.abort)
