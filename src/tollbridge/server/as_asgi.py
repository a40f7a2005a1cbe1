"""The whole application as an ASGI 3 application, to run it under uvicorn, hypercorn or granian.

The rules about path, Host, repeated headers and bodies are ours here as well; framing, timeouts and connection limits
are those of the server in front. WebSockets are refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import quote

from tollbridge.calls.headers import Pair
from tollbridge.errors import APIError, BadRequestError
from tollbridge.server.asgi import Message, Receive, Scope, Send
from tollbridge.server.forwarded import Forwarding, Origin, read_root_path, strip_root_path
from tollbridge.server.http.answer import BODILESS, FRAMING, whole
from tollbridge.server.http.body import sink_for, too_large
from tollbridge.server.http.flow import Flow
from tollbridge.server.http.head import fold, read_host
from tollbridge.server.http.limits import Limits
from tollbridge.server.http.target import read_target
from tollbridge.server.inbound import Application, ClientGone, Headers, Inbound, Refusal

log = logging.getLogger(__name__)

_HIGH_WATER = 64 * 1024


async def _nothing() -> None:
    return None


class AsAsgi:
    """`startup` and `shutdown` run with the server's lifespan."""

    def __init__(
        self,
        application: Application,
        *,
        limits: Limits | None = None,
        forwarding: Forwarding | None = None,
        root_path: str = "",
        startup: Callable[[], Awaitable[None]] = _nothing,
        shutdown: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._application = application
        self._limits = limits or Limits()
        self._forwarding = forwarding or Forwarding()
        self._root_path = read_root_path(root_path)
        self._startup = startup
        self._shutdown = shutdown

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Start and end, for an application that this one is mounted in: it hears of no lifespan then."""
        await self._startup()
        try:
            yield
        finally:
            await self._shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1000})
            case other:
                raise RuntimeError(f"unexpected ASGI scope {other!r}")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            taken = await self._take_in(scope, receive)
        except ClientGone:
            return
        answer = AsgiAnswer(send, head_only=scope["method"] == "HEAD")
        if isinstance(taken, Refusal):
            answer.refuse(taken)
            await answer.flush()
            return
        flow = taken.flow
        coming = _watch(receive, answer) if not isinstance(flow, _Coming) else flow.receive(receive, answer)
        watch = asyncio.create_task(coming)
        pump = asyncio.create_task(answer.pump())
        try:
            await self._handle(taken, answer)
        finally:
            watch.cancel()
            answer.abort()
            await pump

    async def _take_in(self, scope: Scope, receive: Receive) -> Inbound | Refusal:
        inbound: Inbound | None = None
        try:
            inbound = self._read_head(scope)
            verdict = self._application.admit(inbound)
            refusal = verdict if verdict is None or isinstance(verdict, Refusal) else await verdict
            if refusal is not None:
                return refusal
            if inbound.flows and b"content-encoding" not in inbound.headers:
                inbound.flow = _Coming(inbound, self._limits.upload_bytes)
            else:
                await self._read_body(inbound, receive)
            return inbound
        except APIError as error:
            return self._application.refuse(inbound, error)

    async def _handle(self, inbound: Inbound, answer: AsgiAnswer) -> None:
        try:
            await self._application.handle(inbound, answer)
        except ClientGone:
            return
        except Exception:
            log.exception("%s %s failed %s", inbound.method, inbound.path, inbound.id)
        if not answer.started and not answer.gone:
            answer.refuse(self._application.internal_error(inbound))

    def _read_head(self, scope: Scope) -> Inbound:
        headers = fold((bytes(name), bytes(value)) for name, value in scope["headers"])
        target = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
        path, _ = read_target(bytes(target))
        direct = Origin(
            str((scope.get("client") or ("",))[0]),
            scope.get("scheme", "http"),
            read_host(headers.get(b"host"), required=scope.get("http_version") == "1.1"),
        )
        origin = self._forwarding.origin(direct, headers) if self._forwarding.trusts(direct.peer) else direct
        query = bytes(scope.get("query_string", b""))
        if not query.isascii():
            raise BadRequestError("The query must be ASCII.")
        mounted = read_root_path(str(scope.get("root_path", "")))  # the path has it before it, or had
        return Inbound(
            scope["method"],
            strip_root_path(strip_root_path(path, mounted), self._root_path),
            query.decode("ascii"),
            headers,
            origin.peer,
            origin.scheme,
            origin.host,
            asyncio.get_running_loop().time(),
            self._limits.body_bytes,
        )

    async def _read_body(self, inbound: Inbound, receive: Receive) -> None:
        coding = inbound.headers.pop(b"content-encoding", None)
        if coding is not None:
            inbound.headers.pop(b"content-length", None)
        sink = sink_for(coding, inbound.body_limit, self._limits.inflation)
        empty = True
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            data = message.get("body", b"")
            if data:
                empty = False
                sink.take(data)
            if not message.get("more_body"):
                break
        inbound.body = b"" if empty else sink.content()


class _Coming(Flow):
    """A body that is taken as it arrives."""

    def __init__(self, inbound: Inbound, limit: int) -> None:
        length = inbound.headers.get(b"content-length", b"")
        known = int(length) if length.isdigit() else None
        if known is not None and known > limit:
            raise too_large(limit)
        self._room = asyncio.Event()
        super().__init__(asyncio.get_running_loop(), limit, known, self._room.set)

    async def receive(self, receive: Receive, answer: AsgiAnswer) -> None:
        """To the end of the body, at the pace of who takes it; then until the client leaves."""
        try:
            while (message := await receive())["type"] != "http.disconnect":
                self.take(message.get("body", b""))
                if not message.get("more_body"):
                    self.end()
                    break
                if self.full:
                    self._room.clear()
                    await self._room.wait()
            else:
                self.fail(ClientGone())
                answer.lose()
                return
        except APIError as error:
            self.fail(error)
        await _watch(receive, answer)


async def _watch(receive: Receive, answer: AsgiAnswer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    answer.lose()


class AsgiAnswer:
    """A `Responder` whose writes wait in an outbox for ASGI's asynchronous `send`."""

    def __init__(self, send: Send, *, head_only: bool) -> None:
        self._send = send
        self._head_only = head_only
        self._outbox: deque[Message] = deque()
        self._waiting = 0
        self._over = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._on_gone: Callable[[], None] | None = None
        self.started = False
        self.gone = False

    def refuse(self, refusal: Refusal) -> None:
        self.reply(refusal.status, refusal.headers, refusal.body)

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        if self._over:
            return
        length = () if status in BODILESS else ((b"content-length", b"%d" % len(body)),)
        self._begin(status, (*_unframed(headers), *length))
        self._post(b"" if self._head_only or status in BODILESS else body, more=False)

    def start(self, status: int, headers: Headers) -> None:
        if not self._over:
            self._begin(status, _unframed(headers))

    def write(self, data: bytes) -> None:
        if data and not self._over and not self._head_only:
            self._post(data, more=True)

    async def drain(self) -> None:
        await self._room.wait()
        if self.gone:
            raise ClientGone

    def finish(self) -> None:
        if not self._over:
            self._post(b"", more=False)

    def abort(self) -> None:
        """Servers take an answer without its last message for a broken one, and close."""
        self._over = True
        self._on_gone = None
        self._changed.set()

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        if self.gone and callback is not None:
            callback()
        elif not self._over:
            self._on_gone = callback

    def lose(self) -> None:
        if self._over:
            return
        self.gone = True
        callback = self._on_gone
        self.abort()
        self._room.set()
        if callback is not None:
            callback()

    async def pump(self) -> None:
        """Sends what is written, to the end of the answer."""
        while not self._over or self._outbox:
            if not self._outbox:
                self._changed.clear()
                await self._changed.wait()
            await self.flush()

    async def flush(self) -> None:
        while self._outbox:
            message = self._outbox.popleft()
            try:
                await self._send(message)
            except OSError:
                self._outbox.clear()
                self.lose()
                return
            self._waiting -= len(message.get("body", b""))
            if self._waiting <= _HIGH_WATER:
                self._room.set()

    def _begin(self, status: int, headers: Iterable[Pair]) -> None:
        if self.started:
            raise RuntimeError("this request is already answered")
        self.started = True
        self._outbox.append({"type": "http.response.start", "status": status, "headers": list(headers)})
        self._changed.set()

    def _post(self, body: bytes, *, more: bool) -> None:
        if not self.started:
            raise RuntimeError("the answer did not start")
        self._outbox.append({"type": "http.response.body", "body": body, "more_body": more})
        self._waiting += len(body)
        self._over = not more
        if self._waiting > _HIGH_WATER:
            self._room.clear()
        self._changed.set()


def _unframed(headers: Headers) -> list[Pair]:
    return [header for header in whole(headers) if header[0] not in FRAMING]
