"""A mounted ASGI application behind our own listener, and the whole behind uvicorn."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from tests.server.http.raw import PATIENCE_S, Stage, Wire, connected, get, post, serving
from tollbridge.server.as_asgi import AsAsgi
from tollbridge.server.asgi import AsgiMount
from tollbridge.server.forwarded import Forwarding
from tollbridge.server.http.limits import Limits
from tollbridge.server.inbound import Inbound, Responder


class Mounted(Stage):
    """Gives every request to a mount."""

    def __init__(self, mount: AsgiMount) -> None:
        super().__init__()
        self.mount = mount

    async def handle(self, inbound: Inbound, responder: Responder) -> None:
        await self.mount.handle(inbound, responder)


class Pages:
    """A Starlette application."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began = asyncio.Event()
        self.over = asyncio.Event()
        self.life: list[str] = []
        routes = [
            Route("/scope/{rest:path}", self.scope),
            Route("/echo", self.echo, methods=["POST"]),
            Route("/stream", self.stream),
            Route("/gone", self.gone),
            Route("/flood", self.flood),
            Route("/raise", self.fail),
        ]
        self.app = Starlette(routes=routes, lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[dict[str, Any]]:
        self.life.append("start")
        yield {"name": "pages"}
        self.life.append("stop")

    async def scope(self, request: Request) -> Response:
        facts = {"url": str(request.url), "rest": request.path_params["rest"], "peer": request.client.host}  # type: ignore[union-attr]
        facts["root"] = request.scope["root_path"]
        facts["name"] = request.state.name
        return JSONResponse(facts, headers={"X-Thing": "yes"})

    async def echo(self, request: Request) -> Response:
        return PlainTextResponse(await request.body())

    async def stream(self, request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            await self.go.wait()
            yield b"two"

        return StreamingResponse(pieces())

    async def gone(self, request: Request) -> Response:
        self.began.set()
        message = await request.receive()
        assert message["type"] == "http.request"
        message = await request.receive()
        assert message["type"] == "http.disconnect"
        self.over.set()
        return Response()

    async def flood(self, request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536
                self.began.set()

        return StreamingResponse(pieces())

    async def fail(self, request: Request) -> Response:
        raise ValueError("a bug")


async def test_a_mounted_application_answers() -> None:
    pages = Pages()
    mount = AsgiMount(pages.app)
    await mount.startup()
    async with serving(Mounted(mount)) as listener, connected(listener) as wire:
        await wire.send(get("/scope/a%20b?q=1") + post("/echo", b"body") + get("/missing"))
        answered = await wire.answer()
        assert b'"url":"http://localhost/scope/a b?q=1","rest":"a b","peer":"127.0.0.1"' in answered.body
        assert b'"name":"pages"' in answered.body
        assert answered.headers[b"x-thing"] == b"yes"
        assert (await wire.answer()).body == b"body"
        assert (await wire.answer()).status == 404
    await mount.shutdown()
    assert pages.life == ["start", "stop"]


async def test_a_mount_knows_its_root_path() -> None:
    pages = Pages()
    mount = AsgiMount(pages.app, root_path="/gw")
    await mount.startup()
    async with serving(Mounted(mount), root_path="/gw") as listener, connected(listener) as wire:
        await wire.send(get("/gw/scope/x"))
        body = (await wire.answer()).body
        assert b'"url":"http://localhost/gw/scope/x","rest":"x"' in body
        assert b'"root":"/gw"' in body
    await mount.shutdown()


async def test_a_mounted_application_streams() -> None:
    pages = Pages()
    async with serving(Mounted(AsgiMount(pages.app))) as listener, connected(listener) as wire:
        await wire.send(get("/stream"))
        await wire.until(b"one\r\n")
        pages.go.set()
        assert await wire.until(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
        await wire.send(post("/echo", b"next"))
        assert (await wire.answer()).body == b"next"


async def test_a_mounted_application_hears_that_the_client_left() -> None:
    pages = Pages()
    async with serving(Mounted(AsgiMount(pages.app))) as listener, connected(listener) as wire:
        await wire.send(get("/gone"))
        await asyncio.wait_for(pages.began.wait(), PATIENCE_S)
        wire.reset()
        await asyncio.wait_for(pages.over.wait(), PATIENCE_S)


async def test_a_mounted_stream_ends_when_the_client_left(caplog: pytest.LogCaptureFixture) -> None:
    pages = Pages()
    async with serving(Mounted(AsgiMount(pages.app))) as listener, connected(listener, limit=1024) as wire:
        await wire.send(get("/flood"))
        await asyncio.wait_for(pages.began.wait(), PATIENCE_S)
        wire.reset()
        while listener.in_flight:
            await asyncio.sleep(0.01)
    assert caplog.text == "", "that is no error"


async def test_a_failing_mounted_application_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("a bug")

    mount = AsgiMount(app)
    await mount.startup()
    async with serving(Mounted(mount)) as listener, connected(listener) as wire:
        await wire.send(get("/"))
        assert (await wire.answer()).status == 500
    await mount.shutdown()
    assert "a bug" in caplog.text


async def test_a_failing_start_is_loud() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="no database"):
        await AsgiMount(app).startup()


# Under uvicorn.


@asynccontextmanager
async def under_uvicorn(app: AsAsgi | Starlette) -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, log_level="critical", ws="none", http="httptools", proxy_headers=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        server.force_exit = True
        await task


@asynccontextmanager
async def visiting(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


async def test_the_same_answers_under_uvicorn() -> None:
    stage = Stage()
    stage.go.set()
    stage.headers = ((b"x-good", b"a"), (b"x-bad", b"a\r\nb: c"), (b"connection", b"x"), (b"content-length", b"9"))
    async with under_uvicorn(AsAsgi(stage, root_path="/gw")) as port, visiting(port) as wire:
        await wire.send(post("/gw/echo/openai%2Fgpt-4o?q=1", gzip.compress(b"body"), "Content-Encoding: gzip"))
        answered = await wire.answer()
        assert (answered.status, answered.body) == (200, b"body")
        assert answered.headers[b"x-good"] == b"a"
        assert b"x-bad" not in answered.headers
        await wire.send(get("/stream"))
        assert (await wire.answer()).body == b"onetwo"
        await wire.send(get("/deny"))
        assert (await wire.answer()).status == 401
        await wire.send(b"HEAD /empty?200 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await wire.answer(head_only=True)).headers[b"content-length"] == b"14"
    inbound = stage.seen[0]
    assert (inbound.path, inbound.query, inbound.host) == ("/echo/openai/gpt-4o", "q=1", "localhost")
    assert (inbound.peer, inbound.scheme) == ("127.0.0.1", "http")


async def test_within_another_application_paths_count_from_where_it_is_mounted() -> None:
    stage, lived = Stage(), list[str]()

    async def startup() -> None:
        lived.append("begun")

    async def shutdown() -> None:
        lived.append("ended")

    mounted = AsAsgi(stage, startup=startup, shutdown=shutdown)
    outer = Starlette(routes=[Mount("/team", routes=[Mount("/llm", mounted)]), Mount("/", mounted)])
    async with mounted.lifespan(), under_uvicorn(outer) as port, visiting(port) as wire:
        for path in ("/team/llm/echo/a%2Fb?q=1", "/echo/a/b?q=1", "/team/llm/"):
            await wire.send(post(path, b"body"))
            await wire.answer()
        assert lived == ["begun"]
    assert [(inbound.path, inbound.query) for inbound in stage.seen] == [("/echo/a/b", "q=1")] * 2 + [("/", "")]
    assert lived == ["begun", "ended"]


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, get("/v1/%2e%2e/admin")),
        (400, get("/a%5cb")),
        (400, get("/echo", "Authorization: a", "Authorization: b")),
        (400, b"GET /echo HTTP/1.1\r\nHost: x:4000/#@y\r\n\r\n"),
        (413, post("/echo", b"x" * 101)),
        (415, post("/echo", b"x", "Content-Encoding: br")),
        (500, get("/raise")),
        (500, get("/silent")),
    ],
)
async def test_the_same_refusals_under_uvicorn(status: int, request_: bytes) -> None:
    async with under_uvicorn(AsAsgi(Stage(), limits=Limits(body_bytes=100))) as port, visiting(port) as wire:
        await wire.send(request_)
        assert (await wire.answer()).status == status


@pytest.mark.parametrize("path", ["/wait", "/stream", "/flood"])
async def test_a_client_that_leaves_is_noticed_under_uvicorn(path: str) -> None:
    stage = Stage()
    async with under_uvicorn(AsAsgi(stage)) as port, visiting(port) as wire:
        await wire.send(get(path))
        began = stage.flooded if path == "/flood" else stage.entered
        await asyncio.wait_for(began.wait(), PATIENCE_S)
        wire.reset()
        await asyncio.wait_for(stage.left.wait(), PATIENCE_S)
        stage.go.set()


async def test_a_slow_reader_blocks_the_writer_under_uvicorn() -> None:
    stage = Stage()
    async with under_uvicorn(AsAsgi(stage)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(get("/flood"))
        await asyncio.wait_for(stage.flooded.wait(), PATIENCE_S)
        before = -1
        while stage.written != before:
            before = stage.written
            await asyncio.sleep(0.1)
        assert before < 16 * 1024 * 1024
        writer.transport.abort()
        await asyncio.wait_for(stage.left.wait(), PATIENCE_S)


async def test_an_aborted_stream_has_no_end_under_uvicorn() -> None:
    stage = Stage()
    stage.go.set()
    async with under_uvicorn(AsAsgi(stage)) as port, visiting(port) as wire:
        await wire.send(get("/stream?abort"))
        received = await wire.rest()
        assert received.endswith(b"3\r\ntwo\r\n"), "all that was written, and no last chunk"


async def test_start_and_stop_run_with_the_lifespan() -> None:
    life: list[str] = []

    async def start() -> None:
        life.append("start")

    async def stop() -> None:
        life.append("stop")

    app = AsAsgi(Stage(), forwarding=Forwarding(["127.0.0.1"]), startup=start, shutdown=stop)
    heard: list[str] = []
    said = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(said)

    async def send(message: Any) -> None:
        heard.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert life == ["start", "stop"]
    assert heard == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
