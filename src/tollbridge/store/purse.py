"""What a key spent in its present period: the same rules for its row in the database and for its account in memory.

1. A cost belongs to the period in which its entry was made. So the order in which entries come, from whom, and how
   late, makes no difference to what was spent in the end.
2. The first entry of a later period begins it, with nothing spent. Until one comes nothing is changed: that a period
   has passed is seen by whoever looks (`spent_at`, `at`), and a clock that looked ahead and was set right did no harm.
3. An entry from before the present period, or from before the spend was set, does not count to it.
4. A period that begins in the future was begun by a clock that was wrong. What is made before it counts in it: for that
   no budget is unlimited.
"""

from __future__ import annotations

from tollbridge.store.periods import next_reset, period_around


class Purse:
    """`spend`: nano-dollars since `began_at` (the present period did, or the spend was set), or since ever.
    `duration`: LiteLLM's words; None where nothing starts anew. Moments in epoch seconds."""

    __slots__ = ("began_at", "duration", "resets_at", "spend")

    def __init__(self, spend: int, duration: str | None, began_at: float | None, resets_at: float | None) -> None:
        self.spend = spend
        self.duration = duration
        self.began_at = began_at
        self.resets_at = None if duration is None else resets_at

    def count(self, cost: int, moment: float, now: float) -> None:
        """`moment`: when the entry was made. `now`: by the clock of whoever counts."""
        self.pass_to(moment)
        if self.began_at is None or not moment < self.began_at <= now:
            self.spend += cost

    def pass_to(self, moment: float) -> None:
        """Begins the period in which the moment lies, where it is a later one."""
        if self.duration is None:
            return
        if self.resets_at is None:
            self.resets_at = next_reset(self.duration, moment)
        elif moment >= self.resets_at:
            self.began_at, self.resets_at = period_around(self.duration, moment, self.resets_at)
            self.spend = 0

    def spent_at(self, moment: float) -> int:
        """In the period in which the moment lies, if nothing is spent until then."""
        end = self.resets_at
        return 0 if end is not None and moment >= end else self.spend

    def at(self, moment: float) -> Purse:
        """As it is then, if nothing is spent until then."""
        then = Purse(self.spend, self.duration, self.began_at, self.resets_at)
        then.pass_to(moment)
        return then

    @property
    def periodic(self) -> bool:
        """It matters when an entry was made."""
        return self.duration is not None or self.began_at is not None
