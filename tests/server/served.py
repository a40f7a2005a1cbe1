"""A whole gateway on a free port of the loopback, from the text of a configuration.

async with served(CONFIG.format(url=upstream_url), tmp_path) as gateway:
    answer = await gateway.post("/v1/chat/completions", {"model": "m", ...})
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tollbridge.assemble.gateway import assemble, cors, limits
from tollbridge.config.load import load
from tollbridge.home import Home
from tollbridge.observe import Record
from tollbridge.server.app import App
from tollbridge.server.gateway import Gateway
from tollbridge.server.http.limits import Limits
from tollbridge.server.http.listener import Listener
from tollbridge.server.identify import MasterKey

KEY = "sk-tb-test-0123456789-abcdef"


class Kept:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def done(self, record: Record, line: bytes | None = None) -> None:
        self.records.append(record)


class Answered(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[tuple[str, str]]:
        """(event, data) of a stream."""
        found = []
        for block in self.body.decode().split("\n\n"):
            lines = [line for line in block.split("\n") if line and not line.startswith(":")]
            if lines:
                fields = dict(line.split(": ", 1) for line in lines)
                found.append((fields.get("event", ""), fields.get("data", "")))
        return found


class Served:
    def __init__(self, listener: Listener, gateway: Gateway, kept: Kept, session: aiohttp.ClientSession) -> None:
        self.listener = listener
        self.gateway = gateway
        self.records = kept.records
        self._session = session

    @property
    def url(self) -> str:
        return self.listener.url

    @property
    def port(self) -> int:
        return self.listener.port

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, key: str | None = KEY
    ) -> Answered:
        sent = dict(headers or {})
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        async with self._session.request(method, self.url + path, data=data, headers=sent) as answer:
            return Answered(answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read())

    @asynccontextmanager
    async def begun(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a GET, of which nothing was read yet."""
        async with self._session.get(self.url + path, headers=headers) as answer:
            yield answer

    async def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answered:
        return await self.send("POST", path, body, headers)


@asynccontextmanager
async def served(
    text: str | None,
    directory: Path,
    *,
    environ: Mapping[str, str] | None = None,
    http_limits: Limits | None = None,
    rules: Mapping[str, Any] | None = None,
) -> AsyncIterator[Served]:
    """`text`: a configuration, or None to serve without one. `rules`: changes to `server.gateway.Rules`."""
    path = None
    if text is not None:
        path = directory / "config.yaml"
        path.write_text(text)
    loaded = load(path, environ or {})
    assert loaded.config is not None, [str(finding) for finding in loaded.findings]
    kept = Kept()
    assembled = assemble(loaded.config, loaded.environ, Home(directory / "home"), MasterKey(KEY), [kept])
    gateway = assembled.gateway
    if rules:
        gateway.rules = msgspec.structs.replace(gateway.rules, **rules)
    app = App(gateway, cors(loaded.config))
    listener = await Listener.open(app, port=0, limits=http_limits or limits(loaded.config))
    try:
        async with aiohttp.ClientSession() as session:
            yield Served(listener, gateway, kept, session)
    finally:
        await listener.close()
        await gateway.engine.transport.close()
