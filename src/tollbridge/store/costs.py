"""Costs of entries, corrected after the fact.

1. One transaction holds a batch: the entries' costs, those of their attempts, the sums by day and what keys spent. What
   is added to the sums is the difference of what the entries add up to after and before, by the very functions that
   folding adds them up with.
2. An entry is corrected only where its cost is still what the correction was made from: whoever does the same at the
   same time, or again, changes nothing.
3. What keys spent changes as if the entry had had its cost from the first (`key_spend.py`): not at all where it is of a
   period that has passed. It changes for whoever holds them in memory too (`KeyStore.touch`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, bindparam, or_, select, update

from tollbridge.catalog.pricing import ASSUMED
from tollbridge.observe.record import Record
from tollbridge.observe.ulid import first_at
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.fitting import fit_text
from tollbridge.store.key_spend import count_spend
from tollbridge.store.keys import KeyStore
from tollbridge.store.ledger_rows import day_rows, read_record, with_prices_of
from tollbridge.store.ledger_tables import ATTEMPTS, DAILY, ENTRIES
from tollbridge.store.spend import Found, with_attempts

PAGE = 500
_ASSUMED = f'"priced":"{ASSUMED}"'

_PLACE = tuple(column.name for column in DAILY.primary_key)
_COST_AT, _UNPRICED_AT = (DAILY.c.keys().index(name) for name in ("cost_nanousd", "unpriced"))

_SET_ENTRY = (
    update(ENTRIES)
    .where(ENTRIES.c.id == bindparam("entry"))
    .values(cost_nanousd=bindparam("cost"), details=bindparam("told"))
)
_SET_ATTEMPT = (
    update(ATTEMPTS)
    .where(ATTEMPTS.c.entry_id == bindparam("entry"), ATTEMPTS.c.number == bindparam("attempt"))
    .values(cost_nanousd=bindparam("cost"))
)
_ADD_TO_DAY = (
    update(DAILY)
    .where(*(DAILY.c[name] == bindparam(f"at_{name}") for name in _PLACE))
    .values(cost_nanousd=DAILY.c.cost_nanousd + bindparam("cost"), unpriced=DAILY.c.unpriced + bindparam("unknown"))
)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries. `since` inclusive, `until` exclusive, in epoch seconds: of the moment when a request was accounted
    for. `model`: as the provider calls it, or the group's name. `unpriced`: only those whose cost is not known, or a
    part of it is assumed (or something that a client said reads like that)."""

    since: float | None = None
    until: float | None = None
    model: str | None = None
    unpriced: bool = True


class Correction(msgspec.Struct, frozen=True):
    """The same entry, with other costs and another word on where its prices are from."""

    before: Record
    after: Record


class CostStore:
    """Raises StoreUnavailable where the database does not answer."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._keys = KeyStore(database, clock)

    async def page(self, span: Span, after: str = "") -> list[Record]:
        """The next entries behind that id, oldest first; none where there are no more."""
        query = select(ENTRIES).where(ENTRIES.c.id > after, *_conditions(span)).order_by(ENTRIES.c.id).limit(PAGE)

        async def work(connection: AsyncConnection) -> list[Record]:
            entries: list[Found] = [dict(row) for row in (await connection.execute(query)).mappings()]
            return [read_record(found) for found in await with_attempts(connection, entries)]

        return await self._database.read(work)

    async def correct(self, corrections: Sequence[Correction]) -> list[Correction]:
        """Those that were made: all of them, unless somebody else was quicker."""
        ids = [correction.before.id for correction in corrections]
        held = select(ENTRIES.c.id, ENTRIES.c.cost_nanousd, ENTRIES.c.details).where(ENTRIES.c.id.in_(ids))

        async def work(connection: AsyncConnection) -> list[Correction]:
            found = {row.id: row for row in await connection.execute(held.order_by(ENTRIES.c.id).with_for_update())}
            made = [one for one in corrections if one.before.id in found]
            made = [one for one in made if found[one.before.id].cost_nanousd == one.before.cost_nanousd]
            if made:
                await self._write(connection, made, {id: row.details for id, row in found.items()})
            return made

        return await self._database.run(work)

    async def _write(
        self, connection: AsyncConnection, corrections: Sequence[Correction], details: Mapping[str, str]
    ) -> None:
        before, after = [one.before for one in corrections], [one.after for one in corrections]
        entries = [
            {"entry": one.id, "cost": one.cost_nanousd, "told": with_prices_of(details[one.id], one.priced)}
            for one in after
        ]
        await connection.execute(_SET_ENTRY, entries)
        attempts = [
            {"entry": one.id, "attempt": number, "cost": tried.cost_nanousd}
            for one in after
            for number, tried in enumerate(one.tried, 1)
        ]
        if attempts:
            await connection.execute(_SET_ATTEMPT, attempts)
        days = _differences(before, after)
        if days:
            await connection.execute(_ADD_TO_DAY, days)
        spent = [
            msgspec.structs.replace(
                one.after, cost_nanousd=(one.after.cost_nanousd or 0) - (one.before.cost_nanousd or 0)
            )
            for one in corrections
        ]
        await self._keys.touch(connection, {one.key_id for one in spent if one.cost_nanousd})
        await count_spend(connection, spent, self._clock())


def _differences(before: Sequence[Record], after: Sequence[Record]) -> list[dict[str, str | int]]:
    """In the sums by day, sorted as folding sorts them, so that two who write take their locks in one order."""
    found = []
    for was, becomes in zip(day_rows(before), day_rows(after), strict=True):
        cost, unknown = becomes[_COST_AT] - was[_COST_AT], becomes[_UNPRICED_AT] - was[_UNPRICED_AT]
        if cost or unknown:
            places = {f"at_{name}": value for name, value in zip(_PLACE, was, strict=False)}
            found.append({**places, "cost": cost, "unknown": unknown})
    return found


def _conditions(span: Span) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if span.unpriced:
        conditions.append(or_(ENTRIES.c.cost_nanousd.is_(None), ENTRIES.c.details.contains(_ASSUMED)))
    if span.since is not None:
        conditions.append(ENTRIES.c.id >= first_at(span.since))
    if span.until is not None:
        conditions.append(ENTRIES.c.id < first_at(span.until))
    if span.model is not None:
        model = fit_text(span.model)
        conditions.append(or_(ENTRIES.c.model == model, ENTRIES.c.model_group == model))
    return conditions
