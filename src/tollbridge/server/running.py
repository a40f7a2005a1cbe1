"""A response that runs in the background (`background: true` of the Responses format): who is told of it in place of
its client, and what can be told of it while it runs and afterwards.

The request is one as any other, done by the same code in the same task; the provider never hears that nobody waits.
Answers get an id of ours, whoever gives them: the client has it before it is known who will.
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

import msgspec

from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError, InternalServerError
from tollbridge.model.json import Json, JsonObject
from tollbridge.server.answers import STREAM_LINES
from tollbridge.server.inbound import ClientGone, Headers, Responder
from tollbridge.server.keeping import KEPT_BYTES_MAX, Kept
from tollbridge.store.responses import KeptResponse
from tollbridge.wires.openai_responses import OPENAI_RESPONSES
from tollbridge.wires.openai_responses.errors import failure_code
from tollbridge.wires.openai_responses.numbered import Numbered
from tollbridge.wires.tap import pieces

ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
LOST = InternalServerError("The gateway could not bring this response to its end. Ask again.", fault="gateway")
_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _Event(msgspec.Struct):
    type: str = ""
    sequence_number: int = -1
    response: msgspec.Raw = msgspec.Raw()
    error: Json = None
    message: str = ""
    code: str | None = None


_event = msgspec.json.Decoder(_Event).decode
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[int, bytes]]).decode


def failed(response: JsonObject, error: APIError) -> bytes:
    """The response of one that came to nothing."""
    told = {"code": failure_code(error), "message": error.message}
    return _encode({**response, "status": "failed", "error": told})


def replay(events: bytes, after: int) -> Iterator[bytes]:
    """What was kept of a stream, from the event after that number on."""
    for number, event in _unpack(zlib.decompress(events)):
        if number > after:
            yield event


def squeezed(events: Sequence[tuple[int, bytes]]) -> bytes:
    return zlib.compress(_pack(events))


STREAMED = squeezed(())
"""Events of one that was asked for as a stream, and has told none yet."""


class Running:
    """A `Responder` and a `Keeper`. `client`: who sees the stream, as long as it stays. `cancel`: ends the task."""

    def __init__(self, kept: Kept, response: JsonObject, client: Responder | None, cancel: Callable[[], None]) -> None:
        self.kept = kept
        self.gone = False
        self.ended = False
        self.streams = client is not None
        self._response = response
        self._client = client
        self._cancel = cancel
        self._final: bytes | None = None
        self._deployment = self._theirs = ""
        self._news = asyncio.Event()
        self._events: list[tuple[int, bytes]] = []
        self._events_bytes = 0
        self._number = 0
        self._started = False
        self._retold: Mapping[str, msgspec.Raw] = {
            "id": msgspec.Raw(_encode(kept.id)),
            "background": msgspec.Raw(b"true"),
            "store": msgspec.Raw(b"true"),
            "previous_response_id": msgspec.Raw(_encode(kept.said)),
        }

    # what is told of it

    @property
    def shown(self) -> bytes:
        """The response, as it is now."""
        return self._final or _encode({**self._response, "status": "in_progress"})

    async def until_ended(self) -> None:
        while not self.ended:
            await self._news.wait()

    async def follow(self, after: int) -> AsyncIterator[bytes]:
        """The events after that number, as they come."""
        at = 0
        while True:
            if self._events_bytes > KEPT_BYTES_MAX:
                raise InternalServerError("The events of this response are too many to be told again.", fault="gateway")
            while at < len(self._events):
                number, event = self._events[at]
                at += 1
                if number > after:
                    yield event
            if self.ended:
                return
            await self._news.wait()

    def cancel(self) -> None:
        """Nobody wants it any more."""
        if self._final is None and not self.gone:
            self.gone = True
            self._cancel()

    def end(self) -> None:
        """Nothing more will be told. Who still sees the stream of one that was cancelled hears so."""
        if self._final is None:
            if self.gone and self._client is not None:
                self._tell_cancelled(self._client)
            self._final = _encode({**self._response, "status": "cancelled"}) if self.gone else self._failed(LOST)
        self.ended = True
        self._tell()

    def _tell_cancelled(self, client: Responder) -> None:
        if not client.started:
            client.start(200, [STREAM_LINES])
        told = {"code": "cancelled", "message": "The response was cancelled.", "param": None}
        event = Numbered(self._number + 1).event("error", told)
        self._events.append((self._number + 1, event))
        client.write(event)
        client.finish()

    def to_keep(self) -> KeptResponse:
        kept = self.kept
        events = b""
        if self.streams and self._events_bytes <= KEPT_BYTES_MAX:
            events = squeezed(self._events)
        return KeptResponse(self.shown, kept.input, kept.previous, self._deployment, self._theirs, events)

    # a Keeper

    async def whole(self, answer: Answer) -> None:
        if answer.relayed:
            self._deployment, self._theirs = answer.deployment.id, answer.said.id

    async def streamed(self, streaming: Streaming, stream: Stream) -> Stream:
        if streaming.relayed:
            self._deployment, self._theirs = streaming.deployment.id, stream.said.id
        return stream

    # a Responder

    @property
    def started(self) -> bool:
        return self._started or (self._client is not None and self._client.started)

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        self._started = True
        if status < 400:
            self._final = self._as_ours(body)
        else:
            self._final = self._failed(OPENAI_RESPONSES.read_error(status, {}, body))
        if self._client is not None:
            self._client.reply(status, headers, body)
        self._tell()

    def start(self, status: int, headers: Headers) -> None:
        self._started = True
        if self._client is not None:
            self._client.start(status, headers)

    def write(self, data: bytes) -> None:
        retold = b"".join(self._take(event, told) for event, told in pieces(data))
        if self._client is not None:
            self._client.write(retold)
        self._tell()

    async def drain(self) -> None:
        """At the pace of a client that reads; one that left is none."""
        if self._client is not None:
            try:
                await self._client.drain()
            except ClientGone:
                self._client = None

    def finish(self) -> None:
        if self._client is not None:
            self._client.finish()

    def abort(self) -> None:
        if self._client is not None:
            self._client.abort()

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        """It never leaves: it is cancelled."""

    def _take(self, event: bytes, data: bytes) -> bytes:
        """An event of the stream, with the response in it as ours."""
        if not data:
            return event
        if data == b"[DONE]":
            self._events.append((sys.maxsize, event))
            return event
        try:
            told = _event(data)
        except msgspec.DecodeError:  # whatever it is, it is told as it came
            told = _Event()
        if bytes(told.response).startswith(b"{"):
            response = self._as_ours(told.response)
            event = b"event: %b\ndata: %b\n\n" % (
                told.type.encode(),
                _encode({**_fields(data), "response": msgspec.Raw(response)}),
            )
            if told.type in ENDS:
                self._final = response
        elif told.type == "error" and self._final is None:
            detail = told.error if isinstance(told.error, dict) else {"message": told.message, "code": told.code}
            self._final = self._failed(OPENAI_RESPONSES.read_error(500, {}, _encode({"error": detail})))
        self._events_bytes += len(event)
        self._number = max(self._number, told.sequence_number)
        if self._events_bytes <= KEPT_BYTES_MAX:
            self._events.append((self._number, event))
        return event

    def _as_ours(self, response: bytes | msgspec.Raw) -> bytes:
        return _encode({**_fields(response), **self._retold})

    def _failed(self, error: APIError) -> bytes:
        return failed(self._response, error)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
