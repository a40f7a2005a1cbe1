"""What a key has open at the endpoint ends with it: streams, sessions, calls that wait for input.

1. Every `LOOK_S` it is asked again who shows each key, as for a request: in memory, for nearly all. Where a key is
   blocked, expired, deleted or has another text by now, its streams end, and so does what else it holds.
2. Where a key may use other servers by now, who follows something for it is told (`changed`).
3. A key that cannot be looked up now, because the database is away, is none that was revoked.
4. Nobody watches where nothing is open, and the admin's own key is not watched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tollbridge.errors import APIError, AuthenticationError, PermissionDeniedError
from tollbridge.mcp.jsonrpc import INVALID_REQUEST, RpcError, encode, failure
from tollbridge.mcp.outflow import JSON_TYPE
from tollbridge.policy.principal import Principal
from tollbridge.server.inbound import Headers, Inbound, Responder

log = logging.getLogger("tollbridge.mcp")

LOOK_S = 0.25
ASK_S = 5.0


Who = Callable[[Inbound], Principal | Awaitable[Principal]]
"""Who asks by this request. Raises APIError."""


class Leaving(msgspec.Struct, eq=False):
    """A `Responder` that can also be ended from here: for its handler the client has left then."""

    _inner: Responder
    _on_gone: Callable[[], None] | None = None
    _ended: bool = False

    def leave(self, why: APIError) -> None:
        if self._ended:
            return
        self._ended = True
        if self._inner.started:
            self._inner.finish()
        else:
            told = failure(None, RpcError(INVALID_REQUEST, why.message))
            self._inner.reply(why.status_code, [JSON_TYPE], encode(told))
        callback, self._on_gone = self._on_gone, None
        if callback is not None:
            callback()

    @property
    def started(self) -> bool:
        return self._inner.started

    @property
    def gone(self) -> bool:
        return self._ended or self._inner.gone

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        self._inner.reply(status, headers, body)

    def start(self, status: int, headers: Headers) -> None:
        self._inner.start(status, headers)

    def write(self, data: bytes) -> None:
        self._inner.write(data)

    async def drain(self) -> None:
        await self._inner.drain()

    def finish(self) -> None:
        self._inner.finish()

    def abort(self) -> None:
        self._inner.abort()

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        if self._ended and callback is not None:
            callback()
            return
        self._on_gone = callback
        self._inner.on_gone(callback)


class Vigil:
    """`who`: asked again for each request that has something open. `holds`: whether a principal has something open
    beside streams; `over`: ends it. `changed`: hears of one whose key may use other servers than before."""

    def __init__(
        self,
        who: Who,
        holds: Callable[[str], bool],
        over: Callable[[str], None],
        changed: Callable[[Principal], None],
    ) -> None:
        self._who = who
        self._holds = holds
        self._over = over
        self._changed = changed
        self._open: dict[Leaving, Inbound] = {}
        self._latest: dict[str, Inbound] = {}  # by principal its last request
        self._said: dict[str, object] = {}  # by principal, what its key says of servers
        self._watching: asyncio.Task[None] | None = None

    def begin(self, inbound: Inbound, responder: Responder, principal: Principal, said: object) -> Leaving:
        """The responder to answer a request of that principal with, until `end`. `said`: what its key says of
        servers."""
        leaving = Leaving(responder)
        self._open[leaving] = self._latest[principal.id] = inbound
        if self._said.setdefault(principal.id, said) is not said:
            self._look(principal, said)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.ensure_future(self._watch())
        return leaving

    def end(self, leaving: Leaving) -> None:
        self._open.pop(leaving).body = b""  # the request is kept for who showed what, and no longer for what was said

    async def _watch(self) -> None:
        while self._open or self._latest:
            await asyncio.sleep(LOOK_S)
            busy = {shown.principal.id for shown in self._open.values() if shown.principal is not None}
            self._latest = {id: one for id, one in self._latest.items() if id in busy or self._holds(id)}
            self._said = {id: said for id, said in self._said.items() if id in self._latest}
            whys = await self._revoked([*self._open.values(), *self._latest.values()])
            for leaving, shown in list(self._open.items()):
                if (why := whys.get(id(shown))) is not None:
                    leaving.leave(why)
            for principal, shown in list(self._latest.items()):
                if (why := whys.get(id(shown))) is not None:
                    log.info("what the key %s had open at MCP servers has ended: %s", principal, why)
                    del self._latest[principal]
                    self._over(principal)

    def _look(self, principal: Principal, said: object) -> None:
        former, self._said[principal.id] = self._said.get(principal.id, said), said
        if former != said:
            self._changed(principal)

    async def _revoked(self, asked: Sequence[Inbound]) -> dict[int, APIError]:
        """Of whose keys are good no more, by `id()`, with the reason."""
        whys: dict[int, APIError] = {}
        looking: list[tuple[Inbound, Awaitable[Principal]]] = []
        for shown in asked:
            try:
                found = self._who(shown)
            except APIError as error:
                self._note(whys, shown, error)
            else:
                if not isinstance(found, Principal):
                    looking.append((shown, found))
                elif found.key is not None and self._said.get(found.id) is not found.key.permission:
                    self._look(found, found.key.permission)
        answers = await asyncio.gather(*(asyncio.wait_for(one, ASK_S) for _, one in looking), return_exceptions=True)
        for (shown, _), answer in zip(looking, answers, strict=True):
            self._note(whys, shown, answer)
        return whys

    def _note(self, whys: dict[int, APIError], shown: Inbound, answer: Principal | BaseException) -> None:
        if isinstance(answer, Principal):
            if answer.key is not None:
                self._look(answer, answer.key.permission)
        elif isinstance(answer, AuthenticationError | PermissionDeniedError):
            whys[id(shown)] = answer
        elif isinstance(answer, BaseException) and not isinstance(answer, APIError | TimeoutError):
            raise answer

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
