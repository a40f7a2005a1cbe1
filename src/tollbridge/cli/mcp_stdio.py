"""`tollbridge mcp stdio`: a gateway, or one of its servers, as a server on stdio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from tollbridge.assemble.gateway import limits
from tollbridge.cli.gateway import address
from tollbridge.cli.place import place
from tollbridge.cli.process import application
from tollbridge.errors import ConfigError
from tollbridge.home import new_key
from tollbridge.mcp.bridge import Bridge
from tollbridge.mcp.http import Address, Pairs
from tollbridge.observe.masked import LINE, MaskingFormatter
from tollbridge.server.http.listener import Listener
from tollbridge.server.identify import MasterKey
from tollbridge.transport.egress import split_url
from tollbridge.transport.http1 import HttpTransport

LINE_BYTES_MAX = 64 * 1024 * 1024
CHUNK_BYTES = 64 * 1024


async def bridge(
    config: Path | None, url: str | None, key: str | None, server: str | None, headers: tuple[tuple[str, str], ...]
) -> None:
    """Until stdin ends. Raises ConfigError."""
    _log_to_stderr()
    async with contextlib.AsyncExitStack() as stack:
        if config is not None:
            where, known = await stack.enter_async_context(_served(config))
        else:
            where, known = address(url, key, os.environ)
        transport = HttpTransport()
        stack.push_async_callback(transport.close)
        over = Bridge(transport, _endpoint(where, known, server, headers), _say)
        stack.push_async_callback(over.close)
        await over.run(_lines())


def _endpoint(url: str, key: str | None, server: str | None, headers: Pairs) -> Address:
    """A URL with a path is an endpoint as it is."""
    origin, target = split_url(url)
    if target == "/":
        target = "/mcp"
    if server is not None:
        target = f"{target.rstrip('/')}/{quote(server)}"
    own: Pairs = () if key is None else (("authorization", f"Bearer {key}"),)
    return Address(origin, target, (*own, *((name.lower(), value) for name, value in headers)))


@asynccontextmanager
async def _served(config: Path) -> AsyncIterator[tuple[str, str | None]]:
    """The servers of a configuration, by a gateway on the loopback of which only this process has the key."""
    found = place(config)
    if not found.config.mcp_servers:
        raise ConfigError(f"{config} has no `mcp_servers`.")
    key = new_key()
    with application(found.config, found.environ, found.home, MasterKey(key), "none") as (app, assembled, accounts):
        listener = await Listener.open(app, port=0, limits=limits(found.config))
        accounts.start()
        try:
            yield listener.url, key
        finally:
            await listener.close()
            await assembled.mcp.close()
            await assembled.gateway.engine.transport.close()
            await accounts.stop()


async def _lines() -> AsyncIterator[bytes]:
    """Read on a thread: standard input may be a pipe, a terminal, a file, or nothing."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=LINE_BYTES_MAX)

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: whoever reads has gone
            while data := os.read(sys.stdin.fileno(), CHUNK_BYTES):
                loop.call_soon_threadsafe(reader.feed_data, data)
            loop.call_soon_threadsafe(reader.feed_eof)

    threading.Thread(target=read, name="tollbridge-stdin", daemon=True).start()
    while line := await reader.readline():
        yield line


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(LINE))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
