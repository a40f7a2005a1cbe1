"""The application behind the listener: admits a request before its body is read, then hands it to its handler."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import os
import time
from collections.abc import Awaitable, Coroutine, Sequence
from functools import lru_cache
from typing import Any, assert_never

import msgspec

from tollbridge.errors import (
    APIError,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    ServiceUnavailableError,
)
from tollbridge.observe import Record
from tollbridge.observe.audit import audit
from tollbridge.policy.access import ALL, Access
from tollbridge.policy.principal import Principal
from tollbridge.secret import without_keys
from tollbridge.server.accounting import failed
from tollbridge.server.annex import Annex, known
from tollbridge.server.answers import JSON, error_answer, own_headers
from tollbridge.server.cors import Cors
from tollbridge.server.count_tokens import count_tokens
from tollbridge.server.crossing import CrossingResponder
from tollbridge.server.gateway import Gateway
from tollbridge.server.identify import confirm, presented_key, take_protocol_key, take_query_key
from tollbridge.server.inbound import Headers, Inbound, Refusal, Responder, plain_refusal
from tollbridge.server.managed import BODY_BYTES_MAX, Management
from tollbridge.server.models import list_models, shape_for, show_model, spoken_by
from tollbridge.server.pipeline import Conversation
from tollbridge.server.routes import ROUTES, Match, Route, RouteTable
from tollbridge.wires.base import Wire
from tollbridge.wires.dialects import CHAT

LOOPBACK = ("127.", "::1", "::ffff:127.")
RELAYED = frozenset({b"x-forwarded-for", b"forwarded", b"via", b"x-real-ip"})
"""A request with one of these came through a proxy: its peer's loopback address says nothing."""
EXPOSITION = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")

_encode = msgspec.json.Encoder().encode


ACCOUNTED = frozenset({"generate", "task", "complete", "compact"})
"""Handlers that account for a request themselves."""


