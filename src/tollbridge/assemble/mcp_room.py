"""The room of MCP servers, which is loaded when there are some, or when somebody asks for them.

1. At the start where the configuration says anything of them or the database has some: what is wrong is told then.
2. Else by the first request at one of the room's paths, or with tools that are servers of this gateway. It waits a
   tenth of a second, others do not: the code is read on a thread, the database on its own.
3. Else when another process on this database adds a server: whether there is one is looked at twice a second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import msgspec

from tollbridge.assemble.accounts import Accounts
from tollbridge.config.settings import Config
from tollbridge.mcp.ours import is_ours
from tollbridge.model.json import JsonObject
from tollbridge.observe import Metrics, Record
from tollbridge.server.annex import Annex
from tollbridge.server.gateway import Gateway
from tollbridge.server.identify import Authenticator
from tollbridge.server.inbound import Inbound
from tollbridge.server.routes import Route
from tollbridge.server.toolbox import Toolbox
from tollbridge.store.following import follow
from tollbridge.store.mcp_pins import Pin, PinStore
from tollbridge.store.mcp_servers import KeptServer, McpServerStore
from tollbridge.transport.base import Transport

if TYPE_CHECKING:
    from tollbridge.mcp.endpoint import Endpoint

log = logging.getLogger("tollbridge.mcp")

CODE = "tollbridge.assemble.mcp"
PATHS = frozenset(("/sse", "/sse/messages", "/client-metadata.json", "/register", "/authorize", "/token", "/revoke"))
BEGINNINGS = ("/mcp", "/v1/mcp", "/.well-known/oauth-", "/.well-known/openid-configuration")


class Networks(msgspec.Struct, frozen=True, eq=False):
    """`operators`: for what the operator's file names; `others`: for URLs that came over the API."""

    operators: Transport
    others: Transport


class Found(msgspec.Struct, frozen=True):
    """What the database has of MCP."""

    servers: Sequence[KeptServer] = ()
    pins: Sequence[Pin] = ()


NOTHING = Found()


class McpRoom:
    """`endpoint`: None before it is needed."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        gateway: Gateway,
        networks: Networks,
        accounts: Accounts | None,
        authenticator: Authenticator,
    ) -> None:
        self.endpoint: Endpoint | None = None
        self._config = config
        self._environ = environ
        self._gateway = gateway
        self._networks = networks
        self._accounts = accounts
        self.authenticator = authenticator
        self._opening = asyncio.Lock()
        self._annex = Annex(holds, self._routes)
        public = urlsplit(config.general.public_url or "").netloc.lower()
        self.hosts = frozenset({public} if public else ())

    def begin(self) -> None:
        """Before anything is served. Raises ConfigError and StoreUnavailable."""
        config, accounts = self._config, self._accounts
        servers: Sequence[KeptServer] = ()
        if accounts is not None:
            servers = McpServerStore(accounts.database, accounts.pepper).list_sync()
        if servers or config.mcp_servers or config.settings.callbacks or config.general.mcp_token_issuers:
            pins = () if accounts is None else PinStore(accounts.database).list_sync()
            self._load(Found(servers, pins))
        else:
            count(self._gateway.metrics, Uncounted())
            if accounts is not None:  # servers may be added at any time
                self._gateway.tools = Waiting(self)
                accounts.along(partial(self._follow, McpServerStore(accounts.database, accounts.pepper)))

    async def open(self) -> Endpoint:
        """Raises StoreUnavailable: the next who asks tries anew."""
        async with self._opening:
            if self.endpoint is None:
                await asyncio.to_thread(import_module, CODE)
                return self._load(await self._find())
            return self.endpoint

    async def _follow(self, store: McpServerStore) -> None:
        async def look() -> None:
            if await store.revisions():
                await self.open()

        await follow(look, log, "changes of MCP servers", over=lambda: self.endpoint is not None)

    @property
    def servers(self) -> list[str]:
        """By name."""
        return [] if self.endpoint is None else list(self.endpoint.hub.upstreams)

    def routes(self) -> Sequence[Route | Annex]:
        return (self._annex,) if self.endpoint is None else self.endpoint.routes()

    async def close(self) -> None:
        if self.endpoint is not None:
            await self.endpoint.close()

    async def _routes(self) -> Sequence[Route]:
        return (await self.open()).routes()

    async def _find(self) -> Found:
        accounts = self._accounts
        if accounts is None:
            return NOTHING
        servers = await McpServerStore(accounts.database, accounts.pepper).list()
        return Found(servers, await PinStore(accounts.database).list())

    def _load(self, found: Found) -> Endpoint:
        from tollbridge.assemble.mcp import endpoint  # ninety modules: see above

        gateway = self._gateway
        made = endpoint(self._config, self._environ, gateway, self._networks, self._accounts, found)
        if self._config.mcp_servers or self._accounts is not None:
            gateway.tools = made.toolboxes(self.authenticator, self.hosts)
        self.endpoint = made
        return made


class Waiting:
    """`server.toolbox.Toolboxes` of a room that nobody has needed."""

    def __init__(self, room: McpRoom) -> None:
        self._room = room

    def ours(self, definition: JsonObject, inbound: Inbound) -> bool:
        return is_ours(definition, inbound.host, self._room.hosts)

    async def open(
        self, definitions: Sequence[JsonObject], inbound: Inbound, record: Record, taken: frozenset[str]
    ) -> Toolbox:
        endpoint = await self._room.open()
        boxes = endpoint.toolboxes(self._room.authenticator, self._room.hosts)
        return await boxes.open(definitions, inbound, record, taken)


class Counted(Protocol):
    """Of what tools are said to be (`mcp.pins`): how often that was changed, and suspicious."""

    changes: int
    flagged: int


class Uncounted(msgspec.Struct):
    changes: int = 0
    flagged: int = 0


def count(metrics: Metrics, pins: Counted) -> None:
    metrics.counters["tollbridge_mcp_tools_changed"] = (
        "Definitions of MCP tools that are not what they were",
        lambda: float(pins.changes),
    )
    metrics.counters["tollbridge_mcp_tools_flagged"] = (
        "Definitions of MCP tools that are suspicious",
        lambda: float(pins.flagged),
    )


def holds(path: str) -> bool:
    """Whether it may be one of the room's."""
    return path.startswith(BEGINNINGS) or path.endswith("/mcp") or path in PATHS
