"""A response that runs in the background (`background: true` of the Responses format): who is told of it in place of
its client, and what can be told of it while it runs and afterwards.

The request is one as any other, done by the same code in the same task; the provider never hears that nobody waits.
Answers get an id of ours, whoever gives them: the client has it before it is known who will.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError, InternalServerError
from tollbridge.model.json import Json, JsonObject
from tollbridge.server.answers import JSON, STREAM_LINES
from tollbridge.server.inbound import ClientGone, Headers, Responder
from tollbridge.server.keeping import KEPT_BYTES_MAX, Kept
from tollbridge.server.told_again import LAST, Events
from tollbridge.store.responses import KeptResponse
from tollbridge.wires.openai_responses import OPENAI_RESPONSES
from tollbridge.wires.openai_responses.errors import code_in_response
from tollbridge.wires.openai_responses.numbered import Numbered
from tollbridge.wires.tap import pieces

NUMBER_MAX = 2**53
ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
LOST = InternalServerError("The gateway could not bring this response to its end. Ask again.", fault="gateway")
TOO_LARGE = InternalServerError(
    f"The answer has more than {KEPT_BYTES_MAX >> 20} MiB: it cannot be kept until somebody asks for it.",
    fault="gateway",
)
_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _Event(msgspec.Struct):
    """Whatever a provider puts there: an event is ours to tell in any case."""

    type: Json = None
    sequence_number: Json = None
    response: msgspec.Raw = msgspec.Raw()
    error: Json = None
    message: Json = None
    code: Json = None


class _Final(msgspec.Struct):
    status: str = "failed"


_event = msgspec.json.Decoder(_Event).decode
_status = msgspec.json.Decoder(_Final).decode


def end_of(final: bytes, number: int) -> bytes:
    """The event that closes the stream of a response that came to this; `number`: its own."""
    status = _status(final).status
    if status == "cancelled":
        told: JsonObject = {"code": status, "message": "The response was cancelled.", "param": None}
        return Numbered(number).event("error", told)
    return Numbered(number).event(f"response.{status}", {"response": msgspec.Raw(final)})


def failed(response: JsonObject, error: APIError) -> bytes:
    """The response of one that came to nothing."""
    told = {"code": code_in_response(error), "message": error.message}
    return _encode({**response, "status": "failed", "error": told})


def too_many() -> APIError:
    return InternalServerError("The events of this response are too many to be told again.", fault="gateway")


class Running:
    """A `Responder` and a `Keeper`. `client`: who sees the stream, as long as it stays. `cancel`: ends the task."""

    def __init__(self, kept: Kept, response: JsonObject, client: Responder | None, cancel: Callable[[], None]) -> None:
        self.kept = kept
        self.gone = False
        self.ended = False
        self.settled = False
        self.streams = client is not None
        self._response = response
        self._client = client
        self._cancel = cancel
        self._final: bytes | None = None
        self._deployment: Deployment | None = None
        self._theirs = ""
        self._news = asyncio.Event()
        self._events = Events()
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
        """The response, as it is now. What it came to is told when it is written down, so that each process tells the
        same; or when that was tried in vain."""
        if self._final is None or not self.settled:
            return _encode({**self._response, "status": "in_progress"})
        return self._final

    @property
    def answered(self) -> bool:
        """It is known what it came to."""
        return self._final is not None

    def settle(self) -> None:
        self.settled = True
        self._tell()

    async def until_settled(self) -> None:
        while not self.settled:
            await self._news.wait()

    async def follow(self, after: int) -> AsyncIterator[bytes]:
        """The events after that number, as they come."""
        at, events = 0, self._events
        while True:
            if events.too_many:
                raise too_many()
            while at < len(events):
                fresh, at = events.since(at, after), len(events)
                for event in fresh:
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
        """Nothing more will be told. Who sees the stream hears how it ended, where nobody has said so."""
        if self._final is None:
            self._final = _encode({**self._response, "status": "cancelled"}) if self.gone else self._failed(LOST)
        if self.streams and not self._events.closed:
            self._tell_end(self._final, self._client if self.gone else None)  # else the client has been answered
        self.ended = True
        self._tell()

    def _tell_end(self, final: bytes, client: Responder | None, headers: Headers = ()) -> None:
        """`client`: who is to be told besides who follows."""
        told = b""
        if not len(self._events):
            told = Numbered().event("response.created", {"response": self._response})
            self._events.add(told, 0)
        number = self._events.number + 1
        event = end_of(final, number)
        self._events.add(event, number)
        self._events.closed = True
        if client is not None:
            if not client.started:
                client.start(200, [STREAM_LINES, *headers])
            client.write(told + event)
            client.finish()

    def came_to(self) -> KeptResponse:
        """As it is kept, but for its events."""
        kept, final = self.kept, self._final
        if final is None:
            raise ValueError("it has not ended")
        made = self._deployment
        if made is None:
            return KeptResponse(final, kept.input, kept.previous)
        return KeptResponse(final, kept.input, kept.previous, made.id, self._theirs, account=made.account)

    def to_keep(self) -> KeptResponse:
        """Of megabytes of events it takes a noticeable time."""
        row = self.came_to()
        if not self.streams or self._events.bytes + len(row.response) + len(row.input) > KEPT_BYTES_MAX:
            return row
        return msgspec.structs.replace(row, events=self._events.squeezed())

    # a Keeper

    async def whole(self, answer: Answer) -> None:
        if answer.relayed:
            self._deployment, self._theirs = answer.deployment, answer.said.id

    async def streamed(self, streaming: Streaming, stream: Stream) -> Stream:
        if streaming.relayed:
            self._deployment, self._theirs = streaming.deployment, stream.said.id
        return stream

    # a Responder

    @property
    def started(self) -> bool:
        return self._started or (self._client is not None and self._client.started)

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        self._started = True
        if status < 400:
            self._final = self._kept_final(self._as_ours(body))
        else:
            self._final = self._failed(OPENAI_RESPONSES.read_error(status, {}, body))
        if self._client is not None and self.streams and status >= 400:
            # before its first event: as a stream all the same, for the response is there and its id must be told
            self._tell_end(self._final, self._client, [one for one in headers if one != JSON])
        elif self._client is not None:
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
            self._events.add(event, LAST)
            return event
        try:
            told = _event(data)
        except msgspec.DecodeError:  # whatever it is, it is told as it came
            told = _Event()
        kind = told.type if isinstance(told.type, str) and told.type.isprintable() else ""
        if bytes(told.response).startswith(b"{"):
            response = self._as_ours(told.response)
            fields = _encode({**_fields(data), "response": msgspec.Raw(response)})
            event = b"event: %b\ndata: %b\n\n" % (kind.encode(), fields)
            if kind in ENDS:
                self._final = self._kept_final(response)
        elif kind == "error" and self._final is None:
            detail = told.error if isinstance(told.error, dict) else {"message": told.message, "code": told.code}
            self._final = self._failed(OPENAI_RESPONSES.read_error(500, {}, _encode({"error": detail})))
        number = told.sequence_number
        self._events.add(event, number if type(number) is int and number < NUMBER_MAX else -1)
        self._events.closed = self._events.closed or kind in ENDS or kind == "error"
        return event

    def _as_ours(self, response: bytes | msgspec.Raw) -> bytes:
        return _encode({**_fields(response), **self._retold})

    def _kept_final(self, response: bytes) -> bytes:
        """What it came to, as far as that can be kept for who asks."""
        if len(response) + len(self.kept.input) <= KEPT_BYTES_MAX:
            return response
        return self._failed(TOO_LARGE)

    def _failed(self, error: APIError) -> bytes:
        return failed(self._response, error)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
