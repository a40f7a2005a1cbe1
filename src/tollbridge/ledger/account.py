"""One key's budget in memory, and how sums of it are told."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from tollbridge.errors import BudgetExceededError
from tollbridge.store.key import Key

HELD_RETRY_S = 1.0
"""Nobody knows when a request that is under way will end."""


class Account:
    """`spent`: in the present period, known to the database or not. `unfolded`: what was settled here and is not in the
    database yet. `held`: what `flying` requests under way may still cost. `trusted`: one of them may cost more than is
    left. `resets_at`: when the period ends. `used_at`: the last request. Times in epoch seconds."""

    __slots__ = ("flying", "held", "key", "resets_at", "spent", "trusted", "unfolded", "used_at")

    def __init__(self, key: Key, now: float) -> None:
        self.key = key
        self.spent = 0
        self.unfolded = 0
        self.held = 0
        self.flying = 0
        self.trusted = False
        self.resets_at: float | None = None
        self.used_at = now

    def rests(self, since: float) -> bool:
        return not self.flying and not self.unfolded and self.used_at <= since

    def headers(self) -> bytes:
        """As lines: litellm `get_custom_headers`, seen 2026-11-25."""
        budget = self.key.max_budget_nanousd
        if budget is None:
            return b""
        return b"x-litellm-key-spend: %b\r\n%b" % (dollars(self.spent).encode(), _budget(budget))

    def refusal(self, budget: int, worst: int | None, now: float) -> BudgetExceededError:
        spent, most = dollars(self.spent), dollars(budget)
        if self.spent < budget:
            costs = "" if worst is None else f" This request may cost {dollars(worst)}."
            return BudgetExceededError(
                f"Budget is held by requests under way! Current cost: {spent}, held: {dollars(self.held)}, Max budget: "
                f"{most}.{costs} Retry when one of them has ended.",
                code="budget_held",
                retryable=True,
                retry_after_s=HELD_RETRY_S,
            )
        told = f"Budget has been exceeded! Current cost: {spent}, Max budget: {most}."
        if self.resets_at is None:
            return BudgetExceededError(f"{told} Ask whoever gave you this key for more.", code="budget_exceeded")
        anew = datetime.fromtimestamp(self.resets_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return BudgetExceededError(
            f"{told} It starts anew at {anew}.", code="budget_exceeded", retry_after_s=max(1.0, self.resets_at - now)
        )


@lru_cache(maxsize=256)
def _budget(nanousd: int) -> bytes:
    return b"x-litellm-key-max-budget: %b\r\n" % dollars(nanousd).encode()


def dollars(nanousd: int) -> str:
    """Exactly, and no longer than needed: `0.0031`, `12.0`."""
    if nanousd < 0:
        return "-" + dollars(-nanousd)
    whole, rest = divmod(nanousd, 1_000_000_000)
    return f"{whole}.{rest:09d}".rstrip("0") if rest else f"{whole}.0"
