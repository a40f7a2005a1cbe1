"""Budgets of keys: reserve the worst case, settle on what was used. Exact on one process.

    hold = book.reserve(key, worst_nanousd)   raises BudgetExceededError
    hold.settle(cost_nanousd)                 what it did cost; None where nobody knows
    hold.release()                            it cost nothing; after `settle` it does nothing

1. What a key has spent is what the database knew when the account was opened, and what was settled here since. What may
   still be spent is held. A request is let in where spent + held + its worst case stay within the budget.
2. Where something is left, but less than the worst case, one request at a time is let in on trust (decision 27): a
   budget can be used to its end, and is overspent by no more than the price of that one request.
3. A worst case of 0 is always let in: a free model costs no budget. A worst case of None (no price is known) is let in
   while something is left, and holds nothing: its cost will not be counted, so that holding others back would bound
   nothing. Who wants such requests refused sets `block_requests_for_models_without_pricing`.
4. A cost counts in the period in which it is settled. A period ends once: whoever comes first after its end moves the
   end, in memory, and `restarted` tells the database. A clock that steps back over it finds it moved.
5. Holds live in memory alone: after a crash there are none, and there are no requests under way either.
6. A key that was changed (`updated_at`) is read anew: its spend is what the database says and what is not yet folded
   into it (`folded`). The same key read again says nothing new: its spend is older than what is known here.

Accounts are kept while anything is held or not yet folded. Of the others the oldest are closed above a bound, and
`closed` tells whoever keeps the Key in memory to read it anew, because an account that is opened again believes it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from tollbridge.ledger.account import Account
from tollbridge.observe import Record
from tollbridge.store.key import Key

NextReset = Callable[[str, float], float]
"""(`budget_duration`, epoch seconds) -> when the period that is running then ends."""

ACCOUNTS_MAX = 10_000
CLOSED_AFTER_S = 900.0
"""Of rest: longer than a client may take to send the body of a request whose key was looked up before."""


class Hold:
    """What one request may cost. Ended once, by whichever of `settle` and `release` comes first."""

    __slots__ = ("_account", "_book", "_on_trust", "_worst")

    def __init__(self, book: Book, account: Account | None, worst_nanousd: int, on_trust: bool) -> None:
        self._book = book
        self._account = account
        self._worst = worst_nanousd
        self._on_trust = on_trust

    def settle(self, cost_nanousd: int | None) -> None:
        account = self._account
        if account is None:
            return
        self._account = None
        account.flying -= 1
        account.held -= self._worst
        if self._on_trust:
            account.trusted = False
        if cost_nanousd:
            self._book.spend(account, cost_nanousd)

    def release(self) -> None:
        self.settle(None)

    def headers(self) -> bytes:
        """What the key had spent before this request, and its budget, under LiteLLM's names, as lines."""
        return b"" if self._account is None else self._account.headers()


class Book:
    """Kept by key id. One thread's: a call is not interrupted by another. `clock`: epoch seconds. `restarted(id, was,
    next)`: a budget started anew; to be told to the database (`KeyStore.restart_budget`). `closed(id)`: see above."""

    def __init__(
        self,
        next_reset: NextReset,
        *,
        clock: Callable[[], float] = time.time,
        restarted: Callable[[str, float, float], None] | None = None,
        closed: Callable[[str], None] | None = None,
    ) -> None:
        self._next_reset = next_reset
        self._clock = clock
        self._restarted = restarted
        self._closed = closed
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._free = Hold(self, None, 0, False)

    def reserve(self, key: Key, worst_nanousd: int | None) -> Hold:
        """Raises BudgetExceededError with spend and budget, in LiteLLM's words."""
        budget = key.max_budget_nanousd
        if budget is None:
            return self._free
        now = self._clock()
        account = self._accounts.get(key.id)
        if account is None:
            account = self._open(key, now)
        elif account.key is not key:
            self.refresh(key)
        if account.resets_at is not None and now >= account.resets_at:
            self._restart(account, now)
        account.used_at = now
        left = budget - account.spent - account.held
        worst = worst_nanousd or 0
        on_trust = False
        if worst > left or left <= 0:
            if left > 0 and not account.trusted:
                on_trust = account.trusted = True
            elif worst_nanousd != 0:
                raise account.refusal(budget, worst_nanousd, now)
        account.held += worst
        account.flying += 1
        return Hold(self, account, worst, on_trust)

    def refresh(self, key: Key) -> None:
        """A key as it was read from the database. Nothing happens unless it was changed since."""
        account = self._accounts.get(key.id)
        if account is None or key.updated_at < account.key.updated_at:
            return
        changed, account.key = key.updated_at > account.key.updated_at, key
        if changed:
            self._begin(account, self._clock())

    def folded(self, records: Iterable[Record]) -> None:
        """These are in the database now, and in its sums. To be called on this book's thread."""
        for record in records:
            account = self._accounts.get(record.key_id)
            if account is not None and record.cost_nanousd:
                account.unfolded = max(0, account.unfolded - record.cost_nanousd)

    def recovered(self, records: Iterable[Record]) -> None:
        """These are in the database now, of a process that died; accounts that were opened before did not know of them.
        To be called on this book's thread."""
        for record in records:
            account = self._accounts.get(record.key_id)
            if account is not None and record.cost_nanousd:
                account.spent += record.cost_nanousd

    def spent(self, id: str) -> int | None:
        """Of a key that was used here, in its present period; None of one that was not, or has no budget."""
        account = self._accounts.get(id)
        if account is None:
            return None
        self._restart_if_due(account)
        return account.spent

    @property
    def held(self) -> int:
        """Nano-dollars that requests under way may still cost."""
        return sum(account.held for account in self._accounts.values())

    @property
    def flying(self) -> int:
        """Requests under way that hold something of a budget."""
        return sum(account.flying for account in self._accounts.values())

    def spend(self, account: Account, cost_nanousd: int) -> None:
        """A cost that is known now; of a hold that ended."""
        self._restart_if_due(account)
        account.spent += cost_nanousd
        account.unfolded += cost_nanousd

    def _open(self, key: Key, now: float) -> Account:
        account = Account(key, now)
        self._begin(account, now)
        self._accounts[key.id] = account
        if len(self._accounts) > ACCOUNTS_MAX:
            self._close_oldest(now)
        return account

    def _begin(self, account: Account, now: float) -> None:
        """What the database says of the key, and what it does not know yet."""
        key = account.key
        account.spent, account.resets_at = key.spend_nanousd, None
        if key.budget_duration is not None:
            account.resets_at = key.budget_resets_at or self._next_reset(key.budget_duration, now)
            if now >= account.resets_at:
                self._restart(account, now)
        account.spent += account.unfolded

    def _restart_if_due(self, account: Account) -> None:
        if account.resets_at is not None:
            now = self._clock()
            if now >= account.resets_at:
                self._restart(account, now)

    def _restart(self, account: Account, now: float) -> None:
        was, duration = account.resets_at, account.key.budget_duration
        if was is None or duration is None:
            return
        account.spent = 0
        account.resets_at = after = self._next_reset(duration, now)
        if self._restarted is not None:
            self._restarted(account.key.id, was, after)

    def _close_oldest(self, now: float) -> None:
        accounts = self._accounts
        for _ in range(2):
            id = next(iter(accounts))
            if not accounts[id].rests(now - CLOSED_AFTER_S):
                accounts.move_to_end(id)
                continue
            del accounts[id]
            if self._closed is not None:
                self._closed(id)
