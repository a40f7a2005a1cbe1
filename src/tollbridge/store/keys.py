"""The keys that were made, and the list of their changes.

1. No statement ever holds a key's text: a key is looked up by its public id or by the digest of the whole.
2. Whatever changes a key's rights writes a line into `key_changes` in the same transaction. Its number grows in the
   order of commits: on PostgreSQL, whose sequences promise no such order, changes wait for one another (an advisory
   lock). Whoever has read up to a number misses nothing after it.
3. Spend is counted by the ledger, in the transaction that inserts its entries (`key_spend.py`), and is no change of
   rights. A key is given as it is now: nothing is spent yet where its row is of a period that has passed.
4. What is looked for may be anything that a client wrote. PostgreSQL takes no NUL, so that nothing has one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Row, and_, bindparam, case, delete, desc, func, insert, or_, select, text, update

from tollbridge.errors import ConflictError
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.held_keys import hold
from tollbridge.store.key import Key
from tollbridge.store.key_tables import FORMER_ALIASES, KEY_CHANGES, KEYS

CHANGES_KEPT_S = 24 * 3600.0
CHANGES_AT_ONCE = 10_000
CHANGE_LOCK = 0x6B657973
LOOKUP_S = 5.0

Sort = Literal["created_at", "updated_at", "key_alias", "spend", "max_budget", "expires", "token"]
_SORTS: dict[Sort, ColumnElement[Any]] = {
    "created_at": KEYS.c.created_at,
    "updated_at": KEYS.c.updated_at,
    "key_alias": KEYS.c.alias,
    "max_budget": KEYS.c.max_budget_nanousd,
    "expires": KEYS.c.expires_at,
    "token": KEYS.c.id,
}


class Page(msgspec.Struct, frozen=True):
    """`total`: of all pages."""

    keys: tuple[Key, ...]
    total: int


class Changes(msgspec.Struct, frozen=True):
    """`newest`: what to ask after next. `ids`: the keys that changed. `complete`: False where older lines were thrown
    away before they were read: anything may have changed."""

    newest: int
    ids: frozenset[str] = frozenset()
    complete: bool = True


class KeyStore:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def insert(self, key: Key) -> None:
        """Raises ConflictError where its alias, or the key itself, is there already, or a key has for alias what would
        be this one's id."""

        async def work(connection: AsyncConnection) -> None:
            await self._begin(connection)
            await _check_alias(connection, key)
            same = or_(KEYS.c.id == key.id, KEYS.c.digest == key.digest, KEYS.c.alias == key.id)
            if await connection.scalar(select(KEYS.c.id).where(same)) is not None:
                raise _taken()
            await connection.execute(insert(KEYS), [key_row(key)])
            await self._note(connection, (key.id,))

        await self._database.run(work)

    async def get(self, id: str) -> Key | None:
        return None if "\0" in id else await self._one(KEYS.c.id == id)

    async def get_all(self, ids: Sequence[str]) -> tuple[Key, ...]:
        """Those that are there, as they are kept (see `get_by_digest`)."""

        async def work(connection: AsyncConnection) -> tuple[Key, ...]:
            found = await connection.execute(select(KEYS).where(KEYS.c.id.in_(ids)))
            return tuple(map(_key, found))

        return await self._database.read(work, timeout_s=LOOKUP_S)

    async def get_by_digest(self, digest: bytes, *, as_kept: bool = False) -> Key | None:
        """`as_kept`: with the spend of the period that its row is of, which may have passed: for who counts on."""
        return await self._one(KEYS.c.digest == digest, as_kept=as_kept)

    async def get_by_alias(self, alias: str) -> Key | None:
        return None if "\0" in alias else await self._one(KEYS.c.alias == alias)

    async def update(self, id: str, change: Callable[[Key], Key]) -> Key | None:
        """The key as `change` made it of the one that is there now; None where there is none. Only what differs is
        written, and a later `updated_at`. Raises ConflictError as `insert` does, and whatever `change` raises: nothing
        is done then. A key keeps its id."""

        async def work(connection: AsyncConnection) -> Key | None:
            await self._begin(connection)
            row = (await connection.execute(select(KEYS).where(KEYS.c.id == id).with_for_update())).first()
            if row is None:
                return None
            old = _key(row)
            new = msgspec.structs.replace(change(old.at(self._clock())), updated_at=self._after(old.updated_at))
            before, after = key_row(old), key_row(new)
            await _check_alias(connection, new, but=id)
            same = select(KEYS.c.id).where(KEYS.c.digest == new.digest, KEYS.c.id != id)
            if await connection.scalar(same) is not None:
                raise _taken()
            changed = {name: value for name, value in after.items() if value != before[name]}
            await connection.execute(update(KEYS).where(KEYS.c.id == id).values(changed))
            await self._note(connection, (id,))
            return new

        return await self._database.run(work)

    async def delete(self, ids: Collection[str]) -> frozenset[str]:
        """The ids of those that were there."""

        async def work(connection: AsyncConnection) -> frozenset[str]:
            await self._begin(connection)
            await hold(connection, ids)
            deleted = delete(KEYS).where(KEYS.c.id.in_(ids)).returning(KEYS.c.id, KEYS.c.alias)
            gone = (await connection.execute(deleted)).all()
            found = frozenset(row.id for row in gone)
            await connection.execute(delete(FORMER_ALIASES).where(FORMER_ALIASES.c.key_id.in_(found)))
            called = [{"key_id": row.id, "alias": row.alias} for row in gone if row.alias is not None]
            if called:
                await connection.execute(insert(FORMER_ALIASES), called)
            await self._note(connection, found)
            return found

        return await self._database.run(work)

    async def list(
        self,
        *,
        alias: str | None = None,
        id: str | None = None,
        sort: Sort = "created_at",
        descending: bool = False,
        page: int = 1,
        size: int = 100,
    ) -> Page:
        """`page` counts from 1. Those without a value in the sorted column come last."""
        if "\0" in f"{alias}{id}":
            return Page((), 0)
        wanted = [column == value for column, value in ((KEYS.c.alias, alias), (KEYS.c.id, id)) if value is not None]
        now = self._clock()
        column = _spent(now) if sort == "spend" else _SORTS[sort]
        order = (column.is_(None), desc(column) if descending else column, KEYS.c.id)

        async def work(connection: AsyncConnection) -> Page:
            total = await connection.scalar(select(func.count()).select_from(KEYS).where(*wanted))
            found = select(KEYS).where(*wanted).order_by(*order).limit(size).offset((page - 1) * size)
            return Page(tuple(_key(row).at(now) for row in await connection.execute(found)), total or 0)

        return await self._database.read(work)

    async def aliases(self, search: str, id: str | None, page: int, size: int) -> tuple[tuple[str, ...], int]:
        """Those with `search` in them, in either case, by name; and how many there are. `id`: of that key alone."""
        wanted = [KEYS.c.alias.is_not(None), func.lower(KEYS.c.alias).contains(search.lower(), autoescape=True)]
        if id is not None:
            wanted.append(KEYS.c.id == id)

        async def work(connection: AsyncConnection) -> tuple[tuple[str, ...], int]:
            total = await connection.scalar(select(func.count()).select_from(KEYS).where(*wanted))
            found = select(KEYS.c.alias).where(*wanted).order_by(KEYS.c.alias).limit(size).offset((page - 1) * size)
            return tuple((await connection.execute(found)).scalars()), total or 0

        return await self._database.read(work)

    async def changes(self, since: int | None) -> Changes:
        """What changed after `since`; with None only where to begin."""

        async def work(connection: AsyncConnection) -> Changes:
            if since is None:
                return Changes(await connection.scalar(select(func.max(KEY_CHANGES.c.number))) or 0)
            after = select(KEY_CHANGES.c.number, KEY_CHANGES.c.key_id).where(KEY_CHANGES.c.number > since)
            found = (await connection.execute(after.order_by(KEY_CHANGES.c.number).limit(CHANGES_AT_ONCE))).all()
            if not found:
                return Changes(since)
            oldest = await connection.scalar(select(func.min(KEY_CHANGES.c.number))) or 0
            return Changes(found[-1].number, frozenset(row.key_id for row in found), oldest <= since + 1)

        return await self._database.read(work)

    async def touch(self, connection: AsyncConnection, ids: Iterable[str]) -> None:
        """Within the caller's transaction: whoever holds these keys in memory reads them, and what they spent, anew."""
        touched = sorted(ids)
        if not touched:
            return
        await self._begin(connection)
        held = await hold(connection, touched)
        if held:
            changed = update(KEYS).where(KEYS.c.id == bindparam("key")).values(updated_at=bindparam("moment"))
            moments = [{"key": id, "moment": self._after(row.updated_at)} for id, row in held.items()]
            await connection.execute(changed, moments)
        await self._note(connection, touched)

    async def _one(self, condition: ColumnElement[bool], *, as_kept: bool = False) -> Key | None:
        async def work(connection: AsyncConnection) -> Key | None:
            row = (await connection.execute(select(KEYS).where(condition))).first()
            if row is None:
                return None
            return _key(row) if as_kept else _key(row).at(self._clock())

        return await self._database.read(work, timeout_s=LOOKUP_S)

    def _after(self, moment: float) -> float:
        """Now, or a little later where the clock stands still or steps back: each change of a key has a later moment,
        by which whoever holds it in memory knows it for a change."""
        return max(self._clock(), math.nextafter(moment, math.inf))

    async def _begin(self, connection: AsyncConnection) -> None:
        if self._database.dialect == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CHANGE_LOCK})

    async def _note(self, connection: AsyncConnection, ids: Iterable[str]) -> None:
        now = self._clock()
        lines = [{"key_id": id, "at": now} for id in ids]
        if not lines:
            return
        await connection.execute(insert(KEY_CHANGES), lines)
        newest = select(func.max(KEY_CHANGES.c.number)).scalar_subquery()
        old = delete(KEY_CHANGES).where(KEY_CHANGES.c.at < now - CHANGES_KEPT_S, KEY_CHANGES.c.number < newest)
        await connection.execute(old)


