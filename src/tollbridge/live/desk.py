"""The routes of WebSockets."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.calls.place import Place
from tollbridge.errors import APIError
from tollbridge.live.door import Door
from tollbridge.live.realtime import Session, asked
from tollbridge.live.responses import Turns
from tollbridge.observe import Record
from tollbridge.server.accounting import failed
from tollbridge.server.answers import error_answer, own_headers, shown_to
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import ClientGone, Inbound, Responder
from tollbridge.server.routes import Mount, Route
from tollbridge.transport.frames import GOING_AWAY
from tollbridge.transport.websocket import WebSockets
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

REALTIME = ("/v1/realtime", "/realtime", "/openai/v1/realtime", "/openai/realtime")
RESPONSES = ("/v1/responses", "/responses", "/openai/v1/responses", "/openai/responses")


class LiveDesk:
    def __init__(self, gateway: Gateway, door: Door, sockets: WebSockets, accounts: Mapping[str, Place]) -> None:
        """`accounts`: the places, by who we are there."""
        self._gateway = gateway
        self._door = door
        self._sockets = sockets
        self._accounts = dict(accounts)

    def routes(self) -> tuple[Route, ...]:
        def route(path: str, mount: Mount, dialect: str) -> Route:
            return Route(
                methods=("GET",),
                path=path,
                handler="mounted",
                access="key",
                dialect=dialect,
                mount=mount,
                switches=True,
            )

        return (
            *(route(path, self._realtime, OPENAI_CHAT.name) for path in REALTIME),
            *(route(path, self._responses, OPENAI_RESPONSES.name) for path in RESPONSES),
        )

    async def _realtime(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        gateway, dialect = self._gateway, OPENAI_CHAT
        try:
            self._door.check(inbound)
            wanted = asked(gateway, self._accounts, inbound, record)
            async with self._door.place(inbound):
                session = Session(gateway, self._door, self._sockets, inbound, record)
                upstream = await session.open_upstream(wanted)
                try:
                    client = self._door.open(inbound, responder, record, dialect)
                except ClientGone:
                    upstream.close(GOING_AWAY)
                    raise
                await session.run(wanted, client, upstream)
        except APIError as error:
            self._refuse(error, inbound, responder, record)

    async def _responses(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        try:
            self._door.check(inbound)
            async with self._door.place(inbound):
                channel = self._door.open(inbound, responder, record, OPENAI_RESPONSES)
                await Turns(self._gateway, self._door, inbound, record, channel).run()
        except APIError as error:
            self._refuse(error, inbound, responder, record)

    def _refuse(self, error: APIError, inbound: Inbound, responder: Responder, record: Record) -> None:
        status, headers, body = error_answer(OPENAI_CHAT, shown_to(inbound.principal, error))
        record.status = status
        failed(record, error)
        responder.reply(status, [*headers, own_headers(record, OPENAI_CHAT)], body)
