"""A whole gateway with a database, keys and the routes that manage them.

async with managing(database, tmp_path) as gateway:
    made = await gateway.make(models=["demo/hello"])
    await gateway.send("GET", "/key/info", key=made["key"])
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.server.served import KEY, Answered, Kept, Served
from tollbridge.admin.key_routes import key_routes
from tollbridge.admin.keys import Keys
from tollbridge.assemble.gateway import assemble, limits
from tollbridge.config.load import load
from tollbridge.home import Home
from tollbridge.policy.keyring import Keyring
from tollbridge.server.app import App
from tollbridge.server.gateway import Gateway
from tollbridge.server.http.listener import Listener
from tollbridge.server.identify import MasterKey
from tollbridge.server.routes import Route
from tollbridge.store.database import Database
from tollbridge.store.keys import KeyStore

CHAT = "/v1/chat/completions"
PEPPER = bytes(range(32))


class Managed(Served):
    ring: Keyring
    keys: Keys

    async def made(self, **body: Any) -> dict[str, Any]:
        """A new key, as the answer tells of it."""
        answered = await self.send("POST", "/key/generate", body)
        assert answered.status == 200, answered.body
        told: dict[str, Any] = answered.json()
        return told

    async def asks(self, key: str) -> Answered:
        body = {"model": "demo/hello", "messages": [{"role": "user", "content": "Hello!"}]}
        return await self.send("POST", CHAT, body, key=key)


@asynccontextmanager
async def managing(
    database: Database,
    directory: Path,
    text: str | None = None,
    more: Callable[[Gateway, Keys], Sequence[Route]] = lambda gateway, keys: (),
) -> AsyncIterator[Managed]:
    """`text`: a configuration, or None to serve without one. `more`: routes beside those of keys."""
    path = None
    if text is not None:
        path = directory / "config.yaml"
        path.write_text(text)
    loaded = load(path, {})
    assert loaded.config is not None, [str(finding) for finding in loaded.findings]
    store = KeyStore(database)
    ring = Keyring(store, PEPPER)
    kept = Kept()
    door = MasterKey(KEY, others=ring)
    gateway = assemble(loaded.config, loaded.environ, Home(directory / "home"), door, [kept]).gateway
    keys = Keys(store, PEPPER, ring, taken=door.is_admins)
    listener = await Listener.open(
        App(gateway, None, (*key_routes(keys), *more(gateway, keys))), port=0, limits=limits(loaded.config)
    )
    try:
        async with aiohttp.ClientSession() as session:
            served = Managed(listener, gateway, kept, session)
            served.ring, served.keys = ring, keys
            yield served
    finally:
        await listener.close()
        await gateway.engine.transport.close()
