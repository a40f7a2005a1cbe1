"""An MCP server over Streamable HTTP, of either era: each message is a POST of its own, whose answer may be a stream.

1. Legacy: a session id that the server gives is sent with everything after it; a stream that breaks off, or that the
   server closes early, is resumed by its last event's id; one GET stream brings what belongs to no request. A session
   that the server has forgotten (404) is `SessionLost`: the link is opened anew.
2. Modern: no session, no GET, nothing to resume. What the body says is mirrored in headers (`mirrors.py`).
3. What a server answers that is no MCP (a web page, a status without a body) is told as such, without its path: keys
   stand in paths.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

import msgspec

from tollbridge.errors import APIError, AuthenticationError
from tollbridge.mcp.call import Call
from tollbridge.mcp.jsonrpc import MODERN_CODES, UPSTREAM_FAILED, RpcError, decode, encode, read_error
from tollbridge.mcp.link import Link
from tollbridge.mcp.mirrors import Mirrored, mirrored
from tollbridge.mcp.sse import Events, TooLarge
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.base import Incoming, Origin, Outgoing, Timeouts, Transport
from tollbridge.transport.head import encode_head

log = logging.getLogger("tollbridge.mcp.http")

ANSWER_BYTES_MAX = 64 * 1024 * 1024
TOLD_BYTES_MAX = 64 * 1024
NOT_THIS_KIND = frozenset({400, 404, 405, 406, 415})
"""Statuses by which a server says that it speaks another kind of HTTP."""
AWAY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of one that may be back soon."""
HEADS_MAX = 64
TOOLS_MAX, NAME_CHARACTERS_MAX = 256, 256
POSTED = (("content-type", "application/json"), ("accept", "application/json, text/event-stream"))
RESUMES_MAX = 10
RETRY_S = 1.0
RETRY_MAX_S = 30.0
Pairs = tuple[tuple[str, str], ...]


class Refused(RpcError):
    """The server answered with an HTTP status that is an error, in words of JSON-RPC or not (`spoke`)."""

    def __init__(self, name: str, http_status: int, error: RpcError | None, challenge: str = "") -> None:
        told = error or RpcError(UPSTREAM_FAILED, f"The MCP server {name!r} answered with HTTP status {http_status}.")
        super().__init__(told.code, told.message, told.data, status=told.status, extra=told.extra)
        self.http_status = http_status
        self.spoke = error is not None
        self.challenge = challenge


class SessionLost(RpcError):
    """The server knows the session no more."""


class Address(msgspec.Struct, frozen=True):
    """Where a server is. `headers`: credentials and what the operator adds."""

    origin: Origin
    target: str
    headers: Pairs = ()

    def __repr__(self) -> str:
        return f"<Address at {self.origin}>"


Mirrors = Callable[[str], Mirrored | None]
"""What a tool wants mirrored, or None where it is not known."""


