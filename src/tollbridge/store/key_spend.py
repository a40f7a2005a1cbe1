"""What keys spent, each in its period, counted in the transaction that inserts the entries.

1. A cost belongs to the period in which its entry was made: the moment in the entry's id. The order in which entries
   are folded, by whom, and how late, makes no difference to what a key has spent in the end.
2. The first entry of a later period begins it: the spend is 0 then, and all in one transaction. While no entry comes,
   nobody writes: a row whose period has passed is read as one that spent nothing (`Key.at`).
3. An entry of an earlier period than the key's present one stands in the ledger and does not count to its spend.
4. A period that begins in the future was begun by a clock that went wrong. What is settled before it counts in it: a
   budget is never unlimited for that.

Most keys have no periods; for theirs one sum is added, without looking.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tollbridge.observe.record import Record
from tollbridge.observe.ulid import at
from tollbridge.store.key_tables import KEYS
from tollbridge.store.ledger_rows import spent_by_key
from tollbridge.store.periods import next_reset, period_around

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
    update(KEYS)
    .where(KEYS.c.id == bindparam("key"))
    .values(spend_nanousd=KEYS.c.spend_nanousd + bindparam("amount"))
)


class Purse:
    """The present period of one key, as its row has it."""

    __slots__ = ("began_at", "duration", "resets_at", "spend")

    def __init__(self, spend: int, duration: str | None, began_at: float | None, resets_at: float | None) -> None:
        self.spend = spend
        self.duration = duration
        self.began_at = began_at
        self.resets_at = resets_at

    def count(self, cost: int, moment: float, now: float) -> None:
        if self.duration is not None:
            if self.resets_at is None:
                self.resets_at = next_reset(self.duration, moment)
            elif moment >= self.resets_at:
                self.began_at, self.resets_at = period_around(self.duration, moment, self.resets_at)
                self.spend = 0
        if self.began_at is None or not moment < self.began_at <= now:
            self.spend += cost


async def count_spend(connection: AsyncConnection, records: Sequence[Record], now: float) -> None:
    """Within the caller's transaction. Keys that are gone are passed over: they were deleted while their requests were
    under way. In order of ids, so that two who count cannot deadlock. `now`: epoch seconds."""
    amounts = spent_by_key(records)
    if not amounts:
        return
    purses = {
        id: Purse(*row) for id, *row in (await connection.execute(_PERIODIC, {"ids": list(amounts)})).tuples().all()
    }
    if purses:
        for record in sorted(_with_cost(records, purses), key=lambda record: record.id):
            purses[record.key_id].count(record.cost_nanousd or 0, at(record.id), now)
        await connection.execute(_SET, [_row(id, purse) for id, purse in purses.items()])
    await add_spend(connection, {id: amount for id, amount in amounts.items() if id not in purses})


async def add_spend(connection: AsyncConnection, amounts: Mapping[str, int]) -> None:
    """Adds nano-dollars to the spend of keys by id, whatever their periods."""
    if amounts:
        await connection.execute(_ADD, [{"key": id, "amount": amounts[id]} for id in sorted(amounts)])


def _with_cost(records: Sequence[Record], keys: Collection[str]) -> list[Record]:
    return [record for record in records if record.cost_nanousd and record.key_id in keys]


def _row(id: str, purse: Purse) -> dict[str, object]:
    return {"key": id, "spend": purse.spend, "began_at": purse.began_at, "resets_at": purse.resets_at}
