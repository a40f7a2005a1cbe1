"""Behind nginx, which keeps connections to us and shares them between its clients: what it counts as one request must
be one request here, or a client could put words into another's mouth (S18)."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.server.http.raw import PATIENCE_S, Stage, Wire, post, serving
from tests.server.http.test_smuggling import BEHIND, MALFORMED
from tollbridge.server.http.listener import Listener

NGINX = shutil.which("nginx")

CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 64; }}
http {{
  log_format passed '$request_uri $upstream_status';
  access_log {folder}/access.log passed;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream gateway {{ server 127.0.0.1:{upstream}; keepalive 1; }}
  server {{
    listen 127.0.0.1:{port};
    ignore_invalid_headers off; underscores_in_headers on; merge_slashes off; proxy_request_buffering {buffering};
    location / {{ proxy_pass http://gateway; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


@asynccontextmanager
async def nginx_before(listener: Listener, folder: Path, buffering: str) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, upstream=listener.port, port=port, buffering=buffering)
    )
    assert NGINX is not None
    process = await asyncio.create_subprocess_exec(NGINX, "-c", str(configuration), stderr=asyncio.subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except ConnectionError:
                await asyncio.sleep(0.02)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _exchange(port: int, data: bytes) -> None:
    """Sends, and reads to the end or for a moment: nginx may wait for more of a broken request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        await asyncio.wait_for(reader.read(), 0.05)
    except (TimeoutError, ConnectionError):
        pass
    writer.transport.abort()


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize("buffering", ["on", "off"])
async def test_nginx_and_we_count_the_same_requests(tmp_path: Path, buffering: str) -> None:
    stage = Stage()
    async with serving(stage) as listener, nginx_before(listener, tmp_path, buffering) as port:
        for number, (_, request) in enumerate(MALFORMED.values()):
            await _exchange(port, request + BEHIND)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            victim = Wire(reader, writer)
            mark = f"victim {number}".encode()
            await victim.send(post("/victim", mark))
            assert (await victim.answer()).body == mark
            writer.transport.abort()

        def passed() -> list[str]:
            lines = [line.split() for line in (tmp_path / "access.log").read_text().splitlines()]
            return [line[0] for line in lines if len(line) == 2 and line[1] not in ("-", "400", "502")]

        async with asyncio.timeout(PATIENCE_S):
            while passed().count("/victim") < len(MALFORMED):
                await asyncio.sleep(0.02)
        assert passed().count("/victim") == len(MALFORMED)
        seen = [inbound.path for inbound in stage.seen]
        assert seen.count("/smuggled") <= passed().count("/smuggled")
        assert seen.count("/victim") == len(MALFORMED)
