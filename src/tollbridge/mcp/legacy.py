"""Clients of the revisions with a handshake: over Streamable HTTP, and over HTTP+SSE.

1. `initialize` begins a session, which later requests name in `Mcp-Session-Id`; one that is unknown, over or somebody
   else's is 404, and the client begins anew. A request without a session is served all the same, as one that answers
   nothing and is told nothing later.
2. What a server asks meanwhile goes out on the stream of the request that it is about; the answer comes as a POST.
3. A client that lost a stream asks for the rest by its last event's id; the request goes on meanwhile.
4. `ping` and `logging/setLevel` are answered here; subscriptions are watches of the session (`watching.py`).
"""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import parse_qs

from tollbridge.mcp.call import Call, Caller, Credentials
from tollbridge.mcp.capabilities import to_legacy_client
from tollbridge.mcp.eras import error_to_legacy
from tollbridge.mcp.hub import Hub, View
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
    kind_of,
    notification,
    result,
)
from tollbridge.mcp.names import uri_of
from tollbridge.mcp.outflow import JSON_TYPE, Outflow
from tollbridge.mcp.revisions import (
    CLIENT_CAPABILITIES,
    LOG_LEVELS,
    WITH_BATCHES,
    meta_of,
    negotiated,
    subject_of,
    token_of,
)
from tollbridge.mcp.run import Runner
from tollbridge.mcp.sessions import Session, Sessions, new_id
from tollbridge.mcp.sse import write_event
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.watching import LISTS, UPDATED, Watch
from tollbridge.model.json import JsonObject
from tollbridge.observe import Record
from tollbridge.server.inbound import Inbound, Responder

log = logging.getLogger("tollbridge.mcp")

SESSION = b"mcp-session-id"
BATCH_MAX = 100
RETRY_MS = 1000
PRIMED = frozenset({"2025-11-25"})
"""Revisions in which a stream begins with an event that it can be resumed by."""


