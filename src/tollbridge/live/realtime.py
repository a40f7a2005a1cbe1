"""`/v1/realtime`: a client's session with a provider's model, passed on message by message and metered by response.

Rules
1. Messages go on as they came, both ways, each at the pace of who takes them. Only `session.model` is looked at: it is
   the model that was asked for, or the message is refused.
2. A response costs something. Before `response.create` goes on, what the key may still use is held; where it is
   refused the client is told so in an event and the message stays here. A response that the provider begins by itself
   (it heard the end of a turn) is held when it begins, and cancelled where that is refused.
3. `response.done` tells what was used: one entry in the ledger for each, written before the client is told. A
   transcription by another model has an entry of its own, without a cost.
4. What was begun and not told is accounted for when the session ends, without a cost: it is not known.
"""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qsl, urlencode

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.calls.place import Place
from tollbridge.calls.redact import redact
from tollbridge.errors import APIError, BadRequestError, from_status
from tollbridge.live.door import MESSAGE_BYTES_MAX, Door, tell
from tollbridge.live.usage import read_usage
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.observe import Record, tokens
from tollbridge.secret import without_keys
from tollbridge.server.allowance import Held
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound
from tollbridge.server.notes import LOGGED_CHARACTERS_MAX, tags_in
from tollbridge.server.other_models import check_session
from tollbridge.server.reachable import check_price
from tollbridge.server.reading import permitted
from tollbridge.transport.channel import Channel, Closed
from tollbridge.transport.frames import INTERNAL, TEXT
from tollbridge.transport.websocket import Declined, WebSockets
from tollbridge.wires.openai_chat import OPENAI_CHAT

_encode = msgspec.json.Encoder().encode
_CREATE, _DONE, _CREATED = "response.create", "response.done", "response.created"
_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
_LOOKED_AT = (b"response.create", b"response.done", b"input_audio_transcription.completed", b"session.update")


class Asked(msgspec.Struct, frozen=True, eq=False):
    """Who answers, and where."""

    deployment: Deployment
    place: Place
    path: str
    query: str
    names: frozenset[str]


def asked(gateway: Gateway, accounts: dict[str, Place], inbound: Inbound, record: Record) -> Asked:
    """Raises APIError."""
    said = dict(parse_qsl(inbound.query, keep_blank_values=True))
    name, other = said.pop("model", ""), said.pop("deployment", "")
    name = name or other
    if not name:
        raise BadRequestError("The query lacks `model`.", param="model")
    principal = inbound.principal
    record.model_requested = without_keys(name[:LOGGED_CHARACTERS_MAX])
    if principal is None:
        raise TypeError("a session is open to nobody")
    group = permitted(gateway, principal.access, principal.access.named(name), record.model_requested)
    record.group = group.label
    if gateway.rules.block_unpriced:
        check_price(group)
    members = [one for one in group.members if one.account in accounts and _speaks(accounts[one.account])]
    members = [*gateway.engine.for_tags(members, tags_in(inbound.headers) or ())] if members else members
    ready = [one for one in members if one.id not in gateway.engine.routes.health.resting(gateway.engine.routes.now())]
    if not members:
        raise BadRequestError(
            f"The model {name[:100]!r} has no realtime sessions here.", param="model", code="unsupported_endpoint"
        )
    deployment = (ready or members)[0]
    place = accounts[deployment.account]
    for word in ("key", "api-key", "api_key"):
        said.pop(word, None)
    if place.root.keeps_at and place.root.versioned:  # Azure names the deployment
        said.pop("api-version", None)
        query = {"deployment": deployment.model, "api-version": place.root.versioned, **said}
    else:
        query = {"model": deployment.model, **said}
    path = f"{place.root.keeps_at}realtime"
    return Asked(deployment, place, path, urlencode(query), frozenset({name, deployment.model}))


def _speaks(place: Place) -> bool:
    return place.root.wire == OPENAI_CHAT.name