class App:
    """`server.inbound.Application`. `gateway` may be replaced while it runs: a request keeps the one it met."""

    def __init__(self, gateway: Gateway, cors: Cors | None = None, managed: Sequence[Route | Annex] = ()) -> None:
        """`managed`: the routes of rooms above."""
        self.gateway = gateway
        self._cors = cors
        self._all = (*ROUTES, *managed)
        self._find_routes()
        self._management = Management()
        self._prefix = os.urandom(5).hex()
        self._count = itertools.count(1)
        self._loop: asyncio.AbstractEventLoop | None = None

    def _find_routes(self) -> None:
        self._routes = RouteTable(known(self._all))
        self._closed = [one for one in self._all if isinstance(one, Annex) and not one.opened]

    def admit(self, inbound: Inbound) -> Refusal | Awaitable[Refusal | None] | None:
        match = inbound.route
        if inbound.known is None or inbound.query or not isinstance(match, Match) or match.route.handler != "generate":
            for annex in self._closed:
                if annex.holds(inbound.path):
                    return self._enter(annex, inbound)
            match = self._match(inbound)
            if isinstance(match, Refusal):
                return match
            inbound.route = match
            if match.route.handler == "mounted":
                inbound.flows, inbound.switches = match.route.flows, match.route.switches
        # else this very head was let in before, and nothing but its key can have changed
        try:
            if inbound.websocket:
                take_protocol_key(inbound)
            if inbound.query and match.route.key_in_query:
                take_query_key(inbound)
            principal = (
                self.gateway.authenticator.authenticate(inbound.headers, inbound.known)
                if match.route.access == "key" and match.route.door is None
                else self._identify(inbound, match)
            )
        except APIError as error:
            return self._turned_away(inbound, match, error)
        if principal is None or isinstance(principal, Principal):
            inbound.principal = principal
            return None if match.route.handler != "managed" else self._admit_managed(inbound, match)
        return self._look_up(inbound, match, principal)

    def served(self) -> Sequence[Route]:
        """All routes that can be asked now."""
        return self._routes.routes

    async def _enter(self, annex: Annex, inbound: Inbound) -> Refusal | None:
        """The first who asks there."""
        try:
            await annex.open()
        except APIError as error:
            return self._refused(inbound, error)
        self._find_routes()
        verdict = self.admit(inbound)
        return verdict if verdict is None or isinstance(verdict, Refusal) else await verdict

    def _match(self, inbound: Inbound) -> Match | Refusal:
        match = self._routes.find(inbound.path, inbound.method)
        if inbound.method == "OPTIONS" and (match is not None or inbound.path == "*"):
            return self._preflight(inbound)
        if match is None:
            return self._refused(inbound, NotFoundError(_absent(inbound.path, self._routes), code="unknown_url"))
        inbound.route = match
        if inbound.method not in match.route.methods:
            allowed = ", ".join(self._routes.methods(match.route))
            by_post = _colon_methods(match.route, self._routes) if inbound.method == "POST" else ""
            error = APIError(
                f"{match.route.path} takes {allowed}.{by_post}",
                status_code=405,
                type="invalid_request_error",
                fault="client",
            )
            return self._refused(inbound, error, ((b"allow", allowed.encode()),))
        return match

    async def _look_up(self, inbound: Inbound, match: Match, principal: Awaitable[Principal]) -> Refusal | None:
        try:
            inbound.principal = await principal
        except APIError as error:
            return self._turned_away(inbound, match, error)
        return None if match.route.handler != "managed" else self._admit_managed(inbound, match)

    def _turned_away(self, inbound: Inbound, match: Match, error: APIError) -> Refusal:
        door = match.route.door
        return self._refused(inbound, error, challenge=() if door is None else door.challenge(inbound, error))

    def _admit_managed(self, inbound: Inbound, match: Match) -> Refusal | None:
        inbound.body_limit = min(inbound.body_limit, BODY_BYTES_MAX)
        principal = inbound.principal
        if match.route.access != "admin" or principal is None or principal.admin:
            return None
        audit("refused", principal.id, route=match.route.path)
        return self._refused(inbound, PermissionDeniedError("This is for the admin: send the gateway's master key."))

    def handle(self, inbound: Inbound, responder: Responder) -> Coroutine[Any, Any, None]:
        match = inbound.route
        if not isinstance(match, Match):
            raise TypeError("a request is admitted before it is handled")
        if self._cors is not None and not inbound.switches:
            responder = CrossingResponder(responder, self._cors.answer_headers(inbound.headers))
        record = self._record(inbound, match)
        if match.route.handler == "generate":  # not by way of another coroutine: it is the hot path
            gateway, loop = self.gateway, self._loop or self._running_loop()
            dialect = gateway.dialects[match.route.dialect]
            return Conversation(gateway, dialect, inbound, responder, record, loop).run(match.id)
        if match.route.handler in ("task", "complete", "compact"):
            return self._task(inbound, responder, match, record)
        return self._handle(inbound, responder, match, record)

    async def _task(self, inbound: Inbound, responder: Responder, match: Match, record: Record) -> None:
        loop = self._loop or self._running_loop()
        await _run_of(match.route.handler)(self.gateway, self._dialect(match), inbound, responder, record, loop).run(
            match.id
        )

    async def _handle(self, inbound: Inbound, responder: Responder, match: Match, record: Record) -> None:
        gateway = self.gateway
        match match.route.handler:
            case "count_tokens":
                await count_tokens(gateway, self._dialect(match), inbound, responder, record, match.id)
            case "models" | "model":
                self._models(gateway, inbound, responder, record, match)
            case "readiness":
                status, state = _readiness(gateway)
                self._json(responder, record, match, {"status": state}, status)
            case "liveness":
                self._json(responder, record, match, {"status": "healthy"})
            case "metrics":
                record.status = 200
                responder.reply(200, [EXPOSITION], gateway.metrics.exposition())
            case "root":
                from tollbridge.server.front_page import front_page  # loaded by the first who looks

                record.status = 200
                headers, body = front_page(inbound.headers)
                responder.reply(200, [*headers, own_headers(record, self._dialect(match))], body)
            case "managed":
                await self._manage(inbound, responder, record, match)
            case "mounted":
                if match.route.mount is None:
                    raise TypeError(f"nothing is mounted at {match.route.path}")
                try:
                    await self._confirm(gateway, inbound, match.route)
                except APIError as error:
                    refusal = self._turned_away(inbound, match, error)
                    responder.reply(refusal.status, refusal.headers, refusal.body)
                    return
                await match.route.mount(inbound, responder, record, match.id)
        if match.route.access in ("key", "self", "admin") and not record.duration_ms:  # else it is accounted for
            record.duration_ms = (time.monotonic() - record.began) * 1000
            self._observe(record)

    async def _confirm(self, gateway: Gateway, inbound: Inbound, route: Route) -> None:
        """Raises APIError where who asked may not any more."""
        if route.door is None:
            await confirm(gateway.authenticator, inbound)
            return
        found = route.door.authenticate(inbound)
        inbound.principal = found if isinstance(found, Principal) else await found

    def refuse(self, inbound: Inbound | None, error: APIError) -> Refusal:
        return plain_refusal(error) if inbound is None else self._refused(inbound, error)

    def internal_error(self, inbound: Inbound) -> Refusal:
        error = InternalServerError("An error inside the gateway; its log tells more.", fault="gateway")
        accounted = isinstance(inbound.route, Match) and inbound.route.route.handler in ACCOUNTED
        return self._refused(inbound, error, accounted=accounted)

    def _identify(self, inbound: Inbound, match: Match) -> Principal | Awaitable[Principal] | None:
        """None: nobody needs to be known. Raises APIError."""
        match match.route.access:
            case "key" | "self" | "admin":
                if match.route.door is not None:
                    return match.route.door.authenticate(inbound)
                return self.gateway.authenticator.authenticate(inbound.headers, inbound.known)
            case "metrics":
                token = self.gateway.rules.metrics_token
                if token is None:
                    if not inbound.peer.startswith(LOOPBACK) or not RELAYED.isdisjoint(inbound.headers):
                        raise PermissionDeniedError("Metrics are for loopback; set `general_settings.metrics_token`.")
                elif not hmac.compare_digest(presented_key(inbound.headers), token.encode()):
                    raise AuthenticationError("This is not the metrics token.", code="invalid_api_key")
                return None
            case "open":
                return None
        assert_never(match.route.access)

    def _preflight(self, inbound: Inbound) -> Refusal:
        headers = None if self._cors is None else self._cors.preflight(inbound.method, inbound.headers)
        return Refusal(204, b"", headers or ())

    def _models(self, gateway: Gateway, inbound: Inbound, responder: Responder, record: Record, match: Match) -> None:
        record.model_requested = without_keys(match.id or "")
        access = _access(inbound)
        try:
            shape = shape_for(self._dialect(match), inbound.headers)
            if match.route.handler == "models":
                shown = list_models(gateway, shape, access, inbound.query)
            else:
                shown = show_model(gateway, match.id or "", shape, access)
            self._json(responder, record, match, shown)
        except APIError as error:
            status, headers, body = error_answer(self._clients(inbound, match), error)
            record.status = status
            failed(record, error)
            responder.reply(status, [*headers, own_headers(record, self._dialect(match))], body)

    async def _manage(self, inbound: Inbound, responder: Responder, record: Record, match: Match) -> None:
        if match.route.manager is None:
            raise TypeError(f"nobody manages {match.route.path}")
        error = await self._management.answer(
            match.route.manager,
            match.id,
            self._dialect(match),
            inbound,
            responder,
            record,
            self.gateway,
        )
        if error is not None:
            failed(record, error)

    def _json(self, responder: Responder, record: Record, match: Match, value: object, status: int = 200) -> None:
        record.status = status
        responder.reply(status, [JSON, own_headers(record, self._dialect(match))], _encode(value))

    def _refused(
        self,
        inbound: Inbound,
        error: APIError,
        extra: Headers = (),
        *,
        challenge: Headers = (),
        accounted: bool = False,
    ) -> Refusal:
        """The refusal in the dialect of the route, counted and logged unless it was `accounted` for. `challenge`: takes
        the place of the plain one."""
        match = inbound.route if isinstance(inbound.route, Match) else None
        record = self._record(inbound, match)
        dialect = self._clients(inbound, match)
        status, headers, body = error_answer(dialect, error)
        record.status = status
        failed(record, error)
        if not accounted:
            self._observe(record)
        told: Headers = headers
        if challenge:
            told = [*(header for header in headers if header[0] != b"www-authenticate"), *challenge]
        own = own_headers(record, dialect)
        crossing = self._cors.answer_headers(inbound.headers) if self._cors is not None else ()
        return Refusal(status, body, (*told, own, *extra, *crossing))

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _dialect(self, match: Match) -> Wire:
        return self.gateway.dialects[match.route.dialect]

    def _clients(self, inbound: Inbound, match: Match | None) -> Wire:
        """The dialect of who asks for what is not there, or for what each vendor has at the same path."""
        if match is None or match.route.handler in ("models", "model"):
            name = spoken_by(inbound.headers)
            if match is None or name != CHAT:
                return self.gateway.dialects[name]
        return self._dialect(match)

    def _record(self, inbound: Inbound, match: Match | None) -> Record:
        if not inbound.id:
            inbound.id = f"req_{self._prefix}{next(self._count):08x}"
        return Record(
            request_id=inbound.id,
            endpoint="unknown" if match is None else match.route.path,
            at=time.time(),
            began=time.monotonic(),
            method=inbound.method,
            key_id="" if inbound.principal is None else inbound.principal.id,
            client=_client(inbound.headers.get(b"user-agent", b"")[:200]),
            peer=inbound.peer,
        )

    def _observe(self, record: Record) -> None:
        self.gateway.observe(record, None)


