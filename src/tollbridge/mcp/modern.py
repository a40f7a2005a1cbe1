"""Clients of the modern revisions: each request tells everything, and nothing is remembered but calls that wait for
input (`parked.py`). Closing the answer's stream is giving up the request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from tollbridge.mcp.call import Ask, Call, Caller, Credentials, Room, Tell
from tollbridge.mcp.eras import COMPLETE, INPUT_REQUIRED, error_to_modern, to_modern
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
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
from tollbridge.mcp.link import OURSELVES
from tollbridge.mcp.mirrors import check, check_params
from tollbridge.mcp.oauth.invitations import SignInRequired, without_answer
from tollbridge.mcp.outflow import BEAT_S, JSON_TYPE, Outflow
from tollbridge.mcp.parked import Parking
from tollbridge.mcp.revisions import ONLY_LEGACY, SUBSCRIPTION, Told, meta_of, subject_of
from tollbridge.mcp.rounds import Rounds
from tollbridge.mcp.run import Runner
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.view import View
from tollbridge.mcp.wanted import Wanted
from tollbridge.mcp.watching import Watch
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.presence import broken_off

log = logging.getLogger("tollbridge.mcp")

LISTEN = "subscriptions/listen"
MAY_NEED_INPUT = frozenset({"tools/call", "prompts/get", "resources/read"})


class Modern:
    def __init__(self, hub: Hub, runner: Runner) -> None:
        self._hub = hub
        self._runner = runner
        self._parking = Parking()
        self._beats = Rounds(BEAT_S)
        self._changes: set[Callable[[Principal], None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

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
        if inbound.method != "POST":
            record.status = 405
            responder.reply(405, [(b"allow", b"POST")], b"")
            return
        message: Json = None
        try:
            message = decode(inbound.body)
            kind = kind_of(message)
            if kind == "response":
                raise RpcError(INVALID_REQUEST, "A client sends requests and notifications, no responses.", status=400)
            if kind == "notification":
                record.status = 202
                responder.reply(202, [], b"")
                return
            headers = inbound.headers
            id, method, params = message["id"], message["method"], message.get("params") or {}
            told = Told(params, headers.get(b"mcp-protocol-version", b"").decode("latin-1").strip())
            check(headers, method, params)
            if method in ONLY_LEGACY:
                raise RpcError(METHOD_NOT_FOUND, f"Method not found: {method}", status=404)
        except RpcError as error:
            record.status = error.status if error.status >= 400 else 400
            responder.reply(record.status, [JSON_TYPE], encode(failure(id_of(message), error)))
            return
        assert inbound.principal is not None
        caller = Caller(
            principal=inbound.principal,
            modern=True,
            capabilities=told.capabilities,
            client_info=told.client_info,
            credentials=credentials,
        )
        view = self._hub.view(caller, wanted, alone=alone)
        self._loop = self._loop or asyncio.get_running_loop()  # asking for it costs a system call on CPython 3.11
        task = asyncio.current_task(self._loop)
        assert task is not None

        def gone() -> None:
            task.cancel()

        out = Outflow(responder, self._beats, lost=gone)
        responder.on_gone(gone)
        try:
            if method == LISTEN:
                status = await self._listen(
                    caller, partial(self._hub.view, wanted=wanted, alone=alone), params, out, id
                )
            else:
                status = await self._answer(view, method, params, told, headers, out, id, record)
            if not record.duration_ms:  # else it is the call's entry, and tells how that ended
                record.status = status
        except asyncio.CancelledError as error:
            broken_off(record, error)
            out.end()
            if not (responder.gone or out.broken):
                raise
            task.uncancel()
        finally:
            responder.on_gone(None)

    async def _answer(
        self,
        view: View,
        method: str,
        params: JsonObject,
        told: Told,
        headers: Mapping[bytes, bytes],
        out: Outflow,
        id: Id,
        record: Record,
    ) -> int:
        """The HTTP status."""
        try:
            subject = subject_of(params)
            if "inputResponses" in subject:
                subject = without_answer(subject)

            def tell(method: str, params: JsonObject) -> None:
                out.say(notification(method, params))

            call = Call(
                method,
                subject,
                view.caller,
                tell=tell,
                progress_token=told.progress_token,
                log_level=told.log_level,
                room=out.room,
            )
            if method == "tools/call":
                offer = view.scope.offer(call.params.get("name"))
                if offer is None or offer.upstream.mirrors(offer.name) != ():  # else it wants nothing in headers
                    await self._check_params(view, call, headers)

            async def run(ask: Ask | None, tell: Tell, room: Room) -> JsonObject:
                call.ask, call.tell, call.room = ask, tell, room
                return await self._runner.run(view, call, record)

            if method in MAY_NEED_INPUT and view.caller.capabilities and view.caller.answers:
                found = await self._parking.run(view.caller, view.where, method, subject, tell, out.room, run)
            else:
                found = await self._runner.run(view, call, record, whole=True)
        except RpcError as error:
            if isinstance(error, SignInRequired) and error.asks is not None and method in MAY_NEED_INPUT:
                asked = {"resultType": INPUT_REQUIRED, "inputRequests": error.asks}
                out.finish(result(id, to_modern(method, asked, OURSELVES)))
                return 200
            shown = error_to_modern(method, error)
            out.finish(failure(id, shown), shown.status)
            return shown.status
        except Exception:
            out.finish(failure(id, RpcError(INTERNAL_ERROR, "An error inside the gateway; its log tells more.")), 500)
            raise
        out.finish(result(id, found))
        return 200

    async def _check_params(self, view: View, call: Call, headers: Mapping[bytes, bytes]) -> None:
        """What the tool's schema wants mirrored is in the headers and says the same."""
        if view.hub.many.above is not None and await view.meant(call) is not None:
            return  # ours wants nothing mirrored
        upstream, own = await view.target(call)
        wants = upstream.mirrors(own["name"])
        if wants is None and not view.knows(upstream):
            await view.learn(upstream)
            wants = upstream.mirrors(own["name"])
        if wants:
            check_params(headers, call.params, wants)

    async def _listen(
        self, caller: Caller, look: Callable[[Caller], View], params: JsonObject, out: Outflow, id: Id
    ) -> int:
        """Until the client closes the stream, or may not use any more what it is for. It begins when the servers are
        listened to: what is acknowledged is heard from then on. Of several servers one that cannot be reached is left
        out until it comes. `look`: at what there is now."""
        view = look(caller)
        stamp = {SUBSCRIPTION: id}
        early: list[JsonObject] | None = []
        watches: list[tuple[Upstream, Watch]] = []
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def say(upstream: Upstream, method: str, params: JsonObject) -> None:
            params = view.renamed_in(upstream, method, params)
            message = notification(method, {**params, "_meta": {**meta_of(params), **stamp}})
            if early is None:
                out.say(message)
            else:
                early.append(message)

        def arrived(upstream: Upstream) -> None:
            if upstream not in look(caller).upstreams:
                return
            own = next((watch for one, watch in watches if one.name == upstream.name), None)
            if own is None and (own := wanted.watch(upstream, partial(say, upstream))) is not None:
                watches.append((upstream, own))
            if own is not None and own.at is None:
                upstream.watching.join(own)
                own.all_new()

        def changed(principal: Principal) -> None:
            nonlocal caller
            if principal.id != caller.principal.id or over.done():
                return
            caller = msgspec.structs.replace(caller, principal=principal)
            now = look(caller)
            usable, whole = ({one.name for one in found} for found in (now.upstreams, now.having("resources")))
            there = [(one.name, watch) for one, watch in watches if one.name in self._hub.upstreams]
            if any(name not in (whole if watch.uris else usable) for name, watch in there):
                over.set_result(None)
                return
            for _, watch in watches:
                watch.caller = msgspec.structs.replace(watch.caller, principal=principal)
                watch.all_new()
            for upstream in now.upstreams:
                arrived(upstream)

        try:
            wanted = Wanted(view, params.get("notifications"))
            for upstream in view.upstreams:
                watch = wanted.watch(upstream, partial(say, upstream))
                if watch is not None:
                    watches.append((upstream, watch))
            begun = tuple(watches)
            self._hub.arrivals.add(arrived)
            self._changes.add(changed)
            heard = await asyncio.gather(*(self._heard(view, *one) for one in begun))
            honoured = wanted.honoured([upstream for (upstream, _), ok in zip(begun, heard, strict=True) if ok])
            out.begin()
            acknowledged = {"notifications": honoured, "_meta": stamp}
            out.say(notification("notifications/subscriptions/acknowledged", acknowledged))
            held, early = early or [], None
            for message in held:
                out.say(message)
            for (upstream, watch), ok in zip(begun, heard, strict=True):
                if not ok:
                    upstream.watching.join(watch)
            await over
            out.finish(result(id, {"resultType": COMPLETE, "_meta": stamp}))
        except RpcError as error:
            shown = error_to_modern(LISTEN, error)
            out.finish(failure(id, shown), shown.status)
            return shown.status
        finally:
            self._hub.arrivals.discard(arrived)
            self._changes.discard(changed)
            for _, watch in watches:
                watch.end()
        return 200

    async def _heard(self, view: View, upstream: Upstream, watch: Watch) -> bool:
        error = await upstream.soon(upstream.watching.add(watch))
        if error is None:
            return True
        if not view.prefixed:
            raise error
        log.warning("the MCP server %r is not listened to: %s", upstream.name, error.message)
        return False

    def holds(self, principal: str) -> bool:
        """A call of its waits for input."""
        return self._parking.held_by(principal)

    def changed(self, principal: Principal) -> None:
        """It may use other servers than before: for those who listen."""
        for changed in tuple(self._changes):
            changed(principal)

    def end(self, principal: str) -> None:
        """Its calls that wait."""
        self._parking.end_of(principal)

    async def close(self) -> None:
        await self._parking.close()
