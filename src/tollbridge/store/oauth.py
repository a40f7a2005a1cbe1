"""What OAuth keeps, of several kinds: tokens, sign-ins under way, clients, codes, grants.

1. A note is found by its kind and a name. In the clear are the kind, whose it is (`owner`), what it is about (a
   server's name) and until when it holds; the name is an HMAC and the content is sealed (`sealing.py`), under keys
   derived from the pepper. What identifies a row is authenticated with it.
2. `take` gives a note to one taker alone, whoever asks at the same moment: codes and states are used once.
3. A note that has expired is not there. Rows that expired are deleted by who keeps a new one, now and then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, or_, select, update

from tollbridge.model.json import JsonObject
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.oauth_table import OAUTH
from tollbridge.store.sealing import Sealing
from tollbridge.store.upsert import upsert

CLEANED_EVERY_S = 600.0

log = logging.getLogger("tollbridge.oauth")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_at`: epoch seconds; None is for ever."""

    kind: str
    owner: str = ""
    about: str = ""
    content: JsonObject
    changed_at: float = 0.0
    expires_at: float | None = None

    def __repr__(self) -> str:
        return f"<Note of kind {self.kind}>"


class OAuthStore:
    """`pepper`: of the keys. `clock`: epoch seconds. Everything raises StoreUnavailable."""

    def __init__(self, database: Database, pepper: bytes, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._sealing = Sealing(pepper, "oauth")
        self._clock = clock
        self._cleaned = 0.0

    async def put(self, name: str, note: Note) -> None:
        """In the place of one of that kind and name."""
        now = self._clock()
        cleans = now - self._cleaned >= CLEANED_EVERY_S
        if cleans:
            self._cleaned = now
        row = self._row(name, msgspec.structs.replace(note, changed_at=now))

        async def work(connection: AsyncConnection) -> None:
            if cleans:
                await connection.execute(delete(OAUTH).where(OAUTH.c.expires_at <= now))
            new = upsert(self._database.dialect, OAUTH).values(row)
            same = {column: new.excluded[column] for column in row if column != "id"}
            await connection.execute(new.on_conflict_do_update(index_elements=[OAUTH.c.id], set_=same))

        await self._database.run(work)

    async def swap(self, name: str, former: Note, note: Note) -> bool:
        """In the place of `former`, where nobody changed it meanwhile."""
        row = self._row(name, msgspec.structs.replace(note, changed_at=self._clock()))
        same = and_(OAUTH.c.id == row.pop("id"), OAUTH.c.changed_at == former.changed_at, self._alive())

        async def work(connection: AsyncConnection) -> bool:
            changed = await connection.execute(update(OAUTH).where(same).values(row).returning(OAUTH.c.id))
            return changed.first() is not None

        return await self._database.run(work)

    async def get(self, kind: str, name: str) -> Note | None:
        here = and_(OAUTH.c.id == self._id(kind, name), self._alive())

        async def work(connection: AsyncConnection) -> Row[Any] | None:
            return (await connection.execute(select(OAUTH).where(here))).first()

        row = await self._database.read(work)
        return None if row is None else self._opened(row)

    async def take(self, kind: str, name: str) -> Note | None:
        """It is gone then: nobody else is given it."""
        here = and_(OAUTH.c.id == self._id(kind, name), self._alive())

        async def work(connection: AsyncConnection) -> Row[Any] | None:
            return (await connection.execute(delete(OAUTH).where(here).returning(*OAUTH.c))).first()

        row = await self._database.run(work)
        return None if row is None else self._opened(row)

    async def forget(self, kind: str, name: str) -> bool:
        """False where it was not there."""
        return await self.take(kind, name) is not None

    async def list(self, kind: str, owner: str | None = None, about: str | None = None) -> tuple[Note, ...]:
        """Oldest first. None: of everybody, about everything. Without those that do not open."""
        wanted = [OAUTH.c.kind == kind, self._alive()]
        if owner is not None:
            wanted.append(OAUTH.c.owner == owner)
        if about is not None:
            wanted.append(OAUTH.c.about == about)

        async def work(connection: AsyncConnection) -> list[Row[Any]]:
            found = select(OAUTH).where(*wanted).order_by(OAUTH.c.changed_at)
            return list((await connection.execute(found)).all())

        notes = [self._opened(row) for row in await self._database.read(work)]
        return tuple(note for note in notes if note is not None)

    def _alive(self) -> ColumnElement[bool]:
        return or_(OAUTH.c.expires_at.is_(None), OAUTH.c.expires_at > self._clock())

    def _id(self, kind: str, name: str) -> bytes:
        return self._sealing.name(kind.encode(), name.encode())

    def _row(self, name: str, note: Note) -> dict[str, Any]:
        id = self._id(note.kind, name)
        row = msgspec.structs.asdict(note)
        content = row.pop("content")
        sealed = self._sealing.seal(id, _identity(note.kind, note.owner, note.about, note.expires_at), _encode(content))
        return {**row, "id": id, "sealed": sealed}

    def _opened(self, row: Row[Any]) -> Note | None:
        identity = _identity(row.kind, row.owner, row.about, row.expires_at)
        plain = self._sealing.open(bytes(row.id), identity, bytes(row.sealed))
        if plain is None:
            log.error("a note of OAuth (%s) was kept under another pepper: it counts as gone", row.kind)
            return None
        return Note(
            kind=row.kind,
            owner=row.owner,
            about=row.about,
            content=_decode(plain),
            changed_at=row.changed_at,
            expires_at=row.expires_at,
        )


def _identity(kind: str, owner: str, about: str, expires_at: float | None) -> bytes:
    until = "" if expires_at is None else expires_at.hex()
    return b"\0".join(part.encode() for part in (kind, owner, about, until))
