"""The ledger of a gateway against the bill of its provider: equal, to the request, the token and the nano-dollar.

What a gateway was asked stands in its ledger three times: as rows, as sums by day, as what its keys spent. Each of them
is compared with the bill after each measurement, and again at the end, for what might come too late.

No tolerance is needed. Nobody else asks the provider meanwhile; and of a client that leaves in the middle, as all do
when their time is over, the answer is read to its end (`cancel_on_disconnect: false` in `bench.targets.tollbridge`), so
that no usage is estimated.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tollbridge.observe.ulid import first_at

PRICES = (2_500, 10_000)
"""Nano-dollars for a token in and out."""
FOLDED_WITHIN_S = 30.0
POLL_S = 0.05


class Sums(msgspec.Struct, frozen=True):
    """`unpriced`, `estimated`: requests whose cost nobody knows, whose tokens we counted ourselves."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nanousd: int = 0
    unpriced: int = 0
    estimated: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(a + b for a, b in zip(_figures(self), _figures(other), strict=True)))

    def __sub__(self, other: Sums) -> Sums:
        return Sums(*(a - b for a, b in zip(_figures(self), _figures(other), strict=True)))

    def priced(self) -> Sums:
        into, out = PRICES
        cost = self.input_tokens * into + self.output_tokens * out
        return msgspec.structs.replace(self, cost_nanousd=cost)

    def unknown(self) -> Sums:
        return msgspec.structs.replace(self, unpriced=self.requests)

    def __str__(self) -> str:
        return (
            ", ".join(f"{value} {name}" for name, value in msgspec.structs.asdict(self).items() if value) or "nothing"
        )


class Audit:
    """Of one gateway, from its start on. `bill`: what the provider has charged so far, whomever. `owed`: what should
    stand in the ledger, beside what stood there before; `last`: of the last turn alone."""

    def __init__(self, home: Path, bill: Callable[[], Sums]) -> None:
        self._file = home / "tollbridge.db"
        self._bill = bill
        with self._reading() as connection:
            self._days_before, self._spent_before = _days(connection), _spent(connection)
        self._began = self._since = first_at(time.time())
        self._turn: Sums | None = None
        self._spent_by_keys = 0
        self.owed = self.last = Sums()

    @contextmanager
    def asking(self, *, as_key: bool) -> Iterator[None]:
        """A turn: whatever is billed meanwhile was asked of this gateway. `as_key`: with a key, of a model that has a
        price; else as the admin, of one that has none."""
        self._since, before = first_at(time.time()), self._bill()
        self._turn = before
        try:
            yield
        finally:
            billed = self._bill() - before
            self.last = billed.priced() if as_key else billed.unknown()
            self.owed += self.last
            self._spent_by_keys += self.last.cost_nanousd
            self._turn = None

    def folded(self) -> bool:
        """Waits until as much is in the database as was billed."""
        deadline = time.perf_counter() + FOLDED_WITHIN_S
        under_way = 0 if self._turn is None else (self._bill() - self._turn).requests
        expected = self.owed.requests + under_way
        while True:
            with self._reading() as connection:
                found = (_days(connection) - self._days_before).requests
            if found >= expected or time.perf_counter() > deadline:
                return found >= expected
            time.sleep(POLL_S)

    def differences(self, *, whole: bool = False) -> list[str]:
        """After a turn: what is not as it should be. `whole`: by each row since the start."""
        self.folded()
        with self._reading() as connection:
            connection.execute("BEGIN")
            rows = _rows(connection, self._began if whole else self._since)
            days = _days(connection) - self._days_before
            spent = _spent(connection) - self._spent_before
        billed = self.owed if whole else self.last
        problems = []
        if rows != billed:
            problems.append(f"billed: {billed}; in rows: {rows}")
        if days != self.owed:
            problems.append(f"billed so far: {self.owed}; in sums by day: {days}")
        if spent != self._spent_by_keys:
            problems.append(f"keys spent {self._spent_by_keys} nano-dollars by the bill, {spent} by their own account")
        return problems

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=10)) as connection:
            yield connection


def _rows(connection: sqlite3.Connection, since: str) -> Sums:
    return _summed(
        connection,
        "SELECT count(*), sum(input_tokens), sum(output_tokens), sum(cost_nanousd), sum(cost_nanousd IS NULL), "
        "sum(estimated) FROM entries WHERE id >= ?",
        since,
    )


def _days(connection: sqlite3.Connection) -> Sums:
    return _summed(
        connection,
        "SELECT sum(requests), sum(input_count), sum(output_count), sum(cost_nanousd), sum(unpriced), sum(estimated) "
        "FROM daily",
    )


def _spent(connection: sqlite3.Connection) -> int:
    (spent,) = connection.execute("SELECT coalesce(sum(spend_nanousd), 0) FROM keys").fetchone()
    return int(spent)


def _summed(connection: sqlite3.Connection, statement: str, *values: str) -> Sums:
    return Sums(*(value or 0 for value in connection.execute(statement, values).fetchone()))


def _figures(sums: Sums) -> tuple[int, ...]:
    figures: tuple[Any, ...] = msgspec.structs.astuple(sums)
    return figures
