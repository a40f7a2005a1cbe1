"""Counting what keys spent in the transaction that inserts the entries, each in its period (`purse.py`).

Most keys have no periods; to theirs one sum is added, and none of their entries is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tollbridge.observe.record import Record
from tollbridge.observe.ulid import at
from tollbridge.store.key_tables import KEYS
from tollbridge.store.ledger_rows import spent_by_key
from tollbridge.store.purse import Purse

_PERIODIC = (
    select(KEYS.c.id, KEYS.c.spend_nanousd, KEYS.c.budget_duration, KEYS.c.budget_began_at, KEYS.c.budget_resets_at)
    .where(
        KEYS.c.id.in_(bindparam("ids", expanding=True)),
        or_(KEYS.c.budget_duration.is_not(None), KEYS.c.budget_began_at.is_not(None)),
    )
    .order_by(KEYS.c.id)
    .with_for_update()
)
_SET = (
    update(KEYS)
    .where(KEYS.c.id == bindparam("key"))
    .values(
        spend_nanousd=bindparam("spend"), budget_began_at=bindparam("began_at"), budget_resets_at=bindparam("resets_at")
    )
)
_ADD = (
    update(KEYS).where(KEYS.c.id == bindparam("key")).values(spend_nanousd=KEYS.c.spend_nanousd + bindparam("amount"))
)


async def count_spend(connection: AsyncConnection, records: Sequence[Record], now: float) -> None:
    """Within the caller's transaction. Keys that are gone are passed over: they were deleted while their requests were
    under way. In order of ids, so that two who count cannot deadlock. `now`: epoch seconds."""
    amounts = spent_by_key(records)
    if not amounts:
        return
    found = (await connection.execute(_PERIODIC, {"ids": list(amounts)})).all()
    purses = {id: Purse(*row) for id, *row in found}
    if purses:
        for record in sorted(records, key=lambda record: record.id):
            purse = purses.get(record.key_id)
            if purse is not None and record.cost_nanousd:
                purse.count(record.cost_nanousd, at(record.id), now)
        await connection.execute(_SET, [_row(id, purse) for id, purse in purses.items()])
    await add_spend(connection, {id: amount for id, amount in amounts.items() if id not in purses})


async def add_spend(connection: AsyncConnection, amounts: Mapping[str, int]) -> None:
    """Adds nano-dollars to the spend of keys by id, whatever their periods."""
    if amounts:
        await connection.execute(_ADD, [{"key": id, "amount": amounts[id]} for id in sorted(amounts)])


def _row(id: str, purse: Purse) -> dict[str, object]:
    return {"key": id, "spend": purse.spend, "began_at": purse.began_at, "resets_at": purse.resets_at}
