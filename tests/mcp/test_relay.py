"""The relay adds its headers and is otherwise not to be noticed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from tests.mcp.relay import relaying


class Behind:
    """A server that tells what it was sent, and whether the client of its endless stream went away."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def tell(self, request: web.Request) -> web.Response:
        told = {
            "method": request.method,
            "path": request.raw_path,
            "headers": dict(request.headers),
            "body": await request.text(),
        }
        return web.json_response(told, status=201, headers={"Mcp-Session-Id": "kept"})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
        return response


@pytest.fixture
async def behind() -> AsyncIterator[tuple[Behind, str]]:
    server = Behind()
    app = web.Application()
    app.router.add_get("/stream", server.stream)
    app.router.add_route("*", "/{path:.*}", server.tell)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        yield server, f"http://127.0.0.1:{listener.getsockname()[1]}"
        await runner.cleanup()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PUT"])
async def test_every_method_passes_with_path_body_and_headers(behind: tuple[Behind, str], method: str) -> None:
    _, target = behind
    async with relaying(target, {"x-litellm-api-key": "sk-1"}) as origin, aiohttp.ClientSession() as session:
        url = f"{origin}/mcp/a%2Fb?x=1%2B1"
        headers = {"Mcp-Name": "n", "x-litellm-api-key": "of the client"}
        async with session.request(method, _raw(url), data=b"a body", headers=headers) as answer:
            told = await answer.json()
    assert (answer.status, answer.headers["Mcp-Session-Id"]) == (201, "kept")
    assert (told["method"], told["path"], told["body"]) == (method, "/mcp/a%2Fb?x=1%2B1", "a body")
    assert (told["headers"]["Mcp-Name"], told["headers"]["x-litellm-api-key"]) == ("n", "sk-1")


async def test_host_and_origin_are_the_clients_but_for_the_port_of_the_relay(behind: tuple[Behind, str]) -> None:
    _, target = behind
    async with relaying(target, {}) as origin, aiohttp.ClientSession() as session:

        async def told(**headers: str) -> tuple[str, str | None]:
            async with session.get(f"{origin}/", headers=headers) as answer:
                seen = (await answer.json())["headers"]
            return seen["Host"], seen.get("Origin")

        port, other = target.rsplit(":", 1)[1], origin.rsplit(":", 1)[1]
        assert await told() == (f"127.0.0.1:{port}", None)
        assert await told(Host=f"localhost:{other}", Origin=origin) == (f"localhost:{port}", target)
        evil = {"Host": "evil.example.com", "Origin": f"http://evil.example.com:{other}"}
        assert await told(**evil) == (evil["Host"], evil["Origin"])


async def test_a_stream_passes_as_it_comes_and_ends_when_its_client_leaves(behind: tuple[Behind, str]) -> None:
    server, target = behind
    async with relaying(target, {}) as origin, aiohttp.ClientSession() as session:
        async with session.get(f"{origin}/stream") as answer:
            assert await answer.content.readline() == b"data: first\n"
        await asyncio.wait_for(server.left.wait(), 10)


def _raw(url: str) -> URL:
    return URL(url, encoded=True)
