"""MCP servers that were added over the API: from the table into the hub, in every process.

1. The table is looked at twice a second: what another process added, changed or deleted is served, served anew or
   served no more. Calls of other servers do not notice; those of a server that goes end first.
2. A server of the configuration is never replaced: where a kept one has its name, or another's alias, it is not served.
3. What cannot be served is told once in the log, and in `problems`, for whoever lists servers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from tollbridge.errors import ConfigError
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.upstream import Upstream
from tollbridge.store.following import follow
from tollbridge.store.mcp_servers import KeptServer, McpServerStore

log = logging.getLogger("tollbridge.mcp")

Make = Callable[[KeptServer], Upstream]
"""Raises ConfigError where what was said does not make a server here."""


class Kept:
    def __init__(self, store: McpServerStore, hub: Hub, make: Make) -> None:
        self.store = store
        self.problems: dict[str, str] = {}
        self._hub = hub
        self._make = make
        self._configured = frozenset(hub.upstreams)
        self._known: Mapping[str, KeptServer] = {}
        self._revisions: Mapping[str, int] = {}
        self._hearing = asyncio.Lock()

    @property
    def servers(self) -> Mapping[str, KeptServer]:
        """By id, as this process knows them."""
        return self._known

    def begin(self, found: Sequence[KeptServer]) -> None:
        """Before anything is served: what stands in the table."""
        self._take_over({kept.id: kept for kept in found})

    def upstream(self, kept: KeptServer) -> Upstream | None:
        """None where it is not served."""
        found = self._hub.upstreams.get(kept.name)
        return None if found is None or found.definition.id != kept.id else found

    def check(self, kept: KeptServer) -> Upstream:
        """What would be served. Raises ConfigError where it would not."""
        upstream = self._make(kept)
        for name in upstream.definition.names:
            other = self._hub.find(name)
            if other is not None and other.definition.id != kept.id:
                raise ConfigError(f"{name!r} is already a name of the MCP server {other.name!r}")
        return upstream

    async def follow(self) -> None:
        """Until it is cancelled."""
        await follow(self._look, log, "changes of MCP servers")

    async def _look(self) -> None:
        if dict(await self.store.revisions()) != self._revisions:
            await self.hear()

    async def hear(self) -> None:
        """Reads the table, and serves what stands there. Raises StoreUnavailable."""
        async with self._hearing:
            revisions = dict(await self.store.revisions())
            self._take_over({kept.id: kept for kept in await self.store.list()})
            self._revisions = revisions

    def _take_over(self, found: Mapping[str, KeptServer]) -> None:
        for id, former in self._known.items():
            now = found.get(id)
            if (now is None or now.name != former.name) and self.upstream(former) is not None:
                self._hub.take(former.name)
        for id, kept in found.items():
            before = self._known.get(id)
            if before is None or before.revision != kept.revision:
                self._serve(kept)
        self.problems = {id: why for id, why in self.problems.items() if id in found}
        self._known = found

    def _serve(self, kept: KeptServer) -> None:
        self.problems.pop(kept.id, None)
        try:
            if kept.name in self._configured:
                raise ConfigError("the configuration has a server of this name")
            self._hub.put(self.check(kept))
        except ConfigError as error:
            self.problems[kept.id] = str(error)
            log.error("the MCP server %r is not served: %s", kept.name, error)
            if self.upstream(kept) is not None:
                self._hub.take(kept.name)
