"""The bill and the ledger, as they are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from tollbridge.store.ledger_rows import read_entry

Row = dict[str, Any]


class Billed(msgspec.Struct, frozen=True):
    """A line of the provider's bill: an attempt that it worked on."""

    id: str
    mark: str
    model: str
    state: str
    input_tokens: int
    output_tokens: int


class Part(msgspec.Struct, frozen=True):
    """An attempt, as the ledger has it. `tokens`: None where it was billed for nothing."""

    model: str
    tokens: tuple[int, int] | None
    estimated: bool
    cost_nanousd: int | None


class Entry(msgspec.Struct, frozen=True):
    """A request, as the ledger has it, with its attempts."""

    row: Row
    parts: tuple[Part, ...]

    @property
    def mark(self) -> str:
        return self.row["end_user"] or ""


class Ledger(msgspec.Struct, frozen=True):
    """`daily`: sums by day and key. `spend`: by key, as the keys' own table has it."""

    entries: Sequence[Entry]
    daily: dict[tuple[str, str], Row]
    spend: dict[str, int]


def read_bill(told: Any) -> list[Billed]:
    return msgspec.convert(told["entries"], list[Billed])


def read_ledger(file: Path) -> Ledger:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        attempts: dict[str, list[Row]] = {}
        for row in _rows(connection, "SELECT * FROM attempts ORDER BY entry_id, number"):
            attempts.setdefault(row["entry_id"], []).append(row)
        entries = [
            Entry(row, tuple(_part(one) for one in attempts.get(row["id"], [row])))
            for row in map(read_entry, _rows(connection, "SELECT * FROM entries ORDER BY id"))
        ]
        daily = {(row["day"], row["key_id"]): row for row in _rows(connection, _DAILY)}
        spend = {row["id"]: row["spend_nanousd"] for row in _rows(connection, "SELECT id, spend_nanousd FROM keys")}
    return Ledger(entries, daily, spend)


_DAILY = """
    SELECT day, key_id, sum(requests) AS requests, sum(failures) AS failures, sum(cost_nanousd) AS cost_nanousd,
           sum(unpriced) AS unpriced, sum(estimated) AS estimated,
           sum(input_count) AS input_count, sum(output_count) AS output_count
    FROM daily GROUP BY day, key_id
"""


def _rows(connection: sqlite3.Connection, statement: str) -> list[Row]:
    return [dict(row) for row in connection.execute(statement)]


def _part(row: Row) -> Part:
    tokens = None if row["input_tokens"] is None else (row["input_tokens"], row["output_tokens"])
    return Part(row["model"], tokens, bool(row["estimated"]), row["cost_nanousd"])
