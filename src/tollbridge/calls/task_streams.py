"""Streams of tasks: events that are relayed, bytes that are, and a whole answer told as a stream.

What `calls.streams` says of streams holds for them too: blocks end at event borders, an error after the first block is
raised by `next`, and an end that comes too early is one. Sound has no borders and no end marker: that it is whole is
what the transport says.
"""

from __future__ import annotations

from tollbridge.calls.deployment import Deployment
from tollbridge.calls.heard import Heard
from tollbridge.calls.redact import redact, without_secrets
from tollbridge.calls.streams import ByNext
from tollbridge.calls.task_ask import TaskAsk
from tollbridge.errors import APIError
from tollbridge.model.response import Caveat, Usage
from tollbridge.transport.base import Incoming
from tollbridge.wires.tap import Along, Boundary, decode_object, pieces
from tollbridge.wires.task import AnyProviderTaskWire, AnyTaskWire

NOTHING = Heard("")


class _Stream(ByNext):
    """`exact`: what it used is the provider's word, or follows from the request."""

    caveats: tuple[Caveat, ...] = ()

    def __init__(self, wire: AnyTaskWire) -> None:
        self._wire = wire
        self.broken: APIError | None = None
        self.closing = self.ended = self.exact = False
        self.said = Along()

    def heard(self) -> Heard:
        return NOTHING

    def fail(self, error: APIError) -> bytes:
        return self._wire.write_stream_error(error)


class EventStream(_Stream):
    """Server-sent events as they come; what they tell of usage is read along."""

    def __init__(self, incoming: Incoming, ask: TaskAsk, wire: AnyProviderTaskWire, deployment: Deployment) -> None:
        super().__init__(ask.wire)
        self._incoming = incoming
        self._ask = ask
        self._events = wire
        self._deployment = deployment
        self._boundary = Boundary()
        self._pending = b""
        self._told: Usage | None = None
        self._settle()

    def _settle(self) -> None:
        usage, exact = self._ask.usage(self._told, self._deployment.model)
        self.said, self.exact = Along(usage, self.said.id, self.said.service_tier), exact

    async def begin(self, first: bytes) -> None:
        data = first
        while data and not self._pending:
            self._pending = self._read(self._boundary.feed(data))
            if not self._pending:
                data = await self._incoming.chunk()
        if not data:
            self._pending = self._end()
        if self.broken is not None:
            raise self.broken

    async def next(self) -> bytes:
        if self._pending:
            block, self._pending = self._pending, b""
            return block
        while not self.ended and self.broken is None:
            data = await self._incoming.chunk()
            block = self._read(self._boundary.feed(data)) if data else self._end()
            if block:
                return block
        return b""

    def _end(self) -> bytes:
        self.ended = self.closing = True
        rest = self._boundary.rest().rstrip()
        return self._read(rest + b"\n\n") if rest else b""

    def _read(self, block: bytes) -> bytes:
        told = b""
        for event, data in pieces(block) if block else ():
            value = decode_object(data) if data else None
            if value is not None:
                try:
                    along = self._events.read_event(value)
                except APIError as error:
                    self.broken = without_secrets(error, self._deployment.hidden)
                    self.closing = True
                    return told + redact(event, self._deployment.hidden)
                if along is not None and along.usage is not None:
                    self._told = along.usage
                    self._settle()
                    self.closing = True
            told += event
        return told

    def abort(self) -> None:
        self._incoming.abort()


class RawStream(_Stream):
    """Bytes that are no text: they go on as they come."""

    def __init__(self, incoming: Incoming, ask: TaskAsk, deployment: Deployment) -> None:
        super().__init__(ask.wire)
        self._incoming = incoming
        self._pending = b""
        usage, self.exact = ask.usage(None, deployment.model)
        self.said = Along(usage)

    async def begin(self, first: bytes) -> None:
        """The first bytes are waited for: until they are here another may be asked."""
        began = False
        try:
            self._pending = await self._incoming.chunk()
            began = True
        finally:
            if not began:
                self._incoming.abort()

    async def next(self) -> bytes:
        if self._pending:
            block, self._pending = self._pending, b""
        else:
            block = await self._incoming.chunk()
        if not block:
            self.ended = self.closing = True
        return block

    def fail(self, error: APIError) -> bytes:
        return b""  # there are no words in it for an error

    def abort(self) -> None:
        self._incoming.abort()


class ReadyStream(_Stream):
    """A whole answer, told as the stream that was asked for."""

    def __init__(self, told: bytes, said: Along, *, exact: bool, wire: AnyTaskWire) -> None:
        super().__init__(wire)
        self._told = told
        self.said, self.exact, self.closing = said, exact, True

    async def begin(self, first: bytes) -> None:
        return

    async def next(self) -> bytes:
        block, self._told = self._told, b""
        self.ended = not block
        return block

    def abort(self) -> None:
        self._told = b""
