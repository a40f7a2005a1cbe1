"""MCP servers that were added over the API.

1. All that was said of a server is sealed (`sealing.py`): keys stand in its URL, its headers, its environment. In the
   clear are its id, its name and who changed it when. The key is derived from the pepper, which all processes on one
   database share; a row that does not open is not served, and the log tells.
2. A change makes a row's `revision` larger; who follows the table compares revisions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select, update

from tollbridge.errors import ConflictError
from tollbridge.model.json import JsonObject
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.mcp_table import MCP_SERVERS
from tollbridge.store.sealing import Sealing

log = logging.getLogger("tollbridge.mcp")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class KeptServer(msgspec.Struct, frozen=True, kw_only=True):
    """`said`: as over the API, with all its secrets."""

    id: str
    name: str
    said: JsonObject
    revision: int = 1
    created_at: float = 0.0
    created_by: str = ""
    updated_at: float = 0.0
    updated_by: str = ""

    def __repr__(self) -> str:
        return f"<KeptServer {self.name}>"


class McpServerStore:
    """`pepper`: of the keys. `clock`: epoch seconds."""

    def __init__(self, database: Database, pepper: bytes, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._sealing = Sealing(pepper, "mcp servers")
        self._clock = clock

    async def insert(self, id: str, name: str, said: JsonObject, by: str) -> KeptServer:
        """Raises ConflictError where the name or the id is taken."""
        now = self._clock()
        kept = KeptServer(
            id=id, name=name, said=said, created_at=now, created_by=by, updated_at=now, updated_by=by, revision=1
        )

        async def work(connection: AsyncConnection) -> None:
            await _check(connection, name, id)
            if await connection.scalar(select(MCP_SERVERS.c.id).where(MCP_SERVERS.c.id == id)) is not None:
                raise ConflictError("This id is in use already.", code="mcp_server_exists", param="server_id")
            await connection.execute(insert(MCP_SERVERS), [self._row(kept)])

        await self._database.run(work)
        return kept

    async def update(self, former: KeptServer, name: str, said: JsonObject, by: str) -> KeptServer | None:
        """None where it is not there any more. Raises ConflictError where somebody else changed it meanwhile, or the
        name is taken."""

        async def work(connection: AsyncConnection) -> KeptServer | None:
            held = select(MCP_SERVERS).where(MCP_SERVERS.c.id == former.id).with_for_update()
            row = (await connection.execute(held)).first()
            if row is None:
                return None
            if row.revision != former.revision:
                raise ConflictError("Somebody else has just changed this server; look again.", code="changed_meanwhile")
            await _check(connection, name, former.id)
            kept = msgspec.structs.replace(
                former, name=name, said=said, revision=row.revision + 1, updated_at=self._clock(), updated_by=by
            )
            changed = update(MCP_SERVERS).where(MCP_SERVERS.c.id == former.id)
            await connection.execute(changed.values(self._row(kept)))
            return kept

        return await self._database.run(work)

    async def delete(self, id: str) -> bool:
        """False where it was not there."""

        async def work(connection: AsyncConnection) -> bool:
            gone = await connection.execute(
                delete(MCP_SERVERS).where(MCP_SERVERS.c.id == id).returning(MCP_SERVERS.c.id)
            )
            return gone.first() is not None

        return await self._database.run(work)

    async def revisions(self) -> Mapping[str, int]:
        """By id."""

        async def work(connection: AsyncConnection) -> Mapping[str, int]:
            found = await connection.execute(select(MCP_SERVERS.c.id, MCP_SERVERS.c.revision))
            return {row.id: row.revision for row in found}

        return await self._database.read(work)

    async def list(self) -> tuple[KeptServer, ...]:
        """By name. Without those that do not open."""
        return await self._database.read(self._listed)

    def list_sync(self) -> tuple[KeptServer, ...]:
        """From a thread without an event loop."""
        return self._database.read_sync(self._listed)

    async def _listed(self, connection: AsyncConnection) -> tuple[KeptServer, ...]:
        rows = await connection.execute(select(MCP_SERVERS).order_by(MCP_SERVERS.c.name))
        found = [self._opened(row) for row in rows]
        return tuple(kept for kept in found if kept is not None)

    def _row(self, kept: KeptServer) -> dict[str, Any]:
        row = msgspec.structs.asdict(kept)
        said = row.pop("said")
        return {**row, "sealed": self._sealing.seal(kept.id.encode(), _identity(kept.id, kept.name), _encode(said))}

    def _opened(self, row: Row[Any]) -> KeptServer | None:
        plain = self._sealing.open(row.id.encode(), _identity(row.id, row.name), bytes(row.sealed))
        if plain is None:
            log.error("the MCP server %r was kept under another pepper and is not served; add it anew", row.name)
            return None
        fields = {name: value for name, value in row._mapping.items() if name != "sealed"}
        return KeptServer(said=_decode(plain), **fields)


def _identity(id: str, name: str) -> bytes:
    return b"\0".join((id.encode(), name.encode()))


async def _check(connection: AsyncConnection, name: str, id: str) -> None:
    same = select(MCP_SERVERS.c.id).where(MCP_SERVERS.c.name == name, MCP_SERVERS.c.id != id)
    if await connection.scalar(same) is not None:
        raise ConflictError(f"There is an MCP server {name!r} already.", code="mcp_server_exists", param="server_name")
