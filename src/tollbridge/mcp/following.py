"""What sessions of legacy clients follow: the lists of their servers, and the resources that they subscribed to. It
goes out on the session's own stream, and ends with the session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import msgspec

from tollbridge.mcp.ears import NEVER
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import INVALID_REQUEST, RpcError, notification
from tollbridge.mcp.sessions import Session
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.view import View
from tollbridge.mcp.watching import LISTS, Watch
from tollbridge.model.json import JsonObject

log = logging.getLogger("tollbridge.mcp")

SUBSCRIPTIONS_MAX = 1000
"""Of one session."""


class Following:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._ending: set[asyncio.Task[None]] = set()
        self._sessions: set[Session] = set()
        hub.arrivals.add(self._arrived)

    async def lists(self, session: Session) -> None:
        """Nobody is called up to hear whether something changes: a server that is not there yet, or is not there just
        now, is heard when it comes."""
        self._sessions.add(session)
        try:
            for upstream in self._view(session).upstreams:
                if session.over:
                    break
                view = self._view(session)  # what its caller may use may be less by now
                if upstream in view.upstreams and not self._follows(session, upstream):
                    await self._lists_of(session, view, upstream)
        finally:
            if session.over:  # it ended meanwhile, and what began after that would stay
                await self._forget(session)

    def _view(self, session: Session) -> View:
        return self._hub.view(session.caller, session.wanted, alone=session.alone)

    def changed(self, session: Session) -> None:
        """Its caller may use other servers than before."""
        view = self._view(session)
        for name, followed in session.watches.items():
            upstream = self._hub.upstreams.get(name)
            for one in tuple(followed):
                uri, watch = one
                if upstream is None or upstream in (view.upstreams if uri is None else view.having("resources")):
                    watch.caller = msgspec.structs.replace(watch.caller, principal=session.caller.principal)
                    watch.all_new()
                else:
                    _drop(followed, [one])
        for upstream in view.upstreams if session in self._sessions else ():
            self._follow(session, view, upstream)

    def _arrived(self, upstream: Upstream) -> None:
        for session in self._sessions:
            view = self._view(session)
            if upstream in view.upstreams:
                self._follow(session, view, upstream)

    def _follow(self, session: Session, view: View, upstream: Upstream) -> None:
        """As one that was not there for it."""
        self._watch_of_lists(session, view, upstream)
        for _, watch in session.watches[upstream.name]:
            if watch.at is None:
                upstream.watching.join(watch)
                watch.all_new()

    def _follows(self, session: Session, upstream: Upstream) -> bool:
        """Its lists."""
        followed = session.watches.get(upstream.name, ())
        return any(uri is None and watch.at is not None for uri, watch in followed)

    async def _lists_of(self, session: Session, view: View, upstream: Upstream) -> None:
        watch = self._watch_of_lists(session, view, upstream)
        if not upstream.reached:
            upstream.watching.join(watch)
        elif (error := await upstream.soon(upstream.watching.add(watch))) is not None:
            log.info("the MCP server %r: %s", upstream.name, error.message)
            if error.code not in NEVER:
                upstream.watching.join(watch)

    def _watch_of_lists(self, session: Session, view: View, upstream: Upstream) -> Watch:
        """A session has one for each server."""
        followed = session.watches.setdefault(upstream.name, [])
        for uri, watch in followed:
            if uri is None:
                return watch
        watch = self._watch(session, view, upstream, frozenset(LISTS.values()), frozenset())
        followed.append((None, watch))
        return watch

    async def subscribe(self, session: Session, view: View, params: JsonObject) -> JsonObject:
        upstream, uri = view.resource(params.get("uri"))
        if not session.id:
            raise RpcError(INVALID_REQUEST, "A subscription needs a session: begin with `initialize`.")
        if sum(map(len, session.watches.values())) >= SUBSCRIPTIONS_MAX:
            raise RpcError(INVALID_REQUEST, f"A session has {SUBSCRIPTIONS_MAX} subscriptions at most.")
        watch = self._watch(session, view, upstream, frozenset(), frozenset({uri}))
        one, followed = (uri, watch), session.watches.setdefault(upstream.name, [])
        former = [other for other in followed if other[0] == uri]
        followed.append(one)
        try:
            await upstream.watching.add(watch)
        except BaseException:
            _drop(followed, [one])  # meanwhile it may have been handed over to a server in this one's place
            raise
        _drop(followed, former)  # a second time for the same is no second subscription
        return {}

    async def unsubscribe(self, session: Session, view: View, params: JsonObject) -> JsonObject:
        upstream, uri = view.resource(params.get("uri"))
        followed = session.watches.get(upstream.name, [])
        _drop(followed, [one for one in followed if one[0] == uri])
        return {}

    def over(self, session: Session) -> None:
        task = asyncio.ensure_future(self._forget(session))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _watch(
        self, session: Session, view: View, upstream: Upstream, lists: frozenset[str], uris: frozenset[str]
    ) -> Watch:
        def tell(method: str, params: JsonObject) -> None:
            session.tell(notification(method, view.renamed_in(upstream, method, params)))

        return Watch(session.caller, tell, lists=lists, uris=uris)

    async def _forget(self, session: Session) -> None:
        self._sessions.discard(session)
        names = {*session.watches, *self._hub.upstreams}
        await asyncio.gather(*(self._forgotten(session, name) for name in names))

    async def _forgotten(self, session: Session, name: str) -> None:
        for _, watch in tuple(session.watches.get(name, ())):
            watch.end()
        upstream = self._hub.upstreams.get(name)
        if upstream is not None:
            await upstream.links.end_session(session.id)


def _drop(followed: list[tuple[object, Watch]], ended: Iterable[tuple[object, Watch]]) -> None:
    for one in ended:
        if one in followed:
            followed.remove(one)
        one[1].end()