@lru_cache(maxsize=1024)
def _client(user_agent: bytes) -> str:
    """As it stands in the log."""
    return without_keys(user_agent.decode("latin-1"))


def _run_of(handler: str) -> type[Conversation]:
    """Loaded by the first request of its kind."""
    if handler == "compact":
        from tollbridge.server.compaction import CompactionRun

        return CompactionRun
    from tollbridge.server.tasks import CompletionRun, TaskRun

    return CompletionRun if handler == "complete" else TaskRun


def _absent(path: str, routes: RouteTable) -> str:
    from tollbridge.server.astray import said_of  # loaded by the first who asks for what is not there

    return said_of(path, routes.exact(), lambda other: routes.find(other, "POST") is not None)


def _colon_methods(route: Route, routes: RouteTable) -> str:
    """What a model takes by POST in Gemini's manner, where the path names a model."""
    named = [f"{{id}}{tail}" for tail in routes.tails(route) if tail.startswith(":")]
    return f" By POST there are {', '.join(named)}." if named else ""


def _readiness(gateway: Gateway) -> tuple[int, str]:
    """Status and state. Where the operator serves without a journal its failure is told, and keeps nobody away."""
    if not gateway.load.ready:
        return 503, "draining"
    try:
        gateway.journal.check()
    except ServiceUnavailableError:
        return 503, "ledger_unavailable"
    return 200, "ledger_failing" if gateway.journal.failing else "healthy"


def _access(inbound: Inbound) -> Access:
    return ALL if inbound.principal is None else inbound.principal.access
