"""The whole gateway under uvicorn, as its command starts it. The adapter itself: tests/server/test_asgi.py."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bench.mock_upstream import serving
from tests.server.faults import CHAT, MESSAGES, ask, configuration, ended, entry, text_of
from tests.server.test_faults_processes import KEY, Serving, environment, free_port


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
