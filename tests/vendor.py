"""A small vendor of our own on a real socket: it answers by a table of handlers, and keeps what it was asked.

async with Vendor({("POST", "/v1/chat/completions"): answered_with(CHAT)}) as vendor: ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any

import msgspec
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Asked(msgspec.Struct, frozen=True, eq=False):
    """`target`: path and query, as they came. `headers`: names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Vendor:
    """Handlers by method and path; `*` for a path is any that has none. What nobody handles is a 404."""

    def __init__(self, handlers: Mapping[tuple[str, str], Handler]) -> None:
        self.handlers = dict(handlers)
        self.asked: list[Asked] = []

    async def __aenter__(self) -> Vendor:
        server = web.Server(self._handle, access_log=None, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        handler = self.handlers.get((request.method, request.path)) or self.handlers.get((request.method, "*"))
        body = b"" if getattr(handler, "reads_itself", False) else await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.method, request.path_qs, headers, body))
        if handler is None:
            return web.json_response({"error": {"message": "no such path here"}}, status=404)
        return await handler(request)  # type: ignore[arg-type]


def answered_with(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        if isinstance(body, bytes):
            return web.Response(body=body, status=status, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return handle


def streamed(*events: bytes) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        for event in events:
            await answer.write(event)
        await answer.write_eof()
        return answer

    return handle


def reading_itself(handler: Handler) -> Handler:
    """The body is not read before it is called."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    handle.reads_itself = True  # type: ignore[attr-defined]
    return handle
