"""A server over HTTP as a server on stdio, for clients that know nothing else: one JSON message a line, both ways.

1. Messages pass as they are; nothing is answered here that the server can answer. Each request has a POST of its own,
   so that a slow one holds up no other; what belongs to no request comes on the stream that the session opens.
2. A client of the older eras has one session with the server. Where the server has forgotten it (it was started anew),
   the handshake is made again as the client made it, and what was refused is sent once more.
3. A client of the newest era tells of itself in each message; what its headers must say is taken from there. It cancels
   by a notification, which here closes the answer's stream.
4. Each request is answered, unless it was cancelled: with an error where the server cannot be reached, or ended without
   a word. The output has nothing else in it; what goes wrong is told in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from tollbridge.mcp.http import Address, Http, Refused, SessionLost
from tollbridge.mcp.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    UPSTREAM_FAILED,
    Id,
    RpcError,
    decode,
    encode,
    failure,
    id_of,
    kind_of,
)
from tollbridge.mcp.link import Link
from tollbridge.mcp.mirrors import Mirrored, annotated
from tollbridge.mcp.revisions import MODERN, VERSION, meta_of
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.base import Transport

log = logging.getLogger("tollbridge.mcp.stdio")

CANCELLED = "notifications/cancelled"
INITIALIZED = "notifications/initialized"
ENDLESS = "subscriptions/listen"
AGAIN = "tollbridge-again"
"""The id of a handshake that the client did not ask for."""

Say = Callable[[bytes], None]
"""One line, without its end."""


class Way(Link):
    """To the server, in one era: what comes is handed on, not understood."""

    def __init__(self, bridge: Bridge, transport: Transport, address: Address, *, modern: bool) -> None:
        self.http = Http(transport, address, mirrors=bridge.mirrors)
        super().__init__("server", self.http, modern=modern)
        self._bridge = bridge

    def received(self, message: Json, call: object = None) -> None:
        self._bridge.heard(message)

    def lost(self, why: RpcError) -> None:
        log.info("%s", why.message)


class Bridge:
    def __init__(self, transport: Transport, address: Address, say: Say) -> None:
        self._transport = transport
        self._address = address
        self._say = say
        self._modern = Way(self, transport, address, modern=True)
        self._legacy = Way(self, transport, address, modern=False)
        self._greeting: JsonObject | None = None
        self._running: dict[Id, asyncio.Task[None]] = {}
        self._methods: dict[Id, str] = {}
        self._mirrors: dict[str, Mirrored] = {}
        self._greeting_again = asyncio.Lock()

    async def run(self, lines: AsyncIterator[bytes]) -> None:
        """Until the client closes its side and everything that it asked is answered."""
        for way in (self._legacy, self._modern):
            await way.http.start(way)
        async for line in lines:
            if line.strip():
                await self._take(line)
        waiting = [task for id, task in self._running.items() if self._methods.get(id) != ENDLESS]
        await asyncio.gather(*waiting, return_exceptions=True)

    async def close(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._legacy.http.close()
        await self._modern.http.close()

    def mirrors(self, tool: str) -> Mirrored | None:
        """What a tool that was listed wants mirrored in headers."""
        return self._mirrors.get(tool)

    # from the client

    async def _take(self, line: bytes) -> None:
        try:
            said = decode(line)
            messages = said if isinstance(said, list) else [said]
            kinds = [kind_of(message) for message in messages]
        except RpcError as error:
            self._write(failure(None, error))
            return
        for message, kind in zip(messages, kinds, strict=True):
            if kind == "request":
                self._begin(message)
                if message["method"] == "initialize":
                    await asyncio.wait((self._running[message["id"]],))
            elif kind == "notification" and message["method"] == CANCELLED and self._cancelled(message):
                continue
            else:
                await self._tell(message)

    def _begin(self, message: JsonObject) -> None:
        id = message["id"]
        if id in self._running:
            self._write(failure(id, RpcError(INVALID_REQUEST, "A request with this id is under way.")))
            return
        self._methods[id] = message["method"]
        task = asyncio.ensure_future(self._ask(message))
        self._running[id] = task
        task.add_done_callback(lambda done: self._ended(id, done))

    def _ended(self, id: Id, task: asyncio.Task[None]) -> None:
        self._running.pop(id, None)
        self._methods.pop(id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a request failed", exc_info=error)
            self._write(failure(id, RpcError(INTERNAL_ERROR, f"The bridge failed: {type(error).__name__}.")))

    def _cancelled(self, message: JsonObject) -> bool:
        """True where nothing is left to tell the server."""
        id = (message.get("params") or {}).get("requestId", "")
        task = self._running.get(id)
        if task is None:
            return False
        self._methods.pop(id, None)
        if self._greeting is not None:
            return False
        task.cancel()
        return True

    async def _ask(self, message: JsonObject) -> None:
        id = message["id"]
        try:
            await self._sent(message)
        except RpcError as error:
            if id in self._methods:
                self._write(failure(id, _explained(error)))
            return
        if id in self._methods:
            why = RpcError(UPSTREAM_FAILED, "The server ended its answer without a result.")
            self._write(failure(id, why))

    async def _tell(self, message: JsonObject) -> None:
        try:
            await self._sent(message)
        except RpcError as error:
            log.warning("the server was not told: %s", error.message)

    async def _sent(self, message: JsonObject) -> None:
        way = self._way(message)
        if message.get("method") == "initialize":
            self._greeting = message
        try:
            await way.http.send(message)
        except SessionLost:
            await self._greet_again(way)
            await self._legacy.http.send(message)

    def _way(self, message: JsonObject) -> Way:
        version = meta_of(message.get("params") or {}).get(VERSION)
        if version is None:
            return self._legacy
        self._modern.version = version if isinstance(version, str) else MODERN[-1]
        return self._modern

    async def _greet_again(self, former: Way) -> None:
        async with self._greeting_again:
            if former is not self._legacy or self._greeting is None:
                return  # somebody else has done it
            log.warning("the server has forgotten the session; it is begun anew")
            await former.http.close()
            self._legacy = Way(self, self._transport, self._address, modern=False)
            await self._legacy.http.start(self._legacy)
            await self._legacy.http.send({**self._greeting, "id": AGAIN})
            await self._legacy.http.send({"jsonrpc": "2.0", "method": INITIALIZED})

    # from the server

    def heard(self, message: Json) -> None:
        id = id_of(message)
        if isinstance(message, dict) and "method" not in message and id is not None:
            if id == AGAIN:
                self._greeted(message)
                return
            method = self._methods.pop(id, None)
            if method is None:
                return  # it was cancelled, or is answered already
            if method == "initialize":
                self._greeted(message)
            elif method == "tools/list":
                self._learn(message)
        self._write(message)

    def _greeted(self, message: JsonObject) -> None:
        result = message.get("result")
        version = result.get("protocolVersion") if isinstance(result, dict) else None
        if isinstance(version, str):
            self._legacy.version = version
            self._legacy.open_ = True

    def _learn(self, message: JsonObject) -> None:
        result = message.get("result")
        tools = result.get("tools") if isinstance(result, dict) else None
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._mirrors[tool["name"]] = annotated(tool.get("inputSchema"))

    def _write(self, message: Json) -> None:
        with contextlib.suppress(BrokenPipeError):  # the client is gone, and closes its side too
            self._say(encode(message))


def _explained(error: RpcError) -> RpcError:
    if isinstance(error, Refused) and not error.spoke and error.http_status in (401, 403):
        return RpcError(error.code, f"{error.message} Is the key right?", error.data)
    return error
