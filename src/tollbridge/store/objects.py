"""Files and batches that a provider keeps, each known to the tenant that made it.

1. A row tells nothing to who has only the database (`sealing`): its id is an HMAC of the tenant and the object's id.
2. A batch is `owing` what it may cost at most, until it has ended and its cost is in the ledger; then it owes 0. One of
   which the most is not known owes `UNKNOWN`. What is `owing` counts against the tenant's budget.
3. A tenant has at most `KEPT_BY_OWNER_MAX` of a kind: of the oldest above it nothing is listed any more, unless it is
   owing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import delete, func, select, update

from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.object_table import OBJECTS
from tollbridge.store.sealing import Sealing
from tollbridge.store.upsert import upsert

KEPT_BY_OWNER_MAX = 10_000
UNKNOWN = 1
"""Nano-dollars: as good as nothing, and more than nothing."""


class KeptObject(msgspec.Struct, frozen=True, kw_only=True):
    """`owner`: the tenant. `id`: ours, `theirs`: the provider's, at the `account`. `shown`: its JSON, as the tenant was
    last shown it. `models`: of a batch's input, the model and what answers in it may cost at most (nano-dollars; None:
    unknown). `owing`: as in the row."""

    owner: str
    id: str
    kind: str
    account: str
    theirs: str
    shown: bytes
    created_at: float
    models: tuple[str, ...] = ()
    worst_nanousd: int | None = 0
    owing: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptObject).decode


class ObjectStore:
    """`key`: `Home.reply_key`. `clock`: epoch seconds. Every method raises StoreUnavailable."""

    def __init__(self, database: Database, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._sealing = Sealing(key, "objects")
        self.clock = clock

    async def keep(self, kept: KeptObject) -> None:
        """Anew, or as it is known now. What it owes is as it was."""
        name, tenant = self._name(kept.owner, kept.id), self._tenant(kept.owner)
        sealed = self._sealing.seal(name, _identity(name, tenant), _encode(kept))
        row = {
            "id": name,
            "owner": tenant,
            "kind": kept.kind,
            "created_at": kept.created_at,
            "owing": kept.owing,
            "sealed": sealed,
        }
        insert = upsert(self._database.dialect, OBJECTS).values(row)
        added = insert.on_conflict_do_update(index_elements=["id"], set_={"sealed": insert.excluded.sealed})

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(added)
            await _clean(connection, tenant, kept.kind)

        await self._database.run(work)

    async def get(self, owner: str, id: str) -> KeptObject | None:
        name = self._name(owner, id)

        async def work(connection: AsyncConnection) -> KeptObject | None:
            row = (await connection.execute(select(OBJECTS).where(OBJECTS.c.id == name))).first()
            return None if row is None else self._opened(row.id, row.owner, row.sealed, row.owing)

        return await self._database.read(work)

    async def listed(self, owner: str, kind: str) -> list[KeptObject]:
        """The latest first."""
        of_owner = (OBJECTS.c.owner == self._tenant(owner)) & (OBJECTS.c.kind == kind)
        asked = select(OBJECTS).where(of_owner).order_by(OBJECTS.c.created_at.desc(), OBJECTS.c.id)
        return await self._read(asked)

    async def owing(self, before: float, count: int) -> list[KeptObject]:
        """Those that owe something, of whatever tenant, made before that moment; the oldest first."""
        asked = select(OBJECTS).where(OBJECTS.c.owing > 0, OBJECTS.c.created_at < before)
        return await self._read(asked.order_by(OBJECTS.c.created_at).limit(count))

    async def owed_by(self, owner: str) -> int:
        """Nano-dollars, of all of a tenant's batches that have not ended."""
        asked = select(func.coalesce(func.sum(OBJECTS.c.owing), 0)).where(OBJECTS.c.owner == self._tenant(owner))

        async def work(connection: AsyncConnection) -> int:
            return int(await connection.scalar(asked) or 0)

        return await self._database.read(work)

    async def owed(self) -> dict[str, int]:
        """The same of every tenant that owes something."""
        owed: dict[str, int] = {}
        for kept in await self._read(select(OBJECTS).where(OBJECTS.c.owing > 0)):
            owed[kept.owner] = owed.get(kept.owner, 0) + kept.owing
        return owed

    async def paid(self, kept: KeptObject) -> None:
        """It owes nothing any more."""
        paid = update(OBJECTS).where(OBJECTS.c.id == self._name(kept.owner, kept.id)).values(owing=0)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(paid)

        await self._database.run(work)

    async def forget(self, owner: str, id: str) -> None:
        gone = delete(OBJECTS).where(OBJECTS.c.id == self._name(owner, id), OBJECTS.c.owing == 0)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(gone)

        await self._database.run(work)

    async def _read(self, asked: object) -> list[KeptObject]:
        async def work(connection: AsyncConnection) -> Sequence[tuple[bytes, bytes, bytes, int]]:
            rows = await connection.execute(asked)  # type: ignore[call-overload]
            return [(bytes(row.id), bytes(row.owner), bytes(row.sealed), row.owing) for row in rows]

        opened = [self._opened(*row) for row in await self._database.read(work)]
        return [kept for kept in opened if kept is not None]

    def _opened(self, name: bytes, tenant: bytes, sealed: bytes, owing: int) -> KeptObject | None:
        plain = self._sealing.open(bytes(name), _identity(bytes(name), bytes(tenant)), bytes(sealed))
        try:
            kept = None if plain is None else _decode(plain)
        except msgspec.DecodeError:  # of another version
            return None
        return None if kept is None else msgspec.structs.replace(kept, owing=owing)

    def _name(self, owner: str, id: str) -> bytes:
        return self._sealing.name(owner.encode(), id.encode())

    def _tenant(self, owner: str) -> bytes:
        return self._sealing.name(owner.encode())


def _identity(name: bytes, tenant: bytes) -> bytes:
    return b"\0".join((name, tenant))


async def _clean(connection: AsyncConnection, tenant: bytes, kind: str) -> None:
    of_kind = (OBJECTS.c.owner == tenant) & (OBJECTS.c.kind == kind)
    by_age = select(OBJECTS.c.created_at).where(of_kind).order_by(OBJECTS.c.created_at.desc())
    limit = await connection.scalar(by_age.offset(KEPT_BY_OWNER_MAX).limit(1))
    if limit is not None:
        await connection.execute(delete(OBJECTS).where(of_kind, OBJECTS.c.created_at <= limit, OBJECTS.c.owing == 0))
