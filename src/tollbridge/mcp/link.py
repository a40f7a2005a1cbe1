"""One conversation with an MCP server, whatever carries it: ids, who is answered, who is told, who is asked.

    link = Link(name, channel)
    await link.open(caller)             the handshake of a legacy server, the discovery of a modern one
    result = await link.call(call)      raises RpcError

1. Ids and progress tokens upstream are ours, one row of numbers for each link: callers that use the same ones do not
   meet. An answer that nobody waits for is late and thrown away.
2. What a server says meanwhile belongs to the call on whose stream it came. Where the channel has one stream for all
   (stdio, HTTP+SSE) it belongs to the only call under way; where there are several to none of them: log lines are
   thrown away then, requests of the server are refused. So a caller that answers requests has a link of its own.
3. A call waits `timeout_s` for the next word about it, or `TICKS` of a part longer. While its caller is asked something
   the clock stands still.
4. Cancelling a call tells the server. Closing the link ends what is under way with an error.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.flight import ENDLESS, TICKS, Flight
from tollbridge.mcp.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MODERN_CODES,
    UPSTREAM_FAILED,
    Id,
    RpcError,
    failure,
    is_id,
    kind_of,
    notification,
    outcome,
    request,
    result,
)
from tollbridge.mcp.revisions import (
    CAPABILITIES,
    CLIENT_INFO,
    LEGACY,
    LOG_LEVEL,
    NEWEST,
    NEWEST_LEGACY,
    SERVER_REQUESTS,
    SUBSCRIPTION,
    VERSION,
    loud_enough,
    meta_of,
    subject_of,
)
from tollbridge.mcp.rounds import Rounds
from tollbridge.model.json import Json, JsonObject
from tollbridge.policy.principal import Principal

log = logging.getLogger("tollbridge.mcp")

ASKED_MAX = 64
"""Requests of a server that are under way at once."""
LAST_S = 1.0
"""In which a server hears that its calls were given up, where the link is closed."""
OURSELVES: JsonObject = {"name": "tollbridge", "version": "1"}
_US = Caller(principal=Principal("tollbridge"), modern=True)


class UnknownRevision(RpcError):
    """A server answered the handshake with a revision that has none, or that nobody knows: a client that does not speak
    it has to hang up. Source: MCP 2025-11-25, lifecycle and `InitializeResult`."""

    def __init__(self, name: str, told: Json) -> None:
        said = f"speaks the revision {told[:40]!r}" if isinstance(told, str) else "did not say which revision it speaks"
        known = ", ".join(LEGACY)
        super().__init__(UPSTREAM_FAILED, f"The MCP server {name!r} {said}; with a handshake there are {known}.")


class Channel(Protocol):
    """What carries messages. It gives what comes to `Link.received`, and calls `Link.lost` when it ended."""

    shared: bool
    """One stream for all that the server says."""

    async def start(self, link: Link) -> None: ...
    async def send(self, message: JsonObject, call: Call | None = None) -> None:
        """Returns when it is on its way; of a request over HTTP, when its answer is there. Raises RpcError."""

    async def close(self) -> None: ...


class Link:
    """`event(method, params)` is told of what concerns no single call: lists and resources that changed. `lost_by`:
    called once when the channel, or the session, ended by itself. `uris`: resources that are watched by it. `gave_way`:
    it was closed to make room for another."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        *,
        modern: bool,
        timeout_s: float = 60.0,
        version: str | None = None,
        event: Callable[[str, JsonObject], None] | None = None,
        lost_by: Callable[[Link], None] | None = None,
    ) -> None:
        self.name = name
        self.modern = modern
        self.version = version or (NEWEST if modern else NEWEST_LEGACY)
        self.capabilities: JsonObject = {}
        self.server_info: JsonObject | None = None
        self.instructions: str | None = None
        self.open_ = False
        self.opened_at = 0.0
        self.why: RpcError | None = None
        self.ended = asyncio.Event()
        self.uris: set[str] = set()
        self.gave_way = False
        self._channel = channel
        self._loop = asyncio.get_running_loop()  # asking for it costs a system call on CPython 3.11
        self._rounds = Rounds(timeout_s / TICKS)
        self._event = event
        self._lost_by = lost_by
        self._ids = itertools.count(1)
        self._flights: dict[Id, Flight] = {}
        self._asked: dict[Id, asyncio.Task[None]] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._timeout_s = timeout_s
        self._level: str | None = None

    @property
    def flying(self) -> int:
        return len(self._flights)

    @property
    def falls(self) -> bool:
        """It may end by itself, where its process or its stream ends."""
        return self._channel.shared

    async def open(self, caller: Caller | None = None, *, probe_s: float | None = None) -> None:
        """`caller`: as whom to greet a legacy server; None greets it as ourselves, who answer nothing. `probe_s`: one
        that does not say within that time that it is modern is greeted as a legacy one. Raises RpcError."""
        await self._channel.start(self)
        if not self.modern:
            told = await self._greet(caller)
        elif probe_s is None:
            told = await self._discover()
        else:
            told = await self._probe(caller, probe_s)
        capabilities = told.get("capabilities")
        self.capabilities = capabilities if isinstance(capabilities, dict) else {}
        info = told.get("serverInfo") or meta_of(told).get("io.modelcontextprotocol/serverInfo")
        self.server_info = info if isinstance(info, dict) else None
        instructions = told.get("instructions")
        self.instructions = instructions if isinstance(instructions, str) else None
        self.open_ = True
        self.opened_at = self._loop.time()

    async def _probe(self, caller: Caller | None, probe_s: float) -> JsonObject:
        try:
            async with asyncio.timeout(probe_s):
                return await self._discover()
        except (RpcError, TimeoutError) as error:
            if self.ended.is_set() or (isinstance(error, RpcError) and error.code in MODERN_CODES):
                raise
        self.modern, self.version = False, NEWEST_LEGACY
        return await self._greet(caller)

    async def _greet(self, caller: Caller | None) -> JsonObject:
        params: JsonObject = {
            "protocolVersion": self.version,
            "capabilities": {} if caller is None else caller.answers,
            "clientInfo": OURSELVES if caller is None or caller.client_info is None else caller.client_info,
        }
        told = await self._ask_server("initialize", params)
        version = told.get("protocolVersion")
        if version not in LEGACY:
            raise UnknownRevision(self.name, version)
        self.version = version
        await self._channel.send(notification("notifications/initialized"))
        return told

    async def _discover(self) -> JsonObject:
        return await self._ask_server("server/discover", {"_meta": self._stamp(None)})

    async def ping(self) -> None:
        """Raises RpcError where the server does not answer."""
        try:
            await (self._discover() if self.modern else self._ask_server("ping", {}))
        except RpcError as error:
            if error.code != METHOD_NOT_FOUND:
                raise

    async def _ask_server(self, method: str, params: JsonObject) -> JsonObject:
        """On our own behalf."""
        return await self._fly(Call(method, params, _US), next(self._ids), params)

    def call(self, call: Call) -> Awaitable[JsonObject]:
        """The server's result, when it is awaited. Raises RpcError."""
        if not self.modern and call.log_level is not None:
            return self._call_aloud(call)
        id = next(self._ids)
        return self._fly(call, id, self._params(call, id))

    async def _call_aloud(self, call: Call) -> JsonObject:
        await self._set_level(call)
        id = next(self._ids)
        return await self._fly(call, id, self._params(call, id))

    async def _fly(self, call: Call, id: int, params: JsonObject) -> JsonObject:
        """The result of one request under this id."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        flight = self._flights[id] = Flight(call, self.name, self._loop.create_future(), task, task.cancelling())
        self._rounds.join(flight)
        answer, sent = flight.answer, request(id, call.method, params)
        try:
            if self._channel.shared:
                await self._sent(flight, sent)
            else:
                await self._channel.send(sent, call)
            if not answer.done():
                raise RpcError(UPSTREAM_FAILED, f"The MCP server {self.name!r} ended its answer without a result.")
            return outcome(answer.result())
        except asyncio.CancelledError:
            self._flights.pop(id, None)
            why = flight.ended()
            if why is None and (not answer.done() or answer.cancelled()) and call.caller is not _US:
                self._cancel(id)
            if why is not None:
                raise why from None
            raise
        finally:
            self._rounds.leave(flight)
            self._flights.pop(id, None)

    async def _sent(self, flight: Flight, message: JsonObject) -> None:
        """Until its answer came, on the stream that is for all: sometimes before the request is quite sent."""
        sending = asyncio.ensure_future(self._channel.send(message, flight.call))
        try:
            await asyncio.wait((flight.answer, sending), return_when=asyncio.FIRST_COMPLETED)
            if not flight.answer.done():
                sending.result()  # raises what went wrong
                await flight.answer
        finally:
            if not sending.done():
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            elif not sending.cancelled():
                sending.exception()  # seen: whoever ended the call says why

    async def notify(self, method: str, params: JsonObject | None = None) -> None:
        await self._channel.send(notification(method, params))

    def _cancel(self, id: Id) -> None:
        """Best effort: who cancels does not wait for it. A modern server over HTTP sees its stream close."""
        if self.modern and not self._channel.shared:
            return
        told = notification("notifications/cancelled", {"requestId": id, "reason": "The client gave up."})
        task = asyncio.ensure_future(self._in_time(told))
        self._telling.add(task)
        task.add_done_callback(self._taken)

    async def _set_level(self, call: Call) -> None:
        """The level of a link is what the most curious of its callers wants; each is told only what it wants."""
        if "logging" not in self.capabilities or call.log_level is None:
            return
        if self._level is not None and loud_enough(call.log_level, self._level):
            return
        self._level = call.log_level
        await self._ask_server("logging/setLevel", {"level": call.log_level})

    def _params(self, call: Call, id: Id) -> JsonObject:
        own = self._stamp(call) if self.modern else {}
        if call.progress_token is not None:
            own["progressToken"] = id
        if not own:
            return call.params
        return {**call.params, "_meta": {**meta_of(call.params), **own} if "_meta" in call.params else own}

    def _stamp(self, call: Call | None) -> JsonObject:
        caller = None if call is None else call.caller
        stamp: JsonObject = {
            VERSION: self.version,
            CAPABILITIES: {} if caller is None else caller.capabilities,
            CLIENT_INFO: OURSELVES if caller is None or caller.client_info is None else caller.client_info,
        }
        if call is not None and (call.log_level is not None or not call.caller.modern):
            stamp[LOG_LEVEL] = call.wanted_level
        return stamp

    # what the server says

    def received(self, message: Json, call: Call | None = None) -> None:
        """`call`: on whose stream it came."""
        if isinstance(message, dict) and message.get("jsonrpc") == "2.0" and "method" not in message:
            id = message.get("id")
            flight = self._flights.get(id) if isinstance(id, int) else None
            if flight is not None and "result" in message:  # nearly all that comes
                if not flight.answer.done():
                    flight.answer.set_result(message)
                return
        try:
            kind = kind_of(message)
        except RpcError as error:
            log.warning("the MCP server %r sent what is no message: %s", self.name, error.message)
            return
        if kind == "response":
            flight = self._flight(message["id"])
            if flight is not None and not flight.answer.done():
                flight.answer.set_result(message)
            return
        params = message.get("params") or {}
        if kind == "request":
            self._requested(message["id"], message["method"], params, call)
        else:
            self._told(message["method"], params, call)

    def lost(self, why: RpcError) -> None:
        """The channel ended by itself."""
        self.open_ = False
        self.why = why
        self.ended.set()
        for flight in self._flights.values():
            flight.end(why)
        for task in self._asked.values():
            task.cancel()
        self._tell_lost()

    def forgotten(self) -> None:
        """The server knows the session no more. What is under way hears that by itself."""
        self.open_ = False
        self.ended.set()
        self._tell_lost()

    def _tell_lost(self) -> None:
        if self._lost_by is not None:
            lost_by, self._lost_by = self._lost_by, None
            lost_by(self)

    async def hold(self, call: Call) -> None:
        """Until the caller has room for more, where the channel reads what the server says about this call alone. The
        clock of the call stands still meanwhile."""
        waiting = None if call.room is None else call.room()
        flight = None if waiting is None else self._about(call)
        if waiting is None or flight is None:
            return
        flight.asking += 1
        try:
            await asyncio.wait((waiting,))
        finally:
            flight.asking -= 1

    async def close(self) -> None:
        self._lost_by = None
        self.lost(RpcError(UPSTREAM_FAILED, f"The connection with the MCP server {self.name!r} was closed."))
        if self._telling:
            await asyncio.wait(self._telling, timeout=LAST_S)
            for task in self._telling:
                task.cancel()
        await self._channel.close()

    def _told(self, method: str, params: JsonObject, call: Call | None) -> None:
        if method == "notifications/progress":
            flight = self._flight(params.get("progressToken"))
            if flight is not None and flight.call.progress_token is not None:
                flight.quiet = 0
                flight.call.tell(method, {**params, "progressToken": flight.call.progress_token})
            return
        if method == "notifications/cancelled":
            id = params.get("requestId")
            asked = self._asked.get(id) if is_id(id) else None
            if asked is not None:
                asked.cancel()
            return
        about = self._flight(meta_of(params).get(SUBSCRIPTION)) or self._about(call)
        if about is not None:
            about.quiet = 0
            if about.call.method in ENDLESS:
                about.call.tell(method, subject_of(params))
                return
        if method == "notifications/message":
            if about is not None and about.call.hears(params.get("level")):
                about.call.tell(method, params)
            return
        if self._event is not None:
            self._event(method, params)

    def _flight(self, id: Json) -> Flight | None:
        return self._flights.get(id) if is_id(id) else None

    def _about(self, call: Call | None) -> Flight | None:
        if call is not None:
            return next((flight for flight in self._flights.values() if flight.call is call), None)
        return next(iter(self._flights.values())) if len(self._flights) == 1 else None

    def _requested(self, id: Id, method: str, params: JsonObject, call: Call | None) -> None:
        """The server asks."""
        flight = self._about(call)
        if len(self._asked) >= ASKED_MAX:
            task = self._reply(failure(id, RpcError(INTERNAL_ERROR, "Too many requests are under way.")), call)
        elif method == "ping":
            task = self._reply(result(id, {}), call)
        elif method not in SERVER_REQUESTS:
            task = self._reply(failure(id, RpcError(METHOD_NOT_FOUND, f"A client knows no {method!r}.")), call)
        elif flight is None or flight.call.ask is None or SERVER_REQUESTS[method] not in flight.call.caller.answers:
            error = RpcError(INVALID_REQUEST, f"Nobody here answers {method!r}.")
            task = self._reply(failure(id, error), call)
        else:
            task = self._ask_caller(id, method, params, flight, call)
        self._asked[id] = asked = asyncio.ensure_future(task)
        asked.add_done_callback(lambda done: self._answered(id, done))

    def _answered(self, id: Id, task: asyncio.Task[None]) -> None:
        if self._asked.get(id) is task:
            del self._asked[id]
        _heard(task)

    async def _ask_caller(self, id: Id, method: str, params: JsonObject, flight: Flight, call: Call | None) -> None:
        assert flight.call.ask is not None
        flight.asking += 1
        try:
            answer = result(id, await flight.call.ask(self.name, method, params))
        except RpcError as error:
            answer = failure(id, error)
        finally:
            flight.asking -= 1
            flight.quiet = 0
        await self._in_time(answer, call)

    async def _reply(self, message: JsonObject, call: Call | None) -> None:
        await self._in_time(message, call)

    async def _in_time(self, message: JsonObject, call: Call | None = None) -> None:
        """What nobody waits for is nothing that a server may hold for ever."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._channel.send(message, call)
        except TimeoutError:
            told = f"The MCP server {self.name!r} did not take a message in time."
            raise RpcError(UPSTREAM_FAILED, told) from None

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._telling.discard(task)
        _heard(task)


def _heard(task: asyncio.Future[None]) -> None:
    """What went wrong where nobody waits is told."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.info("an MCP server was not told: %s", error)
