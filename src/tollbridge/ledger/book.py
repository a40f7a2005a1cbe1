"""Budgets of keys: reserve the worst case, settle on what was used. Exact on one process.

    hold = book.reserve(key, worst_nanousd)   raises BudgetExceededError
    hold.settle(record)                       what it did cost, which may be unknown
    hold.release()                            it cost nothing; after `settle` it does nothing

1. What a key has spent is what the database knew when the account was opened, and what was settled here since. What may
   still be spent is held. A request is let in where spent + held + its worst case stay within the budget.
2. Where something is left, but less than the worst case, one request at a time is let in on trust (decision 27): a
   budget can be used to its end, and is overspent by no more than the price of that one request.
3. A worst case of 0 is always let in: a free model costs no budget. A worst case of None (no price is known, or no
   bound: a model that is paid by the second and waited for without end, or whose searches alone cost) is let in while
   something is left, and holds nothing. Who wants models without a price refused sets
   `block_requests_for_models_without_pricing`.
4. A cost counts in the period in which its entry was made, here as in the database: both count by `store/purse.py`, and
   neither tells the other that a period began.
5. Holds live in memory alone: after a crash there are none, and there are no requests under way either. What a key
   owes for what goes on without a request (a batch) is told by whoever keeps that (`owes`), and counts as held.
6. A key that is read from the database says what was spent, together with what is not yet folded into it
   (`unfolded.py`); that may be less than was known here, where its entries were priced anew. It is told at once
   (`read`) and was read while no fold was under way (`folding.py`).
7. Where that cannot be had, a key that was changed (`updated_at`) is taken with its limits, and what was spent is the
   most that is known (`refresh`).

Accounts are kept while anything is held or not yet folded. Of the others the oldest are closed above a bound, and
`closed` tells whoever keeps the Key in memory to read it anew, because an account that is opened again believes it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from tollbridge.errors import BudgetExceededError
from tollbridge.ledger.account import Account
from tollbridge.observe import Record
from tollbridge.store.key import Key

ACCOUNTS_MAX = 10_000
CLOSED_AFTER_S = 900.0
"""Of rest: longer than a client may take to send the body of a request whose key was looked up before."""


class Hold(msgspec.Struct, eq=False):
    """What one request may cost. Ended once, by whichever of `settle` and `release` comes first."""

    _book: Book
    _account: Account | None
    _worst_nanousd: int
    _on_trust: bool

    def settle(self, record: Record) -> None:
        account = self._account
        if account is not None:
            self.release()
            account.settled(record, self._book.clock())

    def spent(self, record: Record) -> None:
        """A part of it, with an entry of its own, before the end."""
        if self._account is not None:
            self._account.settled(record, self._book.clock())

    def release(self) -> None:
        account, self._account = self._account, None
        if account is not None:
            account.flying -= 1
            account.held -= self._worst_nanousd
            if self._on_trust:
                account.trusted = False

    def headers(self) -> bytes:
        """What the key had spent before this request, and its budget, under LiteLLM's names, as lines."""
        return b"" if self._account is None else self._account.headers(self._book.clock())


class Book:
    """Kept by key id. One thread's: a call is not interrupted by another. `clock`: epoch seconds. `closed(id)`: see
    above. `exceeded`: the status of a refusal because a budget is used up."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        closed: Callable[[str], None] | None = None,
        exceeded: int = BudgetExceededError.status_code,
    ) -> None:
        self.clock = clock
        self._exceeded = exceeded
        self._closed = closed
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._free = Hold(self, None, 0, False)
        self._owed: dict[str, int] = {}

    def reserve(self, key: Key, worst_nanousd: int | None, *, firm: bool = False) -> Hold:
        """`firm`: nothing is let in on trust. Raises BudgetExceededError with spend and budget, in LiteLLM's words."""
        budget = key.max_budget_nanousd
        if budget is None:
            return self._free
        now = self.clock()
        account = self._accounts.get(key.id)
        if account is None:
            account = self._open(key, now)
        elif account.key is not key:
            self.refresh(key)
        account.used_at = now
        purse = account.purse
        left = budget - account.held - (purse.spend if purse.resets_at is None else purse.spent_at(now))
        owed = self._owed.get(key.id, 0) if self._owed else 0
        left -= owed
        worst = worst_nanousd or 0
        on_trust = False
        if worst > left or left <= 0:
            if left > 0 and not account.trusted and not firm:
                on_trust = account.trusted = True
            elif worst_nanousd != 0:
                raise account.refusal(budget, worst_nanousd, owed, now, exceeded=self._exceeded)
        account.held += worst
        account.flying += 1
        return Hold(self, account, worst, on_trust)

    def owes(self, id: str, nanousd: int) -> None:
        """All that a key may still have to pay for what no request here holds."""
        if nanousd > 0:
            self._owed[id] = nanousd
        else:
            self._owed.pop(id, None)

    def owe(self, owed: Mapping[str, int]) -> None:
        """The same of all keys."""
        self._owed = dict(owed)

    def owed(self, id: str) -> int:
        return self._owed.get(id, 0)

    def settled(self, record: Record) -> None:
        """It was owed, and is in the journal."""
        account = self._accounts.get(record.key_id)
        if account is not None:
            account.settled(record, self.clock())

    def read(self, key: Key) -> None:
        """A key, as the database had it a moment ago, with all that was folded until now."""
        account = self._accounts.get(key.id)
        if account is not None:
            account.read(key, self.clock())
        elif key.max_budget_nanousd is not None:
            self._open(key, self.clock())

    def refresh(self, key: Key) -> None:
        """A key as it was read at some time. Nothing happens unless it was changed since."""
        account = self._accounts.get(key.id)
        if account is None or key.updated_at < account.key.updated_at:
            return
        if key.updated_at == account.key.updated_at:
            account.key = key
        else:
            account.changed(key, self.clock())

    def folded(self, records: Iterable[Record]) -> None:
        """These are in the database now, and in its sums. To be called on this book's thread."""
        now = self.clock()
        for record in records:
            account = self._accounts.get(record.key_id)
            if account is not None:
                account.folded(record, now)

    def recovered(self, records: Iterable[Record]) -> None:
        """These are in the database now, of a process that died; accounts that were opened before did not know of them.
        To be called on this book's thread."""
        now = self.clock()
        for record in records:
            account = self._accounts.get(record.key_id)
            if account is not None:
                account.recovered(record, now)

    def spent(self, id: str) -> int | None:
        """Of a key that was used here, in its present period; None of one that was not, or has no budget."""
        account = self._accounts.get(id)
        return None if account is None else account.purse.spent_at(self.clock())

    def used_since(self, moment: float) -> list[str]:
        """Keys that asked after that."""
        return [id for id, account in self._accounts.items() if account.used_at > moment]

    @property
    def held(self) -> int:
        """Nano-dollars that requests under way may still cost."""
        return sum(account.held for account in self._accounts.values())

    @property
    def flying(self) -> int:
        """Requests under way that hold something of a budget."""
        return sum(account.flying for account in self._accounts.values())

    def _open(self, key: Key, now: float) -> Account:
        account = self._accounts[key.id] = Account(key, now)
        if len(self._accounts) > ACCOUNTS_MAX:
            self._close_oldest(now)
        return account

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
