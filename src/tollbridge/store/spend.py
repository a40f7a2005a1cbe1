"""Reading the ledger: rows, newest first and a page at a time, and sums by day.

Sums come from `daily` alone, so that they cost the same after ten million requests. Rows are found by an id or within
an index, by texts that are cut as those of the rows are (`fitting.py`); nothing reads the whole table, but for sums by
tag and by user: a client makes as many as it likes, and no table is kept of them. They are read from the rows of their
time, some thousand at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, FromClause, Select, case, func, select

from tollbridge.observe.ulid import LENGTH, first_at
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.fitting import fit_text
from tollbridge.store.key_tables import FORMER_ALIASES, KEYS
from tollbridge.store.ledger_rows import TAGGED, read_attempt, read_entry, read_tags
from tollbridge.store.ledger_tables import ATTEMPTS, DAILY, ENTRIES, KINDS

By = Literal["day", "key", "group", "model", "provider"]
DIMENSIONS: Mapping[By, str] = {
    "day": "day",
    "key": "key_id",
    "group": "model_group",
    "model": "model",
    "provider": "provider",
}
SUMMED = ("requests", "failures", "cost_nanousd", "unpriced", "estimated", *(f"{kind}_count" for kind in KINDS))

SHELVES_AT_ONCE = 10_000
"""In one query, which may not have any number of parameters."""

TAGS_MAX = 100_000
ROWS_AT_ONCE = 2_000

Found = Mapping[str, Any]
"""A row by its columns' names. Of an entry also its details (`ledger_rows.py`), `key_alias`, and `tried`, its attempts;
of sums by key also `key_alias` and `key_name`."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries. `since` inclusive, `until` exclusive, in epoch seconds: of the moment when a request was accounted
    for. `least_nanousd`, `most_nanousd`: both inclusive. `after`: the id of the last entry of the page before; `skip`:
    so many are passed over. `oldest_first`: not newest."""

    key_id: str | None = None
    end_user: str | None = None
    model: str | None = None
    group: str | None = None
    failed: bool | None = None
    least_nanousd: int | None = None
    most_nanousd: int | None = None
    since: float | None = None
    until: float | None = None
    after: str | None = None
    skip: int = 0
    limit: int = 100
    oldest_first: bool = False


class Tagged(msgspec.Struct):
    """`cost_nanousd`: of those of the requests whose cost is known; `unpriced`: the others."""

    requests: int = 0
    cost_nanousd: int = 0
    unpriced: int = 0


class SpendReader:
    """Raises StoreUnavailable where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(self, wanted: Wanted) -> list[Found]:
        query = _page(_conditions(wanted), wanted)

        async def work(connection: AsyncConnection) -> list[Found]:
            return await with_attempts(connection, await _all(connection, query))

        return await self._database.read(work)

    async def count(self, wanted: Wanted, most: int) -> int:
        """How many there are, and no more than `most`."""
        return await self._database.read(partial(_count, conditions=_conditions(wanted), most=most))

    async def named(self, id: str, key_id: str | None = None, limit: int = 100) -> list[Found]:
        """Those of a request: by the id in its answer, by ours (`req_...`), or by the entry's. `key_id`: only if they
        are this key's."""
        return (await self.page_of_named(id, Wanted(key_id=key_id, limit=limit)))[0]

    async def page_of_named(self, id: str, wanted: Wanted, most: int = 0) -> tuple[list[Found], int]:
        """(a page of those of a request that are `wanted` too, how many there are, up to `most`)."""
        conditions = _conditions(wanted)

        async def work(connection: AsyncConnection) -> tuple[list[Found], int]:
            for name in await _names(connection, fit_text(id)):
                named = [name, *conditions]
                found = await _all(connection, _page(named, wanted))
                total = await _count(connection, named, most) if most and (found or wanted.skip) else 0
                if found or total:
                    return await with_attempts(connection, found), total
            return [], 0

        return await self._database.read(work)

    async def formerly(self, alias: str) -> tuple[str, ...]:
        """The ids of the deleted keys that had this alias."""
        query = select(FORMER_ALIASES.c.key_id).where(FORMER_ALIASES.c.alias == fit_text(alias))
        query = query.order_by(FORMER_ALIASES.c.key_id)

        async def work(connection: AsyncConnection) -> tuple[str, ...]:
            return tuple([row["key_id"] for row in await _all(connection, query)])

        return await self._database.read(work)

    async def sums(
        self,
        by: Sequence[By] = (),
        *,
        since: str | None = None,
        until: str | None = None,
        key_id: str | None = None,
        limit: int | None = None,
    ) -> list[Found]:
        """By these dimensions, in the order of days, else the dearest first; without any, one row over all. `since`,
        `until`: days (`2026-11-25`), both inclusive."""
        columns: list[ColumnElement[Any]] = [DAILY.c[DIMENSIONS[one]] for one in by]
        table: FromClause = DAILY
        if "key" in by:
            columns += [_ALIAS.label("key_alias"), KEYS.c.name.label("key_name")]
            table = _with_key(DAILY, DAILY.c.key_id)
        summed = [func.coalesce(func.sum(DAILY.c[name]), 0).label(name) for name in SUMMED]
        query: Select[Any] = select(*columns, *summed).select_from(table).group_by(*columns)
        if since is not None:
            query = query.where(DAILY.c.day >= fit_text(since))
        if until is not None:
            query = query.where(DAILY.c.day <= fit_text(until))
        if key_id is not None:
            query = query.where(DAILY.c.key_id == fit_text(key_id))
        dearest = func.coalesce(func.sum(DAILY.c.cost_nanousd), 0).desc()
        query = query.order_by(*([DAILY.c.day] if "day" in by else []), dearest, *columns)
        if limit is not None:
            query = query.limit(limit)

        async def work(connection: AsyncConnection) -> list[Found]:
            return [{name: _whole(value) for name, value in row.items()} for row in await _all(connection, query)]

        return await self._database.read(work)

    async def tags(self, wanted: Wanted) -> dict[str, Tagged] | None:
        """What requests of these entries with each tag cost, whatever `limit` says. None where there are more than
        `TAGS_MAX` tags."""
        having = ENTRIES.c.details.contains(TAGGED, autoescape=True)
        return await self._named_sums(wanted, ENTRIES.c.details, having, read_tags)

    async def users(self, wanted: Wanted) -> dict[str, Tagged] | None:
        """The same by the users that requests name; of those that name none nothing is in it."""
        return await self._named_sums(wanted, ENTRIES.c.end_user, ENTRIES.c.end_user.is_not(None), lambda user: (user,))

    async def _named_sums(
        self,
        wanted: Wanted,
        said: ColumnElement[str],
        having: ColumnElement[bool],
        names_of: Callable[[str], Iterable[str]],
    ) -> dict[str, Tagged] | None:
        query = select(ENTRIES.c.id, ENTRIES.c.cost_nanousd, said).where(*_conditions(wanted), having)
        query = query.order_by(ENTRIES.c.id).limit(ROWS_AT_ONCE)
        sums: dict[str, Tagged] = {}

        async def add(connection: AsyncConnection, after: str) -> str:
            rows = (await connection.execute(query.where(ENTRIES.c.id > after))).all()
            for _, cost, text in rows:
                for name in names_of(text):
                    one = sums.get(name)
                    if one is None:
                        one = sums[name] = Tagged()
                    one.requests += 1
                    one.cost_nanousd += cost or 0
                    one.unpriced += cost is None
            return rows[-1].id if len(rows) == ROWS_AT_ONCE else ""

        last = await self._database.read(partial(add, after=""))
        while last and len(sums) <= TAGS_MAX:
            last = await self._database.read(partial(add, after=last))
        return sums if len(sums) <= TAGS_MAX else None