def _spent(now: float) -> ColumnElement[int]:
    """In the present period: as `Key.at` says it, for sorting."""
    passed = and_(KEYS.c.budget_duration.is_not(None), KEYS.c.budget_resets_at <= now)
    return case((passed, 0), else_=KEYS.c.spend_nanousd)


async def _check_alias(connection: AsyncConnection, key: Key, but: str | None = None) -> None:
    """It names one key, and is no other name of any."""
    if key.alias is None:
        return
    others = and_(KEYS.c.alias == key.alias, KEYS.c.id != (key.id if but is None else but))
    found = (await connection.execute(select(KEYS.c.id).where(or_(others, KEYS.c.id == key.alias)))).first()
    if found is not None:
        told = "is a key's id" if found.id == key.alias else "is another key's already"
        raise ConflictError(
            f"The alias {key.alias!r} {told}; choose another one.", code="alias_exists", param="key_alias"
        )


def _taken() -> ConflictError:
    return ConflictError(
        "This key is in use, or was until it was regenerated; choose another.", code="key_exists", param="key"
    )


_JSON = {
    "models": tuple[str, ...],
    "aliases": dict[str, str],
    "metadata": dict[str, Any],
    "likely_output_tokens_by_model": dict[str, int],
    "permission": dict[str, Any],
}
_FIELDS = msgspec.structs.fields(Key)


def key_row(key: Key) -> dict[str, Any]:
    row = {field.name: getattr(key, field.name) for field in _FIELDS}
    for name in _JSON:
        row[name] = msgspec.json.encode(row[name]).decode()
    row["blocked"] = int(key.blocked)
    return row


def _key(row: Row[Any]) -> Key:
    said = dict(row._mapping)
    for name, type in _JSON.items():
        said[name] = msgspec.json.decode(said[name], type=type)
    return Key(**{**said, "digest": bytes(said["digest"]), "blocked": bool(said["blocked"])})
