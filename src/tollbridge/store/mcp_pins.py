"""What was trusted of MCP servers: the whole definition of each tool, and its fingerprint.

1. The first word stands: of two processes that see a tool for the first time, the second takes what the first kept.
   Only an approval replaces it.
2. What a tool became meanwhile is kept beside it, so that whoever approves sees both, wherever it was noticed.
3. Each change makes a row's `revision` larger and none makes it smaller; who follows the table compares `mark`s.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, select, update

from tollbridge.model.json import JsonObject
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.fitting import fit_text
from tollbridge.store.mcp_pin_table import MCP_PINS
from tollbridge.store.upsert import upsert

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """`tool`: its name at its server, "" for the server's instructions. `pinned_by`: "" where it was trusted on first
    use. `changed`: what it is said to be since, where that is something else."""

    server: str
    tool: str
    definition: JsonObject
    fingerprint: str
    pinned_at: float = 0.0
    pinned_by: str = ""
    changed: JsonObject | None = None
    changed_at: float | None = None


def fingerprint(definition: JsonObject) -> str:
    """Of the whole definition, however its keys are ordered."""
    return hashlib.sha256(_encode(definition)).hexdigest()


class PinStore:
    """`clock`: epoch seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def keep(self, pins: Sequence[Pin]) -> None:
        """Those that are not there yet. Raises StoreUnavailable."""
        rows = [self._row(pin, revision=1) for pin in pins]

        async def work(connection: AsyncConnection) -> None:
            added = upsert(self._database.dialect, MCP_PINS)
            await connection.execute(added.on_conflict_do_nothing(index_elements=["id"]), rows)

        if rows:
            await self._database.run(work)

    async def changed(self, pins: Sequence[Pin]) -> None:
        """What they are said to be by now; those that were approved meanwhile stay as they are. Raises
        StoreUnavailable."""

        async def work(connection: AsyncConnection) -> None:
            for pin in pins:
                held = MCP_PINS.c.id == _id(pin.server, pin.tool)
                same = MCP_PINS.c.fingerprint == pin.fingerprint
                said = None if pin.changed is None else _text(pin.changed)
                noted = update(MCP_PINS).where(held, same, MCP_PINS.c.changed.is_distinct_from(said))
                await connection.execute(
                    noted.values(changed=said, changed_at=pin.changed_at, revision=MCP_PINS.c.revision + 1)
                )

        if pins:
            await self._database.run(work)

    async def approve(self, pins: Sequence[Pin]) -> None:
        """From now on these are what is trusted. Raises StoreUnavailable."""
        rows = [self._row(pin, revision=1) for pin in pins]

        async def work(connection: AsyncConnection) -> None:
            for row in rows:
                put = upsert(self._database.dialect, MCP_PINS).values(row)
                now = {name: put.excluded[name] for name in row if name not in ("id", "revision")}
                await connection.execute(
                    put.on_conflict_do_update(index_elements=["id"], set_={**now, "revision": MCP_PINS.c.revision + 1})
                )

        if rows:
            await self._database.run(work)

    async def forget(self, server: str) -> None:
        """Whatever has its name next is somebody else. Raises StoreUnavailable."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(MCP_PINS).where(MCP_PINS.c.server == fit_text(server)))

        await self._database.run(work)

    async def mark(self) -> tuple[int, int]:
        """Another one as soon as something changed. Raises StoreUnavailable."""

        async def work(connection: AsyncConnection) -> tuple[int, int]:
            found = select(func.count(), func.coalesce(func.sum(MCP_PINS.c.revision), 0)).select_from(MCP_PINS)
            count, revisions = (await connection.execute(found)).one()
            return int(count), int(revisions)

        return await self._database.read(work)

    async def list(self) -> tuple[Pin, ...]:
        """Raises StoreUnavailable."""
        return await self._database.read(self._listed)

    def list_sync(self) -> tuple[Pin, ...]:
        """From a thread without an event loop."""
        return self._database.read_sync(self._listed)

    async def _listed(self, connection: AsyncConnection) -> tuple[Pin, ...]:
        return tuple(
            map(_pin, await connection.execute(select(MCP_PINS).order_by(MCP_PINS.c.pinned_at, MCP_PINS.c.id)))
        )

    def _row(self, pin: Pin, *, revision: int) -> dict[str, Any]:
        return {
            "id": _id(pin.server, pin.tool),
            "server": fit_text(pin.server),
            "revision": revision,
            "fingerprint": pin.fingerprint,
            "definition": _text({"server": pin.server, "tool": pin.tool, "said": pin.definition}),
            "pinned_at": pin.pinned_at or self._clock(),
            "pinned_by": pin.pinned_by,
            "changed": None if pin.changed is None else _text(pin.changed),
            "changed_at": pin.changed_at,
        }


def _id(server: str, tool: str) -> str:
    """Names may be long, and hold what PostgreSQL keeps nowhere."""
    return hashlib.sha256(_encode([server, tool])).hexdigest()


def _text(value: JsonObject) -> str:
    return _encode(value).decode()


def _pin(row: Row[Any]) -> Pin:
    kept = _decode(row.definition)
    return Pin(
        server=kept["server"],
        tool=kept["tool"],
        definition=kept["said"],
        fingerprint=row.fingerprint,
        pinned_at=row.pinned_at,
        pinned_by=row.pinned_by,
        changed=None if row.changed is None else _decode(row.changed),
        changed_at=row.changed_at,
    )