def _entries() -> Select[Any]:
    return select(ENTRIES, _ALIAS.label("key_alias")).select_from(_with_key(ENTRIES, ENTRIES.c.key_id))


_ALIAS: ColumnElement[Any] = case((KEYS.c.id.is_(None), FORMER_ALIASES.c.alias), else_=KEYS.c.alias)
"""Of a key that is deleted, the last that it had."""


def _with_key(table: FromClause, key_id: ColumnElement[Any]) -> FromClause:
    known = table.outerjoin(KEYS, KEYS.c.id == key_id)
    return known.outerjoin(FORMER_ALIASES, FORMER_ALIASES.c.key_id == key_id)


def _page(conditions: Iterable[ColumnElement[bool]], wanted: Wanted) -> Select[Any]:
    order = ENTRIES.c.id if wanted.oldest_first else ENTRIES.c.id.desc()
    return _entries().where(*conditions).order_by(order).limit(wanted.limit).offset(wanted.skip)


async def _count(connection: AsyncConnection, conditions: Iterable[ColumnElement[bool]], most: int) -> int:
    some = select(ENTRIES.c.id).where(*conditions).limit(most).subquery()
    return int((await connection.execute(select(func.count()).select_from(some))).scalar() or 0)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.key_id is not None:
        conditions.append(ENTRIES.c.key_id == fit_text(wanted.key_id))
    if wanted.end_user is not None:
        conditions.append(ENTRIES.c.end_user == fit_text(wanted.end_user))
    for column, name in ((ENTRIES.c.model, wanted.model), (ENTRIES.c.model_group, wanted.group)):
        if name is not None:
            conditions.append(column == fit_text(name))
    if wanted.failed is not None:
        conditions.append(ENTRIES.c.outcome != "ok" if wanted.failed else ENTRIES.c.outcome == "ok")
    if wanted.least_nanousd is not None:
        conditions.append(ENTRIES.c.cost_nanousd >= wanted.least_nanousd)
    if wanted.most_nanousd is not None:
        conditions.append(ENTRIES.c.cost_nanousd <= wanted.most_nanousd)
    if wanted.since is not None:
        conditions.append(ENTRIES.c.id >= first_at(wanted.since))
    if wanted.until is not None:
        conditions.append(ENTRIES.c.id < first_at(wanted.until))
    if wanted.after is not None:
        conditions.append(ENTRIES.c.id < fit_text(wanted.after))
    return conditions


