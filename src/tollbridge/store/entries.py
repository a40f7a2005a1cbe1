"""The ledger in the database: folding records into it, each once.

1. One transaction holds a batch's rows, its sums by day and what its keys spent: all of it or nothing.
2. The rows are inserted as if none were there. Where one is (the batch is folded again after a restart, or another
   process was quicker), the insertion fails, all is undone, and the batch is folded without those: rows and sums stay
   one, whoever comes when.
3. Nothing is done for each row but building its tuple: statements are compiled once, and the driver takes the tuples,
   `BLOCK` rows at a time. A statement of many rows keeps its place in the table and in each index, and its thread does
   not wait for the interpreter again after each.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import chain

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tollbridge.errors import ConflictError, EntryRefused, StoreUnavailable
from tollbridge.observe.record import Record
from tollbridge.observe.ulid import first_at
from tollbridge.store.address import Dialect
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.fitting import fit
from tollbridge.store.key_spend import count_spend
from tollbridge.store.ledger_rows import Row, attempt_rows, day_rows, entry_row
from tollbridge.store.ledger_tables import ATTEMPTS, DAILY, ENTRIES
from tollbridge.store.upsert import spelling, upsert

TRIES = 5
SHELF = 4096
"""Rows on one shelf, about (`ledger_tables.py`): a restart goes on with the last one."""
BLOCK = 50
"""Rows in one statement: more gain nothing."""
SLICE = 20 * BLOCK
"""Rows that are made without a pause: a millisecond, in which no other thread has the interpreter."""

_NUMBERED = re.compile(r"\$(\d+)")
_EXISTING = select(ENTRIES.c.id).where(ENTRIES.c.id.in_(bindparam("ids", expanding=True)))


class EntryStore:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """`clock`: epoch seconds."""
        self._database = database
        self._clock = clock
        self._write = _Statements.of(database.dialect)
        self._shelf: int | None = None
        self._shelved = 0

    def fold(self, records: Sequence[Record], *, again: bool = False) -> Sequence[Record]:
        """From a thread without an event loop. `again`: some may be there. Returns those that were not, as they are
        kept (`fitting.py`). Raises, with nothing folded, StoreUnavailable, or EntryRefused where one of the records
        cannot be kept."""
        refusal: BaseException
        records = [fit(record) for record in records]
        for _ in range(TRIES):
            try:
                return self._database.run_sync(partial(self._fold, records=records, look=again))
            except ConflictError as error:
                again, refusal = True, error.__cause__ or error
            except (SQLAlchemyError, ArithmeticError, TypeError, ValueError) as error:
                if _blames_statement(error):
                    raise StoreUnavailable(
                        f"The ledger's tables are not those of this version: {_line(error)}"
                    ) from error
                refusal = error
                break
        raise EntryRefused(_line(refusal)) from refusal

    def known(self, records: Sequence[Record]) -> set[str]:
        """The ids of those that are there. From a thread without an event loop; raises StoreUnavailable."""
        ids = [record.id for record in records]

        async def work(connection: AsyncConnection) -> set[str]:
            return await _known(connection, ids)

        return self._database.read_sync(work)

    def remove_before(self, moment: float, count: int) -> int:
        """Removes at most `count` entries from before that moment (epoch seconds), the oldest first, and their
        attempts; the sums stay. Returns how many."""
        return self._database.run_sync(partial(_remove, before=first_at(moment), count=count))

    async def _fold(self, connection: AsyncConnection, *, records: Sequence[Record], look: bool) -> Sequence[Record]:
        if look:
            known = await _known(connection, [record.id for record in records])
            records = list({record.id: record for record in records if record.id not in known}.values())
        if not records:
            return records
        write = self._write
        shelf = await self._choose_shelf(connection, len(records))
        whole = len(records) - len(records) % BLOCK
        for at in range(0, whole, SLICE):
            await connection.exec_driver_sql(write.entries, _blocks(records[at : min(at + SLICE, whole)], shelf))
        if whole < len(records):
            await connection.exec_driver_sql(write.entry, [entry_row(record, shelf) for record in records[whole:]])
        attempts = [row for record in records if record.tried for row in attempt_rows(record)]
        if attempts:
            await connection.exec_driver_sql(write.attempt, attempts)
        await connection.exec_driver_sql(write.day, day_rows(records))
        await count_spend(connection, records, self._clock())
        return records

    async def _choose_shelf(self, connection: AsyncConnection, count: int) -> int:
        if self._shelf is None:
            self._shelf = await connection.scalar(select(func.coalesce(func.max(ENTRIES.c.shelf), 0))) or 0
        elif self._shelved >= SHELF:
            self._shelf, self._shelved = self._shelf + 1, 0
        self._shelved += count
        return self._shelf


def _blocks(records: Sequence[Record], shelf: int) -> list[Row]:
    """The rows of `BLOCK` records each, as one. None is kept by itself: thousands of tuples make the collector look
    through all that there is."""
    return [
        tuple(chain.from_iterable(entry_row(record, shelf) for record in records[at : at + BLOCK]))
        for at in range(0, len(records), BLOCK)
    ]


async def _known(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    return set((await connection.execute(_EXISTING, {"ids": ids})).scalars())


async def _remove(connection: AsyncConnection, *, before: str, count: int) -> int:
    ids = select(ENTRIES.c.id).where(ENTRIES.c.id < before).order_by(ENTRIES.c.id)
    end = await connection.scalar(ids.offset(count).limit(1)) or before
    removed = await connection.execute(delete(ENTRIES).where(ENTRIES.c.id < end))
    if removed.rowcount:
        await connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.entry_id < end))
    return removed.rowcount


def _blames_statement(error: Exception) -> bool:
    """No such table or column: no entry is at fault, and all would be refused."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if getattr(cause, "sqlite_errorname", "") == "SQLITE_ERROR":
        return True
    state: str | None = getattr(cause, "sqlstate", None)
    return state is not None and state.startswith("42")


def _line(error: BaseException) -> str:
    return str(error).splitlines()[0][:300]


class _Statements(msgspec.Struct, frozen=True):
    """As the driver takes them, with values by position: those of a table in its columns' order. `entries`: of `BLOCK`
    rows.

    FAIL leaves the rows before one that fails to the transaction, which undoes them. By default SQLite would undo them
    itself, and for that copies each page that a statement of many rows touches."""

    entry: str
    entries: str
    attempt: str
    day: str

    @classmethod
    @cache
    def of(cls, kind: Dialect) -> _Statements:
        dialect = spelling(kind)
        entry = insert(ENTRIES).prefix_with("OR FAIL", dialect="sqlite")
        add = upsert(kind, DAILY)
        place = list(DAILY.primary_key)
        summed = {column.name: column + add.excluded[column.name] for column in DAILY.c if column not in place}
        statements = (entry, insert(ATTEMPTS), add.on_conflict_do_update(index_elements=place, set_=summed))
        one, attempt, day = (str(statement.compile(dialect=dialect)) for statement in statements)
        return cls(entry=one, entries=of_many(one, len(ENTRIES.c)), attempt=attempt, day=day)


def of_many(one: str, columns: int) -> str:
    """The insertion of `BLOCK` rows from that of one. Compiled as a statement of its own it would be the same, and a
    twentieth of a start."""
    head, values = one.split(" VALUES ")
    rows = (_NUMBERED.sub(lambda found: f"${int(found[1]) + row * columns}", values) for row in range(BLOCK))  # noqa: B023
    return f"{head} VALUES {', '.join(rows)}"