class Session:
    """One, from its handshake on."""

    def __init__(self, gateway: Gateway, door: Door, sockets: WebSockets, inbound: Inbound, record: Record) -> None:
        self._gateway = gateway
        self._door = door
        self._sockets = sockets
        self._inbound = inbound
        self._record = record
        self._heard = asyncio.Event()
        self._held: list[tuple[Held | None, float]] = []
        self._running: dict[str, tuple[Held | None, float]] = {}

    async def open_upstream(self, asked: Asked) -> Channel:
        """Raises APIError."""
        sent = [(name, value) for name, value in _passed(self._inbound)]
        request = await asked.place.outgoing("GET", asked.path, asked.query, sent)
        try:
            return await self._sockets.open(request, asked.place.timeouts, limit=MESSAGE_BYTES_MAX)
        except Declined as declined:
            body = redact(declined.body, asked.place.hidden)
            told = {name.decode("latin-1"): value.decode("latin-1") for name, value in declined.headers}
            if declined.status < 400:
                raise from_status(502)(str(declined), provider=asked.place.root.provider) from declined
            error = OPENAI_CHAT.read_error(declined.status, told, body)
            error.wire, error.provider = OPENAI_CHAT.name, asked.place.root.provider
            raise error from declined

    async def run(self, asked: Asked, client: Channel, upstream: Channel) -> None:
        """Until one of them closes; the other is told the same code."""
        tasks = [
            asyncio.create_task(self._up(asked, client, upstream)),
            asyncio.create_task(self._down(asked, client, upstream)),
            asyncio.create_task(self._door.watch(self._inbound, client, self._heard)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            failed = [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, Closed)]
            why = client.said or client.closed or upstream.closed
            if failed or why is None:
                why = Closed(INTERNAL)
            for channel in (client, upstream):
                channel.close(why.tellable, why.reason)
            self._left(asked)
        if failed:
            raise failed[0]

    async def _up(self, asked: Asked, client: Channel, upstream: Channel) -> None:
        while True:
            message = await client.receive()
            self._heard.set()
            data = message.data
            if message.kind == TEXT and any(mark in data for mark in (b"response.create", b'"session"', b"\\")):
                try:
                    data = self._judged(asked, data)
                except APIError as error:
                    await tell(client, error)
                    continue
            await upstream.send(data, message.kind)

    def _judged(self, asked: Asked, data: bytes) -> bytes:
        """What may go on. Raises APIError."""
        event = _event(data)
        session, principal = event.get("session"), self._inbound.principal
        if isinstance(session, dict) and principal is not None:
            check_session(principal.access, self._gateway.engine.routes.groups, session, asked.deployment)
        if isinstance(session, dict) and session.get("model") is not None:
            if session["model"] not in asked.names:
                raise BadRequestError("A session keeps the model that it began with.", param="session.model")
            data = _encode({**event, "session": {**session, "model": asked.deployment.model}})
        if event.get("type") == _CREATE:
            self._held.append((self._hold(), time.monotonic()))
        return data

    def _hold(self) -> Held | None:
        """Raises RateLimitError and BudgetExceededError, and what the journal says."""
        gateway, principal = self._gateway, self._inbound.principal
        gateway.journal.check()
        key = None if principal is None else principal.key
        return None if key is None else gateway.allowance.hold_unknown(key)

    async def _down(self, asked: Asked, client: Channel, upstream: Channel) -> None:
        while True:
            message = await upstream.receive()
            self._heard.set()
            if message.kind == TEXT and any(mark in message.data for mark in _LOOKED_AT):
                refused = self._seen(asked, _event(message.data))
                if refused is not None:
                    await tell(client, refused)
                    await upstream.send(_encode({"type": "response.cancel"}))
            await client.send(message.data, message.kind)

    def _seen(self, asked: Asked, event: JsonObject) -> APIError | None:
        """Why a response that the provider began may not go on; None where nothing is wrong."""
        kind, response = event.get("type"), event.get("response")
        if kind == _CREATED and isinstance(response, dict):
            id = str(response.get("id"))
            if self._held:
                self._running[id] = self._held.pop(0)
                return None
            try:
                self._running[id] = (self._hold(), time.monotonic())
            except APIError as error:
                self._running[id] = (None, time.monotonic())
                return error
        elif kind == _DONE and isinstance(response, dict):
            id = str(response.get("id"))
            begun = self._running.pop(id) if id in self._running else self._held.pop(0) if self._held else None
            held, began = (None, time.monotonic()) if begun is None else begun
            self._account(asked, read_usage(response.get("usage")), held, began, response)
        elif kind == _TRANSCRIBED and event.get("usage") is not None:
            self._account(asked, read_usage(event["usage"]), None, time.monotonic(), None)
        return None

    def _account(
        self, asked: Asked, usage: Usage | None, held: Held | None, began: float, response: JsonObject | None
    ) -> None:
        """One response. `response`: None of a transcription, by a model that is not the session's."""
        gateway, deployment, record = self._gateway, asked.deployment, self._record
        entry = msgspec.structs.replace(
            record,
            id=gateway.ulids.next(),
            at=time.time(),
            began=began,
            provider=deployment.provider,
            deployment=deployment.id,
            model=deployment.model if response is not None else "",
            answer_id="" if response is None else str(response.get("id"))[:200],
            status=200,
            attempts=1,
            relayed=True,
            stream=True,
            tokens=None if usage is None else tokens(usage),
            duration_ms=(time.monotonic() - began) * 1000,
        )
        if response is not None and usage is not None:
            entry.cost_nanousd, entry.priced = deployment.tariff.cost(usage), deployment.tariff.priced
        if response is not None and response.get("status") == "failed":
            entry.outcome = "upstream_error"
        elif response is not None and response.get("status") == "cancelled":
            entry.outcome = "cancelled"
        gateway.observe(entry, gateway.journal.append(entry))
        if held is not None:
            held.settle(entry)

    def _left(self, asked: Asked) -> None:
        """Responses of which the end was not told."""
        for held, began in self._running.values():
            self._account(asked, None, held, began, {"status": "cancelled", "id": ""})
        for held, _ in self._held:
            if held is not None:
                held.settle(msgspec.structs.replace(self._record, tokens=None, cost_nanousd=None))
        self._running, self._held = {}, []


def _passed(inbound: Inbound) -> list[tuple[str, str]]:
    """Of the client's headers."""
    beta = inbound.headers.get(b"openai-beta")
    return [] if beta is None else [("openai-beta", beta.decode("latin-1"))]


def _event(data: bytes) -> JsonObject:
    try:
        value: Json = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