class Legacy:
    def __init__(self, hub: Hub, runner: Runner) -> None:
        self._hub = hub
        self._runner = runner
        self._sessions = Sessions(self._over)
        self._ending: set[asyncio.Task[None]] = set()

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
        assert inbound.principal is not None
        session = self._session(inbound)
        if inbound.method == "POST":
            await self._post(inbound, responder, record, credentials, wanted, session, alone=alone)
        elif inbound.method == "GET" and session is not None:
            await self._stream(inbound, responder, record, session)
        elif inbound.method == "GET":
            await self._sse(inbound, responder, record, credentials, wanted, alone=alone)
        elif session is not None:
            self._sessions.end(session)
            record.status = 204
            responder.reply(204, [], b"")
        else:
            raise RpcError(INVALID_REQUEST, "`Mcp-Session-Id` is missing.", status=400)

    def _session(self, inbound: Inbound) -> Session | None:
        """Raises RpcError where one is named that is not there."""
        assert inbound.principal is not None
        value = inbound.headers.get(SESSION)
        id = None if value is None else value.decode("latin-1")
        if id is None and inbound.path == "/sse/messages":
            id = (parse_qs(inbound.query).get("session_id") or [""])[0]
        if id is None:
            return None
        session = self._sessions.find(id, inbound.principal.id)
        if session is None:
            raise RpcError(INVALID_REQUEST, "Session not found: begin anew with `initialize`.", status=404)
        return session

    async def _post(
        self,
        inbound: Inbound,
        responder: Responder,
        record: Record,
        credentials: Credentials,
        wanted: tuple[str, ...] | None,
        session: Session | None,
        *,
        alone: bool,
    ) -> None:
        assert inbound.principal is not None
        id: Id | None = None
        try:
            body = decode(inbound.body)
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
            session = self._begun(messages[0].get("params") or {}, inbound, credentials, wanted, alone=alone)
            await self._initialize(session, messages[0]["id"], responder, record)
            return
        if session is None:
            caller = Caller(principal=inbound.principal, modern=False, credentials=credentials)
            session = Session(caller, "", wanted, alone=alone)
        for message, kind in zip(messages, kinds, strict=True):
            if kind == "response":
                session.answered(message)
            elif kind == "notification":
                await self._noted(session, message["method"], message.get("params") or {})
        requests = [message for message, kind in zip(messages, kinds, strict=True) if kind == "request"]
        over_sse = inbound.path == "/sse/messages"
        if not requests:
            record.status = 202
            responder.reply(202, [], b"")
            return
        record.status = 200
        if over_sse:
            responder.reply(202, [], b"Accepted")
            if session.stream is not None:
                await self._all(session, requests, session.stream, record, batch=False, over_sse=True)
            return
        await self._answered(session, requests, inbound, responder, record, batch=batch is not None)

    async def _answered(
        self,
        session: Session,
        requests: list[JsonObject],
        inbound: Inbound,
        responder: Responder,
        record: Record,
        *,
        batch: bool,
    ) -> None:
        accept = inbound.headers.get(b"accept", b"")
        streams = b"text/event-stream" in accept or b"*/*" in accept or not accept
        store = session.store(session.new_stream()) if session.id else None
        out = Outflow(responder, streams=streams, store=store)
        work = asyncio.ensure_future(self._all(session, requests, out, record, batch=batch))

        def gone() -> None:
            """What has begun as a stream can be resumed: it goes on."""
            if not out.streaming or store is None:
                work.cancel()

        responder.on_gone(gone)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            record.status, record.outcome = 499, "cancelled"
            if not work.done():
                work.cancel()
            out.end()
            if not responder.gone and not work.cancelled():
                raise
        finally:
            responder.on_gone(None)

    async def _all(
        self,
        session: Session,
        requests: list[JsonObject],
        out: Outflow,
        record: Record,
        *,
        batch: bool,
        over_sse: bool = False,
    ) -> None:
        if over_sse:
            for message in requests:
                out.say(await self._one(session, message, out, record))
            return
        answers = await asyncio.gather(*(self._one(session, message, out, record) for message in requests))
        out.finish(answers if batch else answers[0])

    async def _one(self, session: Session, message: JsonObject, out: Outflow, record: Record) -> JsonObject:
        """The answer to one request."""
        id, method, params = message["id"], message["method"], message.get("params") or {}
        view = self._hub.view(session.caller, session.wanted, alone=session.alone)
        task = asyncio.ensure_future(self._run(session, view, method, params, out, record))
        session.running[id] = task  # type: ignore[assignment]
        try:
            return result(id, await task)
        except RpcError as error:
            return failure(id, error_to_legacy(method, error, from_modern=True))
        except asyncio.CancelledError:
            if asyncio.current_task() is not None and asyncio.current_task().cancelling():  # type: ignore[union-attr]
                task.cancel()
                raise
            return failure(id, RpcError(INVALID_REQUEST, "The request was cancelled."))
        except Exception:
            log.exception("an MCP request failed")
            return failure(id, RpcError(INTERNAL_ERROR, "An error inside the gateway; its log tells more."))
        finally:
            session.running.pop(id, None)

    async def _run(
        self, session: Session, view: View, method: str, params: JsonObject, out: Outflow, record: Record
    ) -> JsonObject:
        match method:
            case "ping":
                return {}
            case "initialize":
                raise RpcError(INVALID_REQUEST, "This session has begun already.")
            case "logging/setLevel":
                level = params.get("level")
                if level not in LOG_LEVELS:
                    raise RpcError(INVALID_PARAMS, f"`level` is one of {', '.join(LOG_LEVELS)}.")
                session.level = level
                return {}
            case "resources/subscribe":
                return await self._subscribe(session, view, params)
            case "resources/unsubscribe":
                return await self._unsubscribe(session, view, params)

        async def ask(method: str, params: JsonObject) -> JsonObject:
            return await session.ask(out, method, params)

        def tell(method: str, params: JsonObject) -> None:
            out.say(notification(method, params))

        call = Call(
            method,
            subject_of(params),
            session.caller,
            tell=tell,
            ask=ask if session.id else None,
            progress_token=token_of(meta_of(params)),
            log_level=session.level,
        )
        return await self._runner.run(view, call, record)

    # sessions

    def _begun(
        self,
        params: JsonObject,
        inbound: Inbound,
        credentials: Credentials,
        wanted: tuple[str, ...] | None,
        *,
        alone: bool,
    ) -> Session:
        assert inbound.principal is not None
        capabilities = params.get("capabilities")
        info = params.get("clientInfo")
        caller = Caller(
            principal=inbound.principal,
            modern=False,
            capabilities={
                name: value
                for name, value in (capabilities.items() if isinstance(capabilities, dict) else ())
                if name in CLIENT_CAPABILITIES
            },
            client_info=info if isinstance(info, dict) else None,
            session=new_id(),
            credentials=credentials,
        )
        return Session(caller, negotiated(params.get("protocolVersion")), wanted, alone=alone)

    async def _initialize(self, session: Session, id: Id, responder: Responder, record: Record) -> None:
        try:
            told = await self._greeting(session)
        except RpcError as error:
            record.status = 200
            responder.reply(200, [JSON_TYPE], encode(failure(id, error)))
            return
        self._sessions.begin(session)
        record.status = 200
        responder.reply(200, [JSON_TYPE, (SESSION, session.id.encode())], encode(result(id, told)))

    async def _greeting(self, session: Session) -> JsonObject:
        view = self._hub.view(session.caller, session.wanted, alone=session.alone)
        capabilities, info, instructions = await view.facts()
        told: JsonObject = {
            "protocolVersion": session.version,
            "capabilities": to_legacy_client(capabilities),
            "serverInfo": info or {"name": "tollbridge", "version": "1"},
        }
        if instructions is not None:
            told["instructions"] = instructions
        return told

    async def _noted(self, session: Session, method: str, params: JsonObject) -> None:
        if method == "notifications/cancelled":
            task = session.running.get(params.get("requestId", ""))
            if task is not None:
                task.cancel()
        elif method == "notifications/roots/list_changed":
            for upstream in self._hub.upstreams.values():
                link = upstream.session_link(session.id)
                if link is not None:
                    await link.notify(method, params)
        elif method == "notifications/initialized" and session.id:
            await self._watch_lists(session)

    async def _watch_lists(self, session: Session) -> None:
        """Only at servers that are there already: nobody is called up to hear whether something changes."""
        view = self._hub.view(session.caller, session.wanted, alone=session.alone)
        for upstream in view.upstreams:
            if upstream.reached and upstream.name not in session.watches:
                watch = self._watch(session, view, upstream, frozenset(LISTS.values()), frozenset())
                session.watches[upstream.name] = [(None, watch)]
                try:
                    await upstream.watching.add(watch)
                except RpcError as error:
                    log.info("the MCP server %r: %s", upstream.name, error.message)

    def _watch(
        self, session: Session, view: View, upstream: Upstream, lists: frozenset[str], uris: frozenset[str]
    ) -> Watch:
        def tell(method: str, params: JsonObject) -> None:
            if method == UPDATED and view.prefixed:
                params = {**params, "uri": uri_of(upstream.definition.prefix, params["uri"])}
            session.tell(notification(method, params))

        return Watch(session.caller, tell, lists=lists, uris=uris)

    async def _subscribe(self, session: Session, view: View, params: JsonObject) -> JsonObject:
        upstream, uri = view.resource(params.get("uri"))
        if not session.id:
            raise RpcError(INVALID_REQUEST, "A subscription needs a session: begin with `initialize`.")
        watch = self._watch(session, view, upstream, frozenset(), frozenset({uri}))
        await upstream.watching.add(watch)
        session.watches.setdefault(upstream.name, []).append((uri, watch))
        return {}

    async def _unsubscribe(self, session: Session, view: View, params: JsonObject) -> JsonObject:
        upstream, uri = view.resource(params.get("uri"))
        kept = []
        for about, watch in session.watches.get(upstream.name, ()):
            if about == uri:
                await upstream.watching.remove(watch)
            else:
                kept.append((about, watch))
        session.watches[upstream.name] = kept
        return {}

    def _over(self, session: Session) -> None:
        task = asyncio.ensure_future(self._forget(session))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _forget(self, session: Session) -> None:
        for upstream in self._hub.upstreams.values():
            for _, watch in session.watches.get(upstream.name, ()):
                await upstream.watching.remove(watch)
            await upstream.end_session(session.id)

    # streams

    async def _stream(self, inbound: Inbound, responder: Responder, record: Record, session: Session) -> None:
        """What belongs to no request; or the rest of a stream that broke off."""
        last = inbound.headers.get(b"last-event-id")
        record.status = 200
        out = Outflow(responder, store=session.store(session.new_stream()))
        out.begin()
        if last is not None:
            for id, data in session.after(last.decode("latin-1")):
                out.write(write_event(data, id=id))
        if session.stream is not None:
            session.stream.end()
        session.stream = out
        for message in session.missed():
            out.say(message)
        await out.until_over()
        if session.stream is out:
            session.stream = None
        out.end()

    async def _sse(
        self,
        inbound: Inbound,
        responder: Responder,
        record: Record,
        credentials: Credentials,
        wanted: tuple[str, ...] | None,
        *,
        alone: bool,
    ) -> None:
        """HTTP+SSE: the stream is the session; its first event says where to send messages."""
        assert inbound.principal is not None
        record.status = 200
        caller = Caller(principal=inbound.principal, modern=False, session=new_id(), credentials=credentials)
        session = Session(caller, "2024-11-05", wanted, alone=alone)
        out = session.stream = Outflow(responder)
        self._sessions.begin(session)
        out.write(write_event(f"/sse/messages?session_id={session.id}".encode(), event="endpoint"))
        await out.until_over()
        self._sessions.end(session)
        out.end()

    def close(self) -> None:
        self._sessions.close()


def _batches(session: Session | None) -> bool:
    return session is None or session.version in WITH_BATCHES or not session.version
