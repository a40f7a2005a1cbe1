"""What batches may still cost their keys: held while one begins, owed until it has ended and is in the ledger.

    async with debts.held(principal, worst_nanousd) as hold:     raises BudgetExceededError
        ...                                                      the provider is asked
        await debts.owe(kept, hold)                              from now on it is owed
    await debts.paid(kept)                                       its entry is in the journal, and the book knows it

What is owed counts against the budget for whatever the key asks, on this process at once, and on others that share the
database when they look (`look`). The database says it to whoever begins a batch, wherever the others began.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tollbridge.ledger.book import Hold
from tollbridge.policy.principal import Principal
from tollbridge.server.allowance import Allowance
from tollbridge.store.objects import KeptObject, ObjectStore


class Debts:
    """One event loop's. Every method raises StoreUnavailable."""

    def __init__(self, store: ObjectStore, allowance: Allowance) -> None:
        self._store = store
        self._allowance = allowance
        self._counting = asyncio.Lock()  # what is read of the database and what is held stand still together

    @asynccontextmanager
    async def held(self, principal: Principal, worst_nanousd: int | None) -> AsyncIterator[Hold | None]:
        """None for who has no budget."""
        key = principal.key
        if key is None or key.max_budget_nanousd is None:
            yield None
            return
        async with self._counting:
            self._allowance.owes(principal.id, await self._store.owed_by(principal.id))
            hold = self._allowance.hold_firm(key, worst_nanousd)
        try:
            yield hold
        finally:
            hold.release()

    async def owe(self, kept: KeptObject, hold: Hold | None) -> None:
        async with self._counting:
            await self._store.keep(kept)
            self._allowance.owes_more(kept.owner, kept.owing)
            if hold is not None:
                hold.release()

    async def paid(self, kept: KeptObject) -> None:
        async with self._counting:
            await self._store.paid(kept)
            self._allowance.owes_more(kept.owner, -kept.owing)

    async def look(self) -> None:
        async with self._counting:
            self._allowance.owe(await self._store.owed())
