"""Management routes: a handler that takes a `Call` and gives a `Reply`, JSON in and JSON out.

Rooms above the server declare them as routes (`handler="managed"`, with the function), and the application is given
them when it is made. Here is what they share: the query and the body are read strictly (no name twice, no NaN, no
UTF-16, nothing but an object), errors are OpenAI's, and an answer is kept by nobody (it may hold a key).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from tollbridge.errors import APIError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.server.answers import JSON, NO_STORE, error_answer, own_headers, shown_to
from tollbridge.server.identify import confirm
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.turns import Turns
from tollbridge.wires.base import Wire

if TYPE_CHECKING:
    from tollbridge.server.gateway import Gateway

BODY_BYTES_MAX = 1024 * 1024
PARAMETERS_MAX = 50
ASKED_MAX = 4
FOLLOWED_MAX = 50

_encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """`id`: what stands for `{id}` in the path. `query`: decoded. `body`: empty where none was sent. `method`: where a
    route has several."""

    principal: Principal
    method: str = "GET"
    query: Mapping[str, str] = {}
    body: JsonObject = {}
    id: str = ""

    def __repr__(self) -> str:
        """Shows nothing of what was said: keys stand in it."""
        return f"<Call of {self.principal.id}>"


class Reply(msgspec.Struct, frozen=True):
    """`events`: of a stream, in place of a body."""

    body: Json
    status: int = 200
    events: AsyncIterator[bytes] | None = None


Manager = Callable[[Call], Awaitable[Reply]]
"""Raises APIError."""


class Management:
    """The management routes of one application. What a key asks here is read from the database, which is everybody's,
    and what it follows is a stream among everybody's: it has `ASKED_MAX` requests and `FOLLOWED_MAX` streams under way
    at once, which count against none of its limits."""

    def __init__(self) -> None:
        self._asked = Turns(ASKED_MAX, "requests of this kind", "too_many_management_requests")
        self._followed = Turns(FOLLOWED_MAX, "streams of this kind", "too_many_followed_streams")

    async def answer(
        self,
        manager: Manager,
        id: str | None,
        dialect: Wire,
        inbound: Inbound,
        responder: Responder,
        record: Record,
        gateway: Gateway,
    ) -> APIError | None:
        """The error that it answered with, or None."""
        own = own_headers(record, dialect)
        try:
            await confirm(gateway.authenticator, inbound)
            principal = inbound.principal
            if principal is None:
                raise TypeError("a management route is open to nobody")
            call = Call(
                principal=principal,
                method=inbound.method,
                query=read_query(inbound.query),
                body=read_body(inbound.body),
                id=id or "",
            )
            with self._asked.one_of(principal):
                reply = await manager(call)
            if reply.events is not None:
                from tollbridge.server.following import follow  # which knows the gateway, whose parts manage

                with self._followed.one_of(principal):
                    record.status, record.stream = reply.status, True
                    await follow(gateway, dialect, reply.events, responder, (NO_STORE, own))
                return None
        except APIError as error:
            status, headers, body = error_answer(dialect, shown_to(inbound.principal, error))
            record.status, record.stream = status, False
            responder.reply(status, [*headers, NO_STORE, own], body)
            return error
        record.status = reply.status
        responder.reply(reply.status, [JSON, NO_STORE, own], _encode(reply.body))
        return None


def read_query(query: str) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_MAX)
    except ValueError as error:
        raise BadRequestError("The query cannot be read.") from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise BadRequestError("The query holds a NUL, which is part of no text here.")
    return _once(pairs, BadRequestError, "The query")


def read_body(body: bytes) -> JsonObject:
    if not body:
        return {}
    try:
        value = msgspec.json.decode(body)  # strict: UTF-8, no NaN, no lone surrogates
        json.loads(body, object_pairs_hook=lambda pairs: _once(pairs, BadRequestError, "The body"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadRequestError(f"The body is no JSON that can be read: {error}"[:300]) from error
    if not isinstance(value, dict):
        raise BadRequestError("The body must be a JSON object.")
    return value


def _once(pairs: list[tuple[str, Any]], refusal: type[APIError], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise refusal(f"{where} says {name[:100]!r} twice.", param=name[:100])
        found[name] = value
    return found
