"""Responses that the gateway itself keeps (`store` of the Responses format), each for the tenant that it was given to.

1. A row tells nothing to who has only the database (`sealing`): its id is an HMAC of the tenant and the response's id,
   so that another tenant's request finds nothing, whatever it asks for.
2. A response knows its own input items and the response before it; `chain` follows them back. Nothing is kept twice.
3. Kept 30 days, as OpenAI keeps them, and `KEPT_BY_OWNER_MAX` of one tenant: the oldest are deleted by who keeps a new
   one, with those that have expired.
4. One that runs in the background is kept before it has ended, with a time until when it is believed to be under way:
   the process that runs it puts that off (`beat`), and is told which are to be cancelled, or were forgotten. Where that
   time is over the process is no more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

import msgspec
from sqlalchemy import delete, or_, select, update

from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.response_table import RESPONSES
from tollbridge.store.sealing import Sealing
from tollbridge.store.upsert import upsert

KEPT_S = 30 * 24 * 3600.0
KEPT_BY_OWNER_MAX = 10_000
CLEANED_EVERY_S = 60.0
CHAIN_MAX = 500
ALIVE_S = 60.0
"""How long one is believed to be under way of which nothing is heard."""

_log = logging.getLogger("tollbridge.responses")


class KeptResponse(msgspec.Struct, frozen=True, array_like=True):
    """`response`: its JSON. `input`: JSON of the list of its own input items. `previous`: the id of the one before.
    `deployment`, `account`: whose provider keeps it, and as whose, under an id of its own; then it is known here by
    that alone, or, where it ran in the background, the provider's id is `theirs`. `events`: of one that was streamed
    in the background, compressed.
    `alive_until`: epoch seconds, where it was under way when it was read."""

    response: bytes
    input: bytes
    previous: str | None = None
    deployment: str = ""
    theirs: str = ""
    events: bytes = b""
    alive_until: float | None = None
    account: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptResponse).decode

TENANTS_KEPT = 1000
"""Of so many it is remembered when they were cleaned up."""


class ResponseStore:
    """`key`: `Home.reply_key`. `clock`: epoch seconds. Every method raises StoreUnavailable."""

    def __init__(self, database: Database, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._sealing = Sealing(key, "responses")
        self._clock = clock
        self._cleaned: dict[bytes, float] = {}

    async def keep(self, owner: str, id: str, kept: KeptResponse, *, under_way: bool = False) -> None:
        """`under_way`: `end` will tell what it came to."""
        now = self._clock()
        name, tenant, expires_at = self._name(owner, id), self._tenant(owner), now + KEPT_S
        cleans = now - self._cleaned.get(tenant, 0.0) >= CLEANED_EVERY_S
        if cleans:
            self._cleaned = {**dict(list(self._cleaned.items())[-TENANTS_KEPT:]), tenant: now}
        sealed = self._sealing.seal(name, _identity(name, tenant, expires_at), _encode(kept))
        row: dict[str, object] = {"id": name, "owner": tenant, "expires_at": expires_at, "sealed": sealed}
        if under_way:
            row["alive_until"] = now + ALIVE_S

        async def work(connection: AsyncConnection) -> None:
            if cleans:
                await _clean(connection, tenant, now)
            await connection.execute(upsert(self._database.dialect, RESPONSES).values(row).on_conflict_do_nothing())

        await self._database.run(work)

    async def end(self, owner: str, id: str, kept: KeptResponse, *, lost: bool = False) -> None:
        """What one that was under way came to. One that was forgotten stays so, and one of which it was said before
        stays as it was said. `lost`: nothing was heard of it; if that is so no more it goes on."""
        name, tenant = self._name(owner, id), self._tenant(owner)
        here = [RESPONSES.c.id == name, RESPONSES.c.alive_until.is_not(None)]
        if lost:
            here.append(RESPONSES.c.alive_until < self._clock())

        async def work(connection: AsyncConnection) -> None:
            expires_at = await connection.scalar(select(RESPONSES.c.expires_at).where(*here))
            if expires_at is None:
                return
            sealed = self._sealing.seal(name, _identity(name, tenant, expires_at), _encode(kept))
            await connection.execute(update(RESPONSES).where(*here).values(sealed=sealed, alive_until=None))

        await self._database.run(work)

    async def beat(self, running: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those that run here, by owner and id, are alive; gives the ones that nobody wants any more."""
        names = {self._name(owner, id): (owner, id) for owner, id in running}
        until = self._clock() + ALIVE_S

        async def work(connection: AsyncConnection) -> set[tuple[str, str]]:
            here = RESPONSES.c.id.in_(names)
            under_way = here & RESPONSES.c.alive_until.is_not(None)
            wanted = await connection.execute(select(RESPONSES.c.id).where(under_way, RESPONSES.c.cancelled == 0))
            found = {names[bytes(row.id)] for row in wanted}
            await connection.execute(update(RESPONSES).where(under_way).values(alive_until=until))
            return set(names.values()) - found

        return await self._database.run(work)

    async def cancel(self, owner: str, id: str) -> None:
        """Whoever runs it will hear of it."""
        name = self._name(owner, id)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(update(RESPONSES).where(RESPONSES.c.id == name).values(cancelled=1))

        await self._database.run(work)

    async def under_way(self, owner: str, id: str) -> bool:
        """It has not ended, and is heard of."""
        name = self._name(owner, id)

        async def work(connection: AsyncConnection) -> bool:
            until = await connection.scalar(select(RESPONSES.c.alive_until).where(RESPONSES.c.id == name))
            return until is not None and until >= self._clock()

        return await self._database.read(work)

    def lost(self, kept: KeptResponse) -> bool:
        """It was under way when it was read, and nobody tells of it any more."""
        return kept.alive_until is not None and kept.alive_until < self._clock()

    async def get(self, owner: str, id: str) -> KeptResponse | None:
        found = await self._chain(owner, id, 1)
        return found[0] if found else None

    async def chain(self, owner: str, id: str) -> list[KeptResponse] | None:
        """It and all before it, the first one first; None where one of them is not there (any more), or where there are
        more than `CHAIN_MAX`."""
        found = await self._chain(owner, id, CHAIN_MAX)
        if not found or found[-1].previous is not None:
            return None
        return found[::-1]

    async def forget(self, owner: str, id: str) -> bool:
        """Whether it was there."""
        name = self._name(owner, id)

        async def work(connection: AsyncConnection) -> bool:
            gone = await connection.execute(delete(RESPONSES).where(RESPONSES.c.id == name))
            return bool(gone.rowcount)

        return await self._database.run(work)

    async def _chain(self, owner: str, id: str, most: int) -> list[KeptResponse]:
        now = self._clock()

        async def work(connection: AsyncConnection) -> list[KeptResponse]:
            found: list[KeptResponse] = []
            next: str | None = id
            while next is not None and len(found) < most:
                name = self._name(owner, next)
                row = (
                    await connection.execute(
                        select(RESPONSES).where(RESPONSES.c.id == name, RESPONSES.c.expires_at > now)
                    )
                ).first()
                kept = None if row is None else self._opened(name, bytes(row.owner), row.expires_at, bytes(row.sealed))
                if row is None or kept is None:
                    break
                if row.alive_until is not None:
                    kept = msgspec.structs.replace(kept, alive_until=row.alive_until)
                found.append(kept)
                next = kept.previous
            return found

        return await self._database.read(work)

    def _opened(self, name: bytes, tenant: bytes, expires_at: float, sealed: bytes) -> KeptResponse | None:
        plain = self._sealing.open(name, _identity(name, tenant, expires_at), sealed)
        try:
            kept = None if plain is None else _decode(plain)
        except msgspec.DecodeError:  # of another version
            kept = None
        if kept is None:
            _log.warning("A response that was kept does not open under this reply_key; it counts as gone.")
        return kept

    def _name(self, owner: str, id: str) -> bytes:
        return self._sealing.name(owner.encode(), id.encode())

    def _tenant(self, owner: str) -> bytes:
        return self._sealing.name(owner.encode())


def _identity(name: bytes, tenant: bytes, expires_at: float) -> bytes:
    return b"\0".join((name, tenant, expires_at.hex().encode()))


async def _clean(connection: AsyncConnection, tenant: bytes, now: float) -> None:
    by_age = select(RESPONSES.c.expires_at).where(RESPONSES.c.owner == tenant).order_by(RESPONSES.c.expires_at.desc())
    limit = await connection.scalar(by_age.offset(KEPT_BY_OWNER_MAX - 1).limit(1))
    old = [RESPONSES.c.expires_at <= now]
    if limit is not None:
        old.append((RESPONSES.c.owner == tenant) & (RESPONSES.c.expires_at <= limit))
    await connection.execute(delete(RESPONSES).where(or_(*old)))
