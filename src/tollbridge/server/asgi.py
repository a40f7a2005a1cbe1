"""An ASGI 3 application behind our own listener, for what the hot table does not own (administration, the UI).

HTTP and lifespan. The request body is given whole, in one `http.request`; answers stream, with back-pressure.
WebSockets are not served: the connection refuses every Upgrade with 426 before a mount is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import quote

from tollbridge.server.inbound import ClientGone, Inbound, Responder

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_VERSION = {"version": "3.0", "spec_version": "2.4"}


class AsgiMount:
    """`root_path`: the prefix under which clients see the application, as ASGI understands it."""

    def __init__(self, app: AsgiApp, root_path: str = "") -> None:
        self._app = app
        self._root_path = root_path
        self._lifespan: _Lifespan | None = None
        self._state: dict[str, Any] = {}

    async def startup(self) -> None:
        """Runs the application's start. An application that knows no lifespan is served without; one whose start fails
        raises RuntimeError."""
        self._lifespan = _Lifespan(self._app, self._state)
        await self._lifespan.say("startup")

    async def shutdown(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.say("shutdown")
            self._lifespan = None

    async def handle(self, inbound: Inbound, responder: Responder) -> None:
        exchange = _Exchange(inbound, responder)
        try:
            await self._app(self._scope(inbound), exchange.receive, exchange.send)
        except Exception as error:
            # ClientLeft, or what the application made of it (Starlette: ClientDisconnect).
            if exchange.left:
                raise ClientGone from error
            raise
        finally:
            responder.on_gone(None)

    def _scope(self, inbound: Inbound) -> Scope:
        path = self._root_path + inbound.path
        name, _, port = inbound.host.rpartition(":")
        default = 443 if inbound.scheme == "https" else 80
        server = (name, int(port)) if name and port.isdigit() else (inbound.host, default)
        return {
            "type": "http",
            "asgi": _VERSION,
            "http_version": "1.1",
            "method": inbound.method,
            "scheme": inbound.scheme,
            "path": path,
            "raw_path": quote(path).encode("ascii"),
            "query_string": inbound.query.encode("ascii"),
            "root_path": self._root_path,
            "headers": list(inbound.headers.items()),
            "client": (inbound.peer, 0),
            "server": server,
            "state": dict(self._state),
        }


class ClientLeft(OSError):
    """What `send` raises when the client left, as ASGI 2.4 wants it."""


class _Exchange:
    """One request, as ASGI's two functions."""

    def __init__(self, inbound: Inbound, responder: Responder) -> None:
        self._body: bytes | None = inbound.body
        self._responder = responder
        self._head: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._over = asyncio.Event()
        self.left = False
        responder.on_gone(self._over.set)

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        responder = self._responder
        if responder.gone:
            self.left = True
            raise ClientLeft("the client left")
        match message["type"]:
            case "http.response.start":
                headers = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())]
                self._head = (message["status"], headers)
            case "http.response.body":
                await self._send_body(bytes(message.get("body", b"")), bool(message.get("more_body")))
            case other:
                raise RuntimeError(f"unexpected ASGI message {other!r}")

    async def _send_body(self, body: bytes, more: bool) -> None:
        responder = self._responder
        if self._head is None:
            raise RuntimeError("http.response.body before http.response.start")
        if not responder.started and not more:
            responder.reply(*self._head, body)
        else:
            if not responder.started:
                responder.start(*self._head)
            responder.write(body)
            try:
                await responder.drain()
            except ClientGone:
                self.left = True
                raise ClientLeft("the client left") from None
            if not more:
                responder.finish()
        if not more:
            self._over.set()


class _Lifespan:
    """The one long call of an application that spans start and stop."""

    def __init__(self, app: AsgiApp, state: dict[str, Any]) -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        scope: Scope = {"type": "lifespan", "asgi": _VERSION, "state": state}
        self._task = asyncio.ensure_future(app(scope, self._said.get, self._heard.put))

    async def say(self, word: str) -> None:
        if self._task.done():
            return
        await self._said.put({"type": f"lifespan.{word}"})
        heard = asyncio.ensure_future(self._heard.get())
        await asyncio.wait((self._task, heard), return_when=asyncio.FIRST_COMPLETED)
        if not heard.done():
            heard.cancel()
            # An exception here is how an application says that it knows no lifespan.
            self._task.exception()
            return
        answer = heard.result()
        if answer["type"] == f"lifespan.{word}.failed":
            raise RuntimeError(f"the mounted application failed at {word}: {answer.get('message', '')}")
        if word == "shutdown":
            await self._task
