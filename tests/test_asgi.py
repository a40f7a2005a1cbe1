"""The whole gateway under uvicorn, as its command starts it. The adapter itself: tests/server/test_asgi.py."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.mock_upstream import serving
from tests.server.faults import CHAT, MESSAGES, ask, configuration, ended, entry, text_of
from tests.server.test_faults_processes import KEY, Serving, environment, free_port
from tollbridge.asgi import create

LEGACY = Path(__file__).parent / "mcp" / "fixtures" / "legacy_stdio.py"


async def uvicorn(directory: Path, **environ: str) -> Serving:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "--factory", "tollbridge.asgi:create", "--port", str(port)),
        *("--http", "httptools", "--no-proxy-headers"),
        cwd=directory,
        env=environment(directory / "home") | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return Serving(process, port)


@asynccontextmanager
async def under_uvicorn(directory: Path, **environ: str) -> AsyncIterator[Serving]:
    gateway = await uvicorn(directory, **environ)
    try:
        await gateway.says("Uvicorn running on")
        yield gateway
    finally:
        if gateway.process.returncode is None:
            gateway.process.kill()
        await gateway.process.wait()


async def post(gateway: Serving, path: str, body: object, headers: Mapping[str, str]) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session:
        async with session.post(gateway.url + path, json=body, headers=headers) as answered:
            return answered.status, await answered.read()


async def test_it_serves_what_the_configuration_says_and_logs_and_ends_in_order(tmp_path: Path) -> None:
    async with serving() as mock:
        (tmp_path / "own.yaml").write_text(configuration(entry("m", mock.port), general={"max_request_size_mb": 0.001}))
        files = {"TOLLBRIDGE_CONFIG": "own.yaml", "TOLLBRIDGE_LOG": "requests.log"}
        async with under_uvicorn(tmp_path, **files) as gateway:
            key = {"x-api-key": KEY}
            for path in (CHAT, MESSAGES):
                status, body = await post(gateway, path, ask(), key)
                assert (status, json.loads(body)["model"]) == (200, "m")
                status, body = await post(gateway, path, ask(stream=True), key)
                assert status == 200
                assert ended(path, body)
                assert text_of(path, body)
                assert (await post(gateway, path, ask(), {"x-api-key": KEY[::-1]}))[0] == 401
                assert (await post(gateway, path, ask(text="x" * 2000), key))[0] == 413
            gateway.process.send_signal(signal.SIGTERM)
            assert await gateway.ends() in (0, -signal.SIGTERM)  # uvicorn raises the signal again when all is done
    lines = [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]
    assert [line["status"] for line in lines] == [200, 200, 401, 413] * 2
    assert KEY not in gateway.said


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes")
async def test_mcp_servers_on_stdio_end_with_the_lifespan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = {"old": {"command": sys.executable, "args": [str(LEGACY), "of this test"]}}
    (tmp_path / "own.yaml").write_text(json.dumps({"mcp_servers": servers}))
    for name, value in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TOLLBRIDGE_CONFIG", str(tmp_path / "own.yaml"))
    monkeypatch.setenv("TOLLBRIDGE_LOG", "none")
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    body = json.dumps(asked).encode()
    scope = {
        **{"type": "http", "http_version": "1.1", "method": "POST", "path": "/mcp/", "query_string": b""},
        "headers": [
            *((b"host", b"h"), (b"x-api-key", KEY.encode()), (b"content-type", b"application/json")),
            *((b"accept", b"application/json, text/event-stream"), (b"content-length", b"%d" % len(body))),
        ],
    }
    app, over = create(), asyncio.Event()
    said: asyncio.Queue[str] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    for word in ("startup", "shutdown"):
        said.put_nowait(f"lifespan.{word}")

    async def live() -> Any:
        word = await said.get()
        if word.endswith("shutdown"):
            await over.wait()
        return {"type": word}

    life = asyncio.create_task(app({"type": "lifespan"}, live, heard.put))
    assert (await heard.get())["type"] == "lifespan.startup.complete"
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return parts.pop() if parts else await asyncio.Event().wait()

    await app(scope, receive, heard.put)
    assert (await heard.get())["status"] == 200
    assert running("of this test")
    over.set()
    await life
    assert not running("of this test")


def running(word: str) -> list[str]:
    """Processes with this argument."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in line.read_bytes().split(b"\0"):
                found.append(line.parent.name)
    return found


async def test_without_a_file_it_makes_a_key_and_shows_it_once(tmp_path: Path) -> None:
    made = {"TOLLBRIDGE_MASTER_KEY": "", "LITELLM_MASTER_KEY": "", "TOLLBRIDGE_LOG": "none"}
    async with under_uvicorn(tmp_path, **made) as gateway:
        key = (tmp_path / "home" / "master_key").read_text().strip()
        assert gateway.said.count(key) == 1
        status, _ = await post(gateway, CHAT, ask("demo/hello"), {"authorization": f"Bearer {key}"})
        assert status == 200
    async with under_uvicorn(tmp_path, **made) as again:
        assert key not in again.said


async def test_what_cannot_be_used_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("model_list: 5")
    gateway = await uvicorn(tmp_path, TOLLBRIDGE_CONFIG="own.yaml")
    assert await gateway.ends() != 0
    assert "own.yaml:1" in gateway.said


async def test_nothing_is_open_where_it_is_not_known_who_can_reach_it(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("general_settings: {open_on_loopback: true}")
    async with under_uvicorn(tmp_path, TOLLBRIDGE_CONFIG="own.yaml") as gateway:
        assert (await post(gateway, CHAT, ask("demo/hello"), {}))[0] == 401
