"""Counting what keys spent in the transaction that inserts the entries, each in its period (`purse.py`).

Most keys have no periods; to theirs one sum is added, and none of their entries is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, update

from tollbridge.observe.record import Record
from tollbridge.observe.ulid import at
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.held_keys import hold
from tollbridge.store.key_tables import KEYS
from tollbridge.store.ledger_rows import spent_by_key
from tollbridge.store.purse import Purse

_SET = (
    update(KEYS)
    .where(KEYS.c.id == bindparam("key"))
    .values(
        spend_nanousd=bindparam("spend"), budget_began_at=bindparam("began_at"), budget_resets_at=bindparam("resets_at")
    )
)


async def count_spend(connection: AsyncConnection, records: Sequence[Record], now: float) -> None:
    """Within the caller's transaction. Keys that are gone are passed over: they were deleted while their requests were
    under way. `now`: epoch seconds."""
    amounts = spent_by_key(records)
    if not amounts:
        return
    held = await hold(connection, amounts)
    purses = {id: _purse(row) for id, row in held.items()}
    periodic = {id: purse for id, purse in purses.items() if purse.periodic}
    for id in purses.keys() - periodic.keys():
        purses[id].spend += amounts[id]
    if periodic:
        for record in sorted(records, key=lambda record: record.id):
            purse = periodic.get(record.key_id)
            if purse is not None and record.cost_nanousd:
                purse.count(record.cost_nanousd, at(record.id), now)
    if purses:
        await connection.execute(_SET, [_row(id, purse) for id, purse in purses.items()])


def _purse(row: Row[Any]) -> Purse:
    return Purse(row.spend_nanousd, row.budget_duration, row.budget_began_at, row.budget_resets_at)


def _row(id: str, purse: Purse) -> dict[str, object]:
    return {"key": id, "spend": purse.spend, "began_at": purse.began_at, "resets_at": purse.resets_at}
