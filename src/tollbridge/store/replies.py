"""Answers that were given, kept a day for whoever asks the same again (decision 31).

1. A row tells nothing to who has only the database: its id and the fingerprint of the request are HMACs, the answer is
   sealed (`sealing`). What identifies the row (id, fingerprint, expiry) is authenticated with it.
2. What does not open (the key was made anew, somebody wrote into the database) is no answer: it is thrown away, and the
   log tells.
3. The first answer stays: a later one under the same id is passed over, unless the first has expired.
4. Rows that have expired are deleted by who keeps a new one, now and then, and the oldest above `KEPT_MAX` with them.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import delete, func, or_, select

from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.reply_table import REPLIES
from tollbridge.store.sealing import Sealing
from tollbridge.store.upsert import upsert

KEPT_S = 24 * 3600.0
KEPT_MAX = 100_000
CLEANED_EVERY_S = 600.0

_log = logging.getLogger("tollbridge.replies")


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """`headers`: those that a retry gets again."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Kept(msgspec.Struct, frozen=True):
    """`fingerprint`: of the request that the reply was given to."""

    fingerprint: bytes
    reply: Reply


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply).decode


class ReplyStore:
    """`key`: `Home.reply_key`. `clock`: epoch seconds."""

    def __init__(self, database: Database, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._sealing = Sealing(key, "replies")
        self._prints = self._sealing.derived("fingerprint")
        self._clock = clock
        self._cleaned = 0.0

    def id(self, *scope: bytes) -> bytes:
        """Of a row: whose, on which route, under which Idempotency-Key."""
        return self._sealing.name(*scope)

    def fingerprint(self, body: bytes) -> bytes:
        return hmac.digest(self._prints, body, "sha256")

    async def get(self, id: bytes) -> Kept | None:
        """Raises StoreUnavailable."""
        now = self._clock()

        async def work(connection: AsyncConnection) -> tuple[bool, Kept | None]:
            found = select(REPLIES).where(REPLIES.c.id == id, REPLIES.c.expires_at > now)
            row = (await connection.execute(found)).first()
            return row is not None, None if row is None else self._opened(row)

        there, kept = await self._database.read(work)
        if there and kept is None:
            _log.warning("An answer that was kept does not open under this reply_key; it is thrown away.")
            await self.forget(id)
        return kept

    async def keep(self, id: bytes, fingerprint: bytes, reply: Reply) -> None:
        """Raises StoreUnavailable."""
        now = self._clock()
        cleans = now - self._cleaned >= CLEANED_EVERY_S
        if cleans:
            self._cleaned = now

        async def work(connection: AsyncConnection) -> None:
            if cleans:
                await _clean(connection, now)
            row = self._sealed(id, fingerprint, now + KEPT_S, reply)
            new = upsert(self._database.dialect, REPLIES).values(row)
            same = {name: new.excluded[name] for name in row if name != "id"}
            await connection.execute(
                new.on_conflict_do_update(index_elements=[REPLIES.c.id], set_=same, where=REPLIES.c.expires_at <= now)
            )

        await self._database.run(work)

    async def forget(self, id: bytes) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(REPLIES).where(REPLIES.c.id == id))

        await self._database.run(work)

    def _sealed(self, id: bytes, fingerprint: bytes, expires_at: float, reply: Reply) -> dict[str, Any]:
        sealed = self._sealing.seal(id, _identity(id, fingerprint, expires_at), _encode(reply))
        return {"id": id, "fingerprint": fingerprint, "expires_at": expires_at, "sealed": sealed}

    def _opened(self, row: Any) -> Kept | None:
        id, fingerprint = bytes(row.id), bytes(row.fingerprint)
        plain = self._sealing.open(id, _identity(id, fingerprint, row.expires_at), bytes(row.sealed))
        if plain is None:
            return None
        try:
            return Kept(fingerprint, _decode(plain))
        except msgspec.DecodeError:  # of another version
            return None


def _identity(id: bytes, fingerprint: bytes, expires_at: float) -> bytes:
    return b"\0".join((id, fingerprint, expires_at.hex().encode()))


async def _clean(connection: AsyncConnection, now: float) -> None:
    count = await connection.scalar(select(func.count()).select_from(REPLIES).where(REPLIES.c.expires_at > now)) or 0
    old = [REPLIES.c.expires_at <= now]
    if count > KEPT_MAX:
        by_age = select(REPLIES.c.expires_at).where(REPLIES.c.expires_at > now).order_by(REPLIES.c.expires_at)
        old.append(REPLIES.c.expires_at <= by_age.offset(count - KEPT_MAX - 1).limit(1).scalar_subquery())
    await connection.execute(delete(REPLIES).where(or_(*old)))