async def _names(connection: AsyncConnection, id: str) -> list[ColumnElement[bool]]:
    """What an id may be the name of, the likeliest first."""
    first = (await connection.execute(select(func.min(ENTRIES.c.shelf)))).scalar()
    last = (await connection.execute(select(func.max(ENTRIES.c.shelf)))).scalar()
    if first is None or last is None:
        return []
    names = [ENTRIES.c.request_id == id]
    for top in range(last, first - 1, -SHELVES_AT_ONCE):
        shelves = range(max(first, top - SHELVES_AT_ONCE + 1), top + 1)
        names.append(ENTRIES.c.shelf.in_(shelves) & (ENTRIES.c.answer_id == id))
    return [*names, ENTRIES.c.id == id] if len(id) == LENGTH else names


async def _all(connection: AsyncConnection, query: Select[Any]) -> list[Found]:
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def with_attempts(connection: AsyncConnection, entries: list[Found]) -> list[Found]:
    query = select(ATTEMPTS).where(ATTEMPTS.c.entry_id.in_([entry["id"] for entry in entries]))
    tried: dict[str, list[Found]] = {}
    for row in await _all(connection, query.order_by(ATTEMPTS.c.entry_id, ATTEMPTS.c.number)):
        tried.setdefault(row["entry_id"], []).append(read_attempt(row))
    return [{**read_entry(entry), "tried": tried.get(entry["id"], [])} for entry in entries]


def _whole(value: Any) -> Any:
    """PostgreSQL sums 64-bit integers into its decimals."""
    return value if value is None or isinstance(value, str) else int(value)