class Http:
    """`Channel`. `listens`: opens the GET stream of a legacy session."""

    shared = False

    def __init__(
        self,
        transport: Transport,
        address: Address,
        *,
        mirrors: Mirrors | None = None,
        listens: bool = True,
        connect_s: float = 10.0,
    ) -> None:
        self._transport = transport
        self._address = address
        self._mirrors = mirrors
        self._listens = listens
        self._timeouts = Timeouts(connect_s=connect_s)
        self._heads: dict[tuple[str, Pairs], bytes] = {}
        self._of_tools: dict[tuple[str, str], Outgoing] = {}  # by version and name: a call without its body
        self._session: str | None = None
        self._link: Link | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self, link: Link) -> None:
        self._link = link

    async def send(self, message: JsonObject, call: Call | None = None) -> None:
        link = self._link
        assert link is not None
        method = message.get("method", "")
        outgoing = self._posted(link, method, message)
        try:
            incoming = await self._transport.send(outgoing, self._timeouts)
        except APIError as error:
            raise failed(link.name, error) from error
        if method == "initialize":
            session = incoming.header(b"mcp-session-id")
            self._session = None if session is None else session.decode("latin-1")
        if incoming.status >= 400:
            await self._refused(link, incoming, message)
        wants = "method" in message and "id" in message
        if not wants or incoming.status == 202:
            await discard(incoming)
            if method == "notifications/initialized" and self._listens and not link.modern:
                self._listening = asyncio.ensure_future(self._listen(link))
            return
        await self._take(link, incoming, call, message["id"])

    def _posted(self, link: Link, method: str, message: JsonObject) -> Outgoing:
        """What a tool is called with is the same for all its calls, but for the body and what it wants mirrored."""
        body = encode(message)
        if not link.modern:
            return self._outgoing("POST", (*POSTED, *self._of_session(link)), body)
        version = ("mcp-protocol-version", link.version)
        params = message.get("params") or {}
        name = params.get("name") if method == "tools/call" else None
        if not isinstance(name, str):
            return self._outgoing("POST", (*POSTED, version, *(mirrored(method, params) if method else ())), body)
        wants = self._mirrors(name) if self._mirrors is not None else None
        if wants or len(name) > NAME_CHARACTERS_MAX:
            return self._outgoing("POST", (*POSTED, version, *mirrored(method, params, wants or ())), body)
        known = self._of_tools.get((link.version, name))
        if known is None:
            if len(self._of_tools) >= TOOLS_MAX:
                self._of_tools.clear()
            known = self._outgoing("POST", (*POSTED, version, *mirrored(method, params)))
            self._of_tools[link.version, name] = known
        return Outgoing(
            origin=known.origin,
            method=known.method,
            target=known.target,
            headers=known.headers,
            body=body,
            head=known.head,
        )

    def _of_session(self, link: Link) -> list[tuple[str, str]]:
        headers = [] if self._session is None else [("mcp-session-id", self._session)]
        return [*headers, ("mcp-protocol-version", link.version)] if link.open_ or self._session else headers

    async def _http(self, method: str, headers: list[tuple[str, str]]) -> Incoming:
        """Without a body."""
        link = self._link
        assert link is not None
        try:
            return await self._transport.send(self._outgoing(method, headers), self._timeouts)
        except APIError as error:
            raise failed(link.name, error) from error

    def _outgoing(self, method: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> Outgoing:
        address = self._address
        said = (*headers, *address.headers)
        return Outgoing(
            origin=address.origin,
            method=method,
            target=address.target,
            headers=said,
            body=body,
            head=self._heads.get((method, said)) or self._head(method, said),
        )

    def _head(self, method: str, headers: Pairs) -> bytes:
        """Encoded once for what is said again and again."""
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        try:
            head = encode_head(self._address.origin, method, self._address.target, headers)
        except ValueError as error:
            raise unsendable("" if self._link is None else self._link.name, error) from error
        self._heads[method, headers] = head
        return head

    async def _refused(self, link: Link, incoming: Incoming, message: JsonObject) -> None:
        status = incoming.status
        body = b""
        with contextlib.suppress(APIError):
            body = await incoming.read(TOLD_BYTES_MAX)
        told: RpcError | None = None
        with contextlib.suppress(RpcError):
            said = decode(body)
            if isinstance(said, dict) and said.get("error") is not None and said.get("jsonrpc") == "2.0":
                told = read_error(said["error"])
        if status == 404 and self._session is not None and not link.modern and message.get("method") != "initialize":
            raise SessionLost(UPSTREAM_FAILED, f"The MCP server {link.name!r} has forgotten the session.")
        challenge = (incoming.header(b"www-authenticate") or b"").decode("latin-1")
        raise Refused(link.name, status, told, challenge)

    async def _take(self, link: Link, incoming: Incoming, call: Call | None, id: Json) -> None:
        """The answer to a request, in one piece or as a stream."""
        kind = incoming.header(b"content-type") or b""
        if kind != b"application/json":
            kind = kind.split(b";")[0].strip().lower()
        try:
            if kind == b"text/event-stream":
                await self._stream(link, incoming, call, id)
                return
            body = await incoming.read(ANSWER_BYTES_MAX)
        except APIError as error:
            raise failed(link.name, error) from error
        if kind != b"application/json":
            raise RpcError(
                UPSTREAM_FAILED, f"The MCP server {link.name!r} answered with {_shown(kind)}, not with JSON."
            )
        said = parsed(body)
        if said is None:
            raise RpcError(UPSTREAM_FAILED, f"The MCP server {link.name!r} answered with JSON that cannot be read.")
        for one in said if isinstance(said, list) else (said,):
            link.received(one, call)

    async def _stream(self, link: Link, incoming: Incoming, call: Call | None, id: Json) -> None:
        """Until the answer came. A legacy stream that ends before it is resumed where it has ids."""
        for _ in range(RESUMES_MAX):
            last, retry_s, answered = await self._events(link, incoming, call, id)
            if answered or link.modern or last is None:
                return
            await asyncio.sleep(retry_s)
            headers = [("accept", "text/event-stream"), ("last-event-id", last), *self._of_session(link)]
            incoming = await self._http("GET", headers)
            if incoming.status != 200:
                await discard(incoming)
                return

    async def _events(
        self, link: Link, incoming: Incoming, call: Call | None, id: Json = None
    ) -> tuple[str | None, float, bool]:
        """(id of the last event, seconds until it may be resumed, whether `id` was answered)."""
        events, last, retry_s = Events(), None, RETRY_S
        ended = False
        try:
            while data := await incoming.chunk():
                for event in events.feed(data):
                    last = event.id or last
                    retry_s = retry_s if event.retry_ms is None else min(event.retry_ms / 1000, RETRY_MAX_S)
                    if not event.data:
                        continue
                    message = parsed(event.data.encode())
                    if message is None:
                        log.warning("the MCP server %r sent an event that is no JSON", link.name)
                        continue
                    for one in message if isinstance(message, list) else (message,):
                        link.received(one, call)
                        if id is not None and isinstance(one, dict) and one.get("id") == id and "method" not in one:
                            return last, retry_s, True
                if call is not None and call.room is not None:
                    await link.hold(call)
            ended = True
        except (APIError, TooLarge) as error:
            if last is None or link.modern:
                raise failed(link.name, error) from error
        finally:
            if not ended:
                incoming.abort()
        return last, retry_s, False

    async def _listen(self, link: Link) -> None:
        """What the server says of its own accord, for as long as the session lasts; nothing where it offers no
        stream. One that is not found any more is that of a session that the server has forgotten."""
        last: str | None = None
        wait_s, found_before = RETRY_S, False
        while True:
            headers = [("accept", "text/event-stream"), *self._of_session(link)]
            if last is not None:
                headers.append(("last-event-id", last))
            try:
                incoming = await self._http("GET", headers)
                if incoming.status == 200:
                    found_before = True
                    found, wait_s, _ = await self._events(link, incoming, None)
                    last = found or last
                else:
                    await discard(incoming)
                    if found_before and incoming.status == 404 and self._session is not None:
                        link.forgotten()
                    if not found_before or incoming.status not in AWAY:
                        return
                    wait_s = min(wait_s * 2, RETRY_MAX_S)
            except RpcError as error:
                log.info("the stream of the MCP server %r broke off: %s", link.name, error.message)
                wait_s = min(wait_s * 2, RETRY_MAX_S)
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        link, session = self._link, self._session
        if session is not None and link is not None:
            headers, self._session = self._of_session(link), None
            with contextlib.suppress(RpcError, APIError, TimeoutError):
                await asyncio.wait_for(self._end(headers), 2.0)

    async def _end(self, headers: list[tuple[str, str]]) -> None:
        await discard(await self._http("DELETE", headers))


async def discard(incoming: Incoming) -> None:
    try:
        await incoming.read(TOLD_BYTES_MAX)
    except APIError:
        incoming.abort()


def parsed(data: bytes) -> Json:
    """None of what is no JSON."""
    try:
        return decode(data)
    except RpcError:
        return None


def failed(name: str, error: Exception) -> RpcError:
    code = error.code if isinstance(error, APIError) else None
    reason = "an event is too large" if isinstance(error, TooLarge) else str(error)
    if isinstance(error, AuthenticationError):
        reason = "the credential was refused"
    told = f"The MCP server {name!r} cannot be reached: "
    public = error.public if isinstance(error, APIError) else ""
    data: JsonObject | None = {"code": code} if code else None
    return RpcError(UPSTREAM_FAILED, told + (public or reason), data, where=told + reason if public else "")


def unsendable(name: str, error: ValueError) -> RpcError:
    """What was to be sent is no HTTP: by a header of the caller's, or one that the operator fixed."""
    return RpcError(UPSTREAM_FAILED, f"The MCP server {name!r} cannot be asked with these headers: {error}.")


def other_era(error: RpcError, modern: bool) -> bool:
    """The server does not speak this one: what it said may be another's words. (One that is not there speaks none.)"""
    if isinstance(error, Refused):
        if error.http_status in (401, 403, 429) or error.http_status >= 500:
            return False
        return not (modern and error.spoke and error.code in MODERN_CODES)
    return not error.data or "code" not in error.data if isinstance(error.data, dict) else True


def _shown(kind: bytes) -> str:
    return kind.decode("latin-1")[:100] or "no content type"
