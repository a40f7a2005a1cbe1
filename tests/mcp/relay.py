"""A relay on 127.0.0.1 that adds headers: for programs that cannot show a key, such as the conformance suite.

    async with relaying("http://127.0.0.1:4000", {"x-litellm-api-key": key}) as origin:
        await run(f"{origin}/mcp/everything", "2025-11-25")

Every method, body and stream passes as it comes, both ways; a client that goes away ends its request behind the relay
too. `Host` and `Origin` pass as the client sent them, but where they name the relay's own port they name that of what
is behind it: so the checks there mean what they would mean without a relay. With `seen` (see `one_of_many.py`) one
server of several under one roof is seen as if it stood alone.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import ClientResponse, ClientSession, ClientTimeout, StreamReader, TCPConnector, hdrs, web
from multidict import CIMultiDict
from yarl import URL

from tests.mcp.one_of_many import OneOfMany

_OF_THE_CONNECTION = frozenset(
    name.lower()
    for name in ("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade")
)
_DEFAULTED = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@asynccontextmanager
async def relaying(target: str, headers: Mapping[str, str], seen: OneOfMany | None = None) -> AsyncIterator[str]:
    """The relay's own origin (`http://127.0.0.1:PORT`), as long as it stands."""
    behind = URL(target)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        timeout = ClientTimeout(total=None)
        connector = TCPConnector(limit=0)
        async with ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:

            async def relay(request: web.Request) -> web.StreamResponse:
                return await _relay(session, request, behind, port, headers, seen)

            app = web.Application(client_max_size=0)
            app.router.add_route("*", "/{path:.*}", relay)
            runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
            await runner.setup()
            try:
                await web.SockSite(runner, listener).start()
                yield f"http://127.0.0.1:{port}"
            finally:
                await runner.cleanup()


async def _relay(
    session: ClientSession,
    request: web.Request,
    behind: URL,
    port: int,
    added: Mapping[str, str],
    seen: OneOfMany | None,
) -> web.StreamResponse:
    sent = _passing(request.headers)
    for name in (hdrs.HOST, hdrs.ORIGIN):
        if name in sent:
            sent[name] = _behind(sent[name], port, behind.port)
    sent.update(added)
    body: bytes | StreamReader | None = request.content if request.can_read_body else None
    if seen is not None and body is not None:
        body = seen.sent(await request.read())
        sent.popall(hdrs.CONTENT_LENGTH, None)
        if "Mcp-Name" in sent:
            sent["Mcp-Name"] = seen.named(sent.get("Mcp-Method", ""), sent["Mcp-Name"])
    async with session.request(
        request.method,
        URL(f"{behind.origin()}{request.raw_path}", encoded=True),
        headers=sent,
        data=body,
        skip_auto_headers=_DEFAULTED,
        allow_redirects=False,
    ) as answer:
        back = _passing(answer.headers)
        if seen is not None:
            back.popall(hdrs.CONTENT_LENGTH, None)
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=back)
        await response.prepare(request)
        parts = answer.content.iter_any() if seen is None else _seen(answer, seen)
        async for part in parts:
            await response.write(part)
        await response.write_eof()
        return response


async def _seen(answer: ClientResponse, seen: OneOfMany) -> AsyncIterator[bytes]:
    """An answer, or each event of a stream, with the names that the server itself has."""
    if answer.content_type != "text/event-stream":
        yield seen.received(await answer.read())
        return
    async for line in answer.content:
        if line.startswith(b"data:"):
            yield b"data: " + seen.received(line.removeprefix(b"data:").strip()) + b"\n"
        else:
            yield line


def _passing(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """All headers but those of a single connection."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _OF_THE_CONNECTION)


def _behind(named: str, port: int, other: int | None) -> str:
    """`named` with the port of what is behind the relay, where it names the relay's on this machine."""
    for host in _LOOPBACK:
        if named.removeprefix("http://") == f"{host}:{port}":
            return named.removesuffix(str(port)) + str(other)
    return named
