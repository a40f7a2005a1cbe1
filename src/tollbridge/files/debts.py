"""What batches may still cost their keys: held while one begins, owed until it has ended and is in the ledger.

    with await debts.hold(principal, worst_nanousd) as debt:     raises BudgetExceededError
        ...                                                      the provider is asked
        await debt.becomes(kept)                                 from now on it is owed
    await debts.paid(kept, record)                               `record` is in the journal

What is owed counts against the budget for whatever the key asks, on this process at once, and on others that share the
database when they look (`look`). The database says it to whoever begins a batch, wherever the others began.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from tollbridge.ledger.book import Hold
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.server.allowance import Allowance
from tollbridge.store.objects import KeptObject, ObjectStore


class Debts:
    """One event loop's. Every method that waits raises StoreUnavailable."""

    def __init__(self, store: ObjectStore, allowance: Allowance) -> None:
        self.store = store
        self.allowance = allowance
        self.counting = asyncio.Lock()
        """What is read of the database and what is held stand still together."""

    async def hold(self, principal: Principal, worst_nanousd: int | None) -> Debt:
        key = principal.key
        if key is None or key.max_budget_nanousd is None:
            return Debt(self, None)
        async with self.counting:
            self.allowance.owes(principal.id, await self.store.owed_by(principal.id))
            return Debt(self, self.allowance.hold_firm(key, worst_nanousd))

    async def paid(self, kept: KeptObject, record: Record) -> None:
        async with self.counting:
            await self.store.paid(kept)
            self.allowance.paid(record, kept.owing)

    async def look(self) -> None:
        async with self.counting:
            self.allowance.owe(await self.store.owed())


class Debt:
    """Of one batch that is about to begin."""

    def __init__(self, debts: Debts, hold: Hold | None) -> None:
        self._debts = debts
        self._hold = hold

    async def becomes(self, kept: KeptObject) -> None:
        debts = self._debts
        async with debts.counting:
            await debts.store.keep(kept)
            debts.allowance.owes_more(kept.owner, kept.owing)
            self._release()

    def _release(self) -> None:
        if self._hold is not None:
            self._hold.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()
