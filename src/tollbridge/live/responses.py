"""`/v1/responses` over a WebSocket: each `response.create` is a turn, answered with the events of a stream, one message
for each; one after the other, in the order in which they came.

Rules
1. A turn is an ordinary streamed request to `/v1/responses`: whatever holds there (the key, its models, budgets,
   translation, tools, the ledger) holds here, and is done by the same code. `stream` and `background` mean nothing.
2. The last response of the connection is remembered here until the next one: a turn may go on from it
   (`previous_response_id`) though nobody keeps it (`store: false`). Such a turn is sent with all the items since the
   last response that is kept, and asks for reasoning in a form that can be sent again.
3. A turn that failed forgets what was remembered; an id that nobody knows is `previous_response_not_found`.
4. `generate: false` answers nothing: its items are remembered under an id, to go on from.
5. Errors are events: `{"type": "error", "status": ..., "error": {...}}`. The connection stays open.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

import msgspec

from tollbridge.errors import APIError, BadRequestError
from tollbridge.live.door import Door, error_event, tell
from tollbridge.model.fold import unfold
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Choice, Finish, Response, Usage
from tollbridge.observe import Record
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import ClientGone, Headers, Inbound
from tollbridge.server.pipeline import Conversation
from tollbridge.transport.channel import Channel, Closed
from tollbridge.transport.frames import INTERNAL, NORMAL, TEXT, UNSUPPORTED
from tollbridge.wires.base import Head
from tollbridge.wires.openai_responses import OPENAI_RESPONSES
from tollbridge.wires.sse import SseParser

PENDING_MAX = 16
"""Turns that wait for the one before them."""
REMEMBERED_BYTES_MAX = 32 * 1024 * 1024
ENCRYPTED = "reasoning.encrypted_content"
_ENDS = (Closed, ClientGone)
_TERMINAL = frozenset({"response.completed", "response.incomplete"})
_NOT_HERE = ("type", "stream", "background", "generate", "stream_options")

_encode = msgspec.json.Encoder().encode


class Remembered(msgspec.Struct, frozen=True, eq=False):
    """`root`: the response that somebody keeps, from which it went on; `items`: all input and output since."""

    id: str
    root: str | None
    items: list[Json]


class Turns:
    """Of one connection."""

    def __init__(self, gateway: Gateway, door: Door, inbound: Inbound, record: Record, channel: Channel) -> None:
        self._gateway = gateway
        self._door = door
        self._inbound = inbound
        self._record = record
        self._channel = channel
        self._heard = asyncio.Event()
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(PENDING_MAX)
        self._last: Remembered | None = None
        self._count = 0

    async def run(self) -> None:
        """Until the client leaves."""
        tasks = [
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._answer()),
            asyncio.create_task(self._door.watch(self._inbound, self._channel, self._heard)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            failed = [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, _ENDS)]
            why = self._channel.closed
            self._channel.close(INTERNAL if failed else NORMAL if why is None else why.tellable)
        if failed:
            raise failed[0]

    async def _listen(self) -> None:
        """Also while a turn is answered: who leaves takes it along."""
        while True:
            message = await self._channel.receive()
            self._heard.set()
            if message.kind != TEXT:
                self._channel.close(UNSUPPORTED, "messages are JSON")
                return
            await self._waiting.put(message.data)

    async def _answer(self) -> None:
        while True:
            data = await self._waiting.get()
            try:
                await self._turn(data)
            except APIError as error:
                self._last = None
                await tell(self._channel, error)
            self._heard.set()

    async def _turn(self, data: bytes) -> None:
        """Raises APIError."""
        event = _event(data)
        if event.get("type") != "response.create":
            raise BadRequestError("The `type` of a message is `response.create`.", param="type")
        inner = event.get("response")
        body = dict(inner) if isinstance(inner, dict) and "model" not in event else dict(event)
        for name in _NOT_HERE:
            body.pop(name, None)
        given = _items(body.get("input"))
        root, items = self._led_to(body)
        if event.get("generate") is False:
            await self._warm(body, root, [*items, *given])
            return
        kept = body.get("store") is not False
        if not kept:
            include = body.get("include")
            if include is None or isinstance(include, list):
                body["include"] = [*(include or []), *(() if ENCRYPTED in (include or []) else (ENCRYPTED,))]
        said = _Said(self._channel)
        await self._ask(body, said)
        if said.response is None:
            self._last = None
            return
        id, output = str(said.response.get("id")), said.response.get("output")
        if kept:
            self._remember(id, id, [])
        else:
            self._remember(id, root, [*items, *given, *(output if isinstance(output, list) else [])])

    def _led_to(self, body: JsonObject) -> tuple[str | None, list[Json]]:
        """What the turn goes on from: the last response that is kept, and the items since, which are put into the
        body."""
        previous, last = body.get("previous_response_id"), self._last
        if last is None or previous != last.id:
            return previous if isinstance(previous, str) else None, []
        body["previous_response_id"] = last.root
        if last.root is None:
            del body["previous_response_id"]
        if last.items:
            body["input"] = [*last.items, *_items(body.get("input"))]
        return last.root, last.items

    def _remember(self, id: str, root: str | None, items: list[Json]) -> None:
        whole = not items or len(_encode(items)) <= REMEMBERED_BYTES_MAX
        self._last = Remembered(id, root, items) if whole else None

    async def _warm(self, body: JsonObject, root: str | None, items: list[Json]) -> None:
        """Nobody is asked."""
        id = f"resp_ws{secrets.token_hex(20)}"
        self._remember(id, root, items)
        model = body.get("model")
        empty = Response(
            id=id,
            model=model if isinstance(model, str) else "",
            created=int(time.time()),
            choices=(Choice(finish=Finish(reason="stop")),),
            usage=Usage(),
        )
        writer, said = OPENAI_RESPONSES.stream_writer(Head(id=id, model=empty.model)), _Said(self._channel)
        for event in unfold(empty):
            said.write(writer.write(event))
        said.write(writer.close())
        await said.flushed()

    async def _ask(self, body: JsonObject, said: _Said) -> None:
        self._count += 1
        inbound = self._inbound
        asked = Inbound(
            "POST",
            inbound.path,
            "",
            {**inbound.headers, b"content-type": b"application/json"},
            inbound.peer,
            inbound.scheme,
            inbound.host,
            0.0,  # long ago: who asks is asked for anew
            inbound.body_limit,
            _encode({**body, "stream": True}),
            inbound.route,
            inbound.principal,
            id=f"{self._record.request_id}-{self._count}",
        )
        record = Record(
            request_id=asked.id,
            endpoint=self._record.endpoint,
            at=time.time(),
            began=time.monotonic(),
            method="GET",
            key_id=self._record.key_id,
            client=self._record.client,
            peer=self._record.peer,
        )
        loop = asyncio.get_running_loop()
        turn = asyncio.create_task(Conversation(self._gateway, OPENAI_RESPONSES, asked, said, record, loop).run())
        leaving = asyncio.create_task(self._channel.gone())
        try:
            await asyncio.wait({turn, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                said.lose()
            await turn
            await said.flushed()
        finally:
            leaving.cancel()
            turn.cancel()
            await asyncio.gather(turn, leaving, return_exceptions=True)


class _Said:
    """A `Responder` that sends each event of a stream as a message. `response`: the one that was completed."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._parse = SseParser()
        self._outbox: list[bytes] = []
        self._on_gone: Callable[[], None] | None = None
        self._over = False
        self._sending: asyncio.Task[None] | None = None
        self.started = False
        self.gone = False
        self.response: JsonObject | None = None

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """An error: a stream was asked for."""
        told = _event(body).get("error")
        detail = told if isinstance(told, dict) else {"message": "The request failed.", "type": "api_error"}
        self._post(_encode({"type": "error", "status": status, "error": detail}))
        self._over = self.started = True

    def start(self, status: int, headers: Headers) -> None:
        self.started = True

    def write(self, data: bytes) -> None:
        for framed in self._parse.feed(data):
            if not framed.data or framed.data == "[DONE]":
                continue
            event = _event(framed.data.encode())
            if event.get("type") in _TERMINAL and isinstance(event.get("response"), dict):
                self.response = event["response"]
            self._post(framed.data.encode())

    async def drain(self) -> None:
        await self._flush()
        if self.gone:
            raise ClientGone

    def finish(self) -> None:
        self._over = True

    def abort(self) -> None:
        if not self._over:
            self._over = True
            error = BadRequestError("The response broke off.", code="response_broken")
            self._post(_encode(error_event(error)))

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        self._on_gone = callback
        if self.gone and callback is not None:
            callback()

    def lose(self) -> None:
        self.gone = True
        callback, self._on_gone = self._on_gone, None
        if callback is not None:
            callback()

    def _post(self, message: bytes) -> None:
        self._outbox.append(message)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        try:
            while self._outbox:
                await self._channel.send(self._outbox.pop(0))
        except Closed:
            self._outbox.clear()

    async def _flush(self) -> None:
        if self._sending is not None:
            await asyncio.shield(self._sending)

    async def flushed(self) -> None:
        """All that was written is on its way."""
        await self._flush()


def _event(data: bytes) -> JsonObject:
    try:
        value: Json = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _items(given: Json) -> list[Json]:
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return given if isinstance(given, list) else []
