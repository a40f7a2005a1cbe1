"""One key's budget in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from tollbridge.errors import BudgetExceededError
from tollbridge.ledger.unfolded import Unfolded
from tollbridge.model.money import spell_dollars
from tollbridge.observe import Record
from tollbridge.observe.ulid import at
from tollbridge.store.key import Key

HELD_RETRY_S = 1.0
"""Nobody knows when a request that is under way will end."""
OWED_RETRY_S = 60.0
"""A batch takes minutes at least."""


class Account:
    """`purse`: what was spent, as the key's row will tell it once `unfolded` is in the database. `held`: what `flying`
    requests under way may still cost. `trusted`: one of them may cost more than is left. `used_at`: the last request.
    Times in epoch seconds; `now` by the clock of this process."""

    __slots__ = ("flying", "held", "key", "purse", "trusted", "unfolded", "used_at")

    def __init__(self, key: Key, now: float) -> None:
        self.key = key
        self.purse = key.purse()
        self.unfolded = Unfolded()
        self.held = 0
        self.flying = 0
        self.trusted = False
        self.used_at = now

    def settled(self, record: Record, now: float) -> None:
        cost = record.cost_nanousd
        unfolded = self.unfolded
        if cost and unfolded.settled(record.id, cost):
            self._count(record.id, cost, now)
        if unfolded.early and not self.flying:
            unfolded.all_settled()

    def folded(self, record: Record, now: float) -> None:
        """It is in the database now, settled or not."""
        cost = record.cost_nanousd
        if cost and not self.unfolded.folded(record.id, cost):
            self._count(record.id, cost, now)
        if self.unfolded.early and not self.flying:
            self.unfolded.all_settled()

    def recovered(self, record: Record, now: float) -> None:
        """It is in the database now, and another process settled it."""
        if record.cost_nanousd:
            self._count(record.id, record.cost_nanousd, now)

    def read(self, key: Key, now: float) -> None:
        """The key as the database has it, with all that was folded."""
        self.key, self.purse = key, key.purse()
        for id, cost in self.unfolded:
            self._count(id, cost, now)

    def changed(self, key: Key, now: float) -> None:
        """The key as the database had it at some time. Within one period nothing is ever taken back: where less was
        spent by its row than is known here, the row is older than what was folded meanwhile."""
        former, before = self.key, self.purse
        self.read(key, now)
        if self.purse.began_at == before.began_at and key.created_at == former.created_at:
            self.purse.spend = max(self.purse.spend, before.spend)

    def _count(self, id: str, cost: int, now: float) -> None:
        purse = self.purse
        if purse.duration is None and purse.began_at is None:  # it does not matter when (`periodic`)
            purse.spend += cost
        else:
            purse.count(cost, at(id), now)

    def rests(self, since: float) -> bool:
        return not self.flying and not self.unfolded and self.used_at <= since

    def headers(self, now: float) -> bytes:
        """As lines: litellm `get_custom_headers`, seen 2026-11-25."""
        budget, purse = self.key.max_budget_nanousd, self.purse
        if budget is None:
            return b""
        spent = purse.spend if purse.resets_at is None else purse.spent_at(now)
        return b"x-litellm-key-spend: %b\r\n%b" % (spell_dollars(spent).encode(), _budget(budget))

    def refusal(self, budget: int, worst: int | None, owed: int, now: float, *, exceeded: int) -> BudgetExceededError:
        purse = self.purse.at(now)
        spent, most = spell_dollars(purse.spend), spell_dollars(budget)
        if purse.spend < budget:
            costs = "" if worst is None else f" This request may cost {spell_dollars(worst)}."
            held = spell_dollars(self.held + owed)
            batches = f" ({spell_dollars(owed)} of it by batches that have not ended)" if owed else ""
            return BudgetExceededError(
                f"Budget is held by requests under way! Current cost: {spent}, held: {held}{batches}, "
                f"Max budget: {most}.{costs} Retry when one of them has ended.",
                code="budget_held",
                retryable=True,
                retry_after_s=HELD_RETRY_S if self.held else OWED_RETRY_S,
            )
        told = f"Budget has been exceeded! Current cost: {spent}, Max budget: {most}."
        if purse.resets_at is None:
            return BudgetExceededError(
                f"{told} Ask whoever gave you this key for more.", status_code=exceeded, code="budget_exceeded"
            )
        anew = datetime.fromtimestamp(purse.resets_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return BudgetExceededError(
            f"{told} It starts anew at {anew}.",
            status_code=exceeded,
            code="budget_exceeded",
            retry_after_s=max(1.0, purse.resets_at - now),
        )


@lru_cache(maxsize=256)
def _budget(nanousd: int) -> bytes:
    return b"x-litellm-key-max-budget: %b\r\n" % spell_dollars(nanousd).encode()
