"""Clients of the revisions with a handshake: their requests, over Streamable HTTP and over HTTP+SSE.

1. `initialize` begins a session (`handshake.py`), which later requests name in `Mcp-Session-Id`; one that is unknown,
   over or somebody else's is 404, and the client begins anew. A request without a session is served all the same, as
   one that answers nothing and is told nothing later.
2. Who asks, and what they may do, is looked at with each request: a session remembers what was promised in the
   handshake, and no right.
3. What a server asks meanwhile goes out on the stream of the request that it is about; the answer comes as a POST.
4. A client that lost a stream asks for the rest by its last event's id (`streams.py`); the request goes on meanwhile.
5. `ping` and `logging/setLevel` are answered here; subscriptions are watches of the session (`following.py`).
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from tollbridge.mcp.call import Call, Caller, Credentials
from tollbridge.mcp.eras import error_to_legacy
from tollbridge.mcp.following import Following
from tollbridge.mcp.handshake import Visit, begin, greeting
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    Id,
    RpcError,
    decode,
    encode,
    failure,
    id_of,
    is_id,
    kind_of,
    no_method,
    notification,
    result,
)
from tollbridge.mcp.outflow import BEAT_S, JSON_TYPE, Outflow
from tollbridge.mcp.revisions import LOG_LEVELS, ONLY_MODERN, WITH_BATCHES, meta_of, subject_of, token_of
from tollbridge.mcp.rounds import Rounds
from tollbridge.mcp.run import Runner
from tollbridge.mcp.sessions import Running, Session, Sessions
from tollbridge.mcp.streams import MESSAGES, SESSION, Streams, session_named
from tollbridge.model.json import JsonObject
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.presence import broken_off

log = logging.getLogger("tollbridge.mcp")

BATCH_MAX = 100
RETRY_MS = 1000
PRIMED = frozenset({"2025-11-25"})
"""Revisions in which a stream begins with an event that it can be resumed by."""


class Legacy:
    def __init__(self, hub: Hub, runner: Runner) -> None:
        self._hub = hub
        self._runner = runner
        self._following = Following(hub)
        self._sessions = Sessions(self._following.over)
        self._beats = Rounds(BEAT_S)
        self._streams = Streams(self._sessions, self._beats)

    async def handle(
        self,
        inbound: Inbound,
        responder: Responder,
        record: Record,
        credentials: Credentials,
        wanted: tuple[str, ...] | None,
        *,
        alone: bool,
    ) -> None:
        visit = Visit(inbound, responder, record, credentials, wanted, alone)
        session = self._session(visit)
        if inbound.method == "POST":
            await self._post(visit, session)
        elif inbound.method == "GET" and session is not None:
            await self._streams.follow(visit, session)
        elif inbound.method == "GET":
            await self._streams.sse(visit)
        elif session is not None:
            self._sessions.end(session)
            record.status = 204
            responder.reply(204, [], b"")
        else:
            raise RpcError(INVALID_REQUEST, "`Mcp-Session-Id` is missing.", status=400)

    def _session(self, visit: Visit) -> Session | None:
        """Raises RpcError where one is named that is not there."""
        id = session_named(visit.inbound)
        if id is None:
            return None
        session = self._sessions.find(id, visit.principal.id)
        if session is None:
            raise RpcError(INVALID_REQUEST, "Session not found: begin anew with `initialize`.", status=404)
        session.caller = visit.seen(session.caller)
        return session

    async def _post(self, visit: Visit, session: Session | None) -> None:
        responder, record = visit.responder, visit.record
        id: Id | None = None
        try:
            body = decode(visit.inbound.body)
            batch = body if isinstance(body, list) else None
            if batch is not None and (not 0 < len(batch) <= BATCH_MAX or not _batches(session)):
                raise RpcError(INVALID_REQUEST, "A batch is of no use here: send one message.", status=400)
            messages: list[JsonObject] = batch if batch is not None else [body]
            id = id_of(messages[0])
            kinds = [kind_of(message) for message in messages]
        except RpcError as error:
            record.status = 400
            responder.reply(400, [JSON_TYPE], encode(failure(id, error)))
            return
        if session is None and kinds == ["request"] and messages[0]["method"] == "initialize":
            await self._initialize(visit, messages[0])
            return
        if session is None:
            session = Session(visit.nobody(), "", visit.wanted, alone=visit.alone)
        for message, kind in zip(messages, kinds, strict=True):
            if kind == "response":
                session.answered(message)
            elif kind == "notification":
                await self._noted(session, message["method"], message.get("params") or {})
        requests = [message for message, kind in zip(messages, kinds, strict=True) if kind == "request"]
        record.status = 200 if requests and visit.inbound.path != MESSAGES else 202
        if not requests:
            responder.reply(202, [], b"")
        elif visit.inbound.path == MESSAGES:
            responder.reply(202, [], b"Accepted")
            for message in requests if session.stream is not None else ():
                await self._over_sse(session, message, record)
        else:
            await self._answered(visit, session, requests, batch=batch is not None)

    async def _initialize(self, visit: Visit, message: JsonObject) -> None:
        session = Session(visit.nobody(), "", visit.wanted, alone=visit.alone)
        begin(session, message.get("params") or {})
        headers = [JSON_TYPE, (SESSION, session.id.encode())]
        visit.record.status = 200
        try:
            told = result(message["id"], await greeting(self._hub, session))
        except RpcError as error:
            visit.responder.reply(200, [JSON_TYPE], encode(failure(message["id"], error)))
            return
        self._sessions.begin(session)
        visit.responder.reply(200, headers, encode(told))

    async def _over_sse(self, session: Session, message: JsonObject, record: Record) -> None:
        stream = session.stream
        if stream is not None:
            stream.say(await self._one(session, session.caller, message, stream, record))

    async def _answered(self, visit: Visit, session: Session, requests: list[JsonObject], *, batch: bool) -> None:
        responder, record = visit.responder, visit.record
        accept = visit.inbound.headers.get(b"accept", b"")
        streams = b"text/event-stream" in accept or b"*/*" in accept or not accept
        flow = session.new_stream()
        store = session.store(flow) if session.id else None
        out = Outflow(
            responder,
            self._beats,
            streams=streams,
            store=store,
            retry_ms=RETRY_MS if session.version in PRIMED else None,
            lost=lambda: gone(always=True),
        )
        caller = session.caller
        work = asyncio.ensure_future(self._all(session, caller, requests, out, record, batch=batch))

        def gone(*, always: bool = False) -> None:
            """What has begun as a stream can be resumed: it goes on, unless it was broken off from here."""
            if always or not out.streaming or store is None:
                work.cancel()

        session.flows[flow] = out
        responder.on_gone(gone)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError as error:
            broken_off(record, error)
            if not work.done():
                work.cancel(*error.args)
            out.end()
            if not responder.gone and not work.cancelled():
                raise
        finally:
            responder.on_gone(None)
            session.flows.pop(flow, None)

    async def _all(
        self,
        session: Session,
        caller: Caller,
        requests: list[JsonObject],
        out: Outflow,
        record: Record,
        *,
        batch: bool,
    ) -> None:
        if not batch:
            out.finish(await self._one(session, caller, requests[0], out, record, whole=True))
            return
        out.finish(await asyncio.gather(*(self._one(session, caller, one, out, record) for one in requests)))

    async def _one(
        self,
        session: Session,
        caller: Caller,
        message: JsonObject,
        out: Outflow,
        record: Record,
        *,
        whole: bool = False,
    ) -> JsonObject:
        """The answer to one request. `whole`: the record is of nothing else."""
        id, method, params = message["id"], message["method"], message.get("params") or {}
        running = session.running[id] = Running()
        try:
            return result(id, await self._run(session, caller, method, params, out, record, whole=whole))
        except RpcError as error:
            return failure(id, error_to_legacy(method, error, from_modern=True))
        except asyncio.CancelledError:
            if not running.forgiven():
                raise
            return failure(id, RpcError(INVALID_REQUEST, "The request was cancelled."))
        except Exception:
            log.exception("an MCP request failed")
            return failure(id, RpcError(INTERNAL_ERROR, "An error inside the gateway; its log tells more."))
        finally:
            if session.running.get(id) is running:
                del session.running[id]

    async def _run(
        self,
        session: Session,
        caller: Caller,
        method: str,
        params: JsonObject,
        out: Outflow,
        record: Record,
        *,
        whole: bool,
    ) -> JsonObject:
        if method in ONLY_MODERN:  # whoever probes by one would go on in the newer era, which has no such session
            raise no_method(method)
        view = self._hub.view(caller, session.wanted, alone=session.alone)
        match method:
            case "ping":
                return {}
            case "initialize":
                if session.version or not session.id:
                    raise RpcError(INVALID_REQUEST, "This session has begun already.")
                begin(session, params)
                return await greeting(self._hub, session)
            case "logging/setLevel":
                level = params.get("level")
                if level not in LOG_LEVELS:
                    raise RpcError(INVALID_PARAMS, f"`level` is one of {', '.join(LOG_LEVELS)}.")
                session.level = level
                return {}
            case "resources/subscribe":
                return await self._following.subscribe(session, view, params)
            case "resources/unsubscribe":
                return await self._following.unsubscribe(session, view, params)

        async def ask(_server: str, method: str, params: JsonObject) -> JsonObject:
            return await session.ask(out, method, params)

        def tell(method: str, params: JsonObject) -> None:
            out.say(notification(method, params))

        call = Call(
            method,
            subject_of(params),
            caller,
            tell=tell,
            ask=ask if session.id else None,
            progress_token=token_of(meta_of(params)),
            log_level=session.level,
            room=out.room,
        )
        return await self._runner.run(view, call, record, whole=whole)

    async def _noted(self, session: Session, method: str, params: JsonObject) -> None:
        if method == "notifications/cancelled":
            id = params.get("requestId")
            running = session.running.get(id) if is_id(id) else None
            if running is not None:
                running.withdraw()
        elif method == "notifications/roots/list_changed" and session.id:
            for upstream in self._hub.upstreams.values():
                await upstream.links.note(session.id, method, params)
        elif method == "notifications/initialized" and session.id:
            await self._following.lists(session)

    def holds(self, principal: str) -> bool:
        """It has a session."""
        return self._sessions.held_by(principal)

    def changed(self, principal: Principal) -> None:
        """It may use other servers than before."""
        for session in self._sessions.of(principal.id):
            session.caller = msgspec.structs.replace(session.caller, principal=principal)
            self._following.changed(session)

    def end(self, principal: str) -> None:
        """Its sessions."""
        self._sessions.end_of(principal)

    def close(self) -> None:
        self._sessions.close()


def _batches(session: Session | None) -> bool:
    return session is None or session.version in WITH_BATCHES or not session.version
