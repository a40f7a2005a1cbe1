"""LiteLLM's durations (`30s`, `30m`, `1h`, `7d`, `2w`, `1mo`), and when a budget starts anew.

A lifetime counts from now. A budget is aligned to the calendar in UTC, so that all keys with the same duration start
anew together (LiteLLM's `get_next_standardized_reset_time`, seen 2026-11-25):

    1d                  the next midnight
    7d, 1w              the next Monday
    30d, 1mo            the first of the next month
    other days, weeks   that many days after the last midnight
    s, m, h             the next whole multiple since 1970: `1h` at the full hour, `24h` at midnight

The last row is LiteLLM's for each duration that divides a day. For the others (`7h`, `48h`) LiteLLM's steps are
irregular; here all have the same length. `2mo` and more, which LiteLLM refuses to reset, count months from this one.

Periods of a key follow one another without a gap: each begins where the one before it ended, and ends at the
`next_reset` of its beginning. So in which one a moment lies depends on where one of them ends, and not on who looks
when: whoever folds an entry late, and whoever asks again after months, finds the same.
"""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, datetime, timedelta

_WORDS = {"hourly": "1h", "daily": "1d", "weekly": "7d", "monthly": "1mo"}
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_FORM = re.compile(r"([0-9]{1,9})(s|min|mo|m|h|d|w)")
_LONGEST_S = 100 * 366 * 86_400


class Period:
    """A duration that was read. `count` of `unit`: s, h, ... in seconds, or `mo`."""

    __slots__ = ("count", "unit")

    def __init__(self, text: str) -> None:
        """Raises ValueError, with the forms that there are, where it is none, or is longer than a century."""
        text = text.strip().lower()
        form = _FORM.fullmatch(_WORDS.get(text, text))
        if form is None:
            raise ValueError("A duration is a number and a unit: 30s, 30m, 12h, 7d, 2w, 1mo.")
        self.count = int(form[1])
        self.unit = form[2]
        if self.count == 0:
            raise ValueError("A duration of nothing ends at once; 1s is the shortest.")
        if self.count * _SECONDS.get(self.unit, 31 * 86_400) > _LONGEST_S:
            raise ValueError("A duration of more than a century is none; leave it out instead.")

    def ends(self, now: float) -> float:
        """When what begins now is over. A month later is the same day of that month, or its last."""
        if self.unit != "mo":
            return now + self.count * _SECONDS[self.unit]
        moment = datetime.fromtimestamp(now, UTC)
        year, month = _month_after(moment, self.count)
        day = min(moment.day, calendar.monthrange(year, month)[1])
        return moment.replace(year=year, month=month, day=day).timestamp()

    def next_reset(self, now: float) -> float:
        """The first moment after `now` at which a budget with this duration starts anew."""
        midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        days = self.count * _SECONDS.get(self.unit, 0) // 86_400 if self.unit in ("d", "w") else 0
        if self.unit == "mo" or days == 30:
            year, month = _month_after(midnight, self.count if self.unit == "mo" else 1)
            return midnight.replace(year=year, month=month, day=1).timestamp()
        if days == 7:
            return (midnight + timedelta(days=7 - midnight.weekday())).timestamp()
        if days:
            return (midnight + timedelta(days=days)).timestamp()
        length = self.count * _SECONDS[self.unit]
        return float((math.floor(now / length) + 1) * length)

    def around(self, moment: float, end: float) -> tuple[float, float]:
        """Beginning and end of the period in which the moment lies, where one ended at `end`, not after it."""
        began, end = end, self.next_reset(end)
        if self.unit == "mo" or (self.unit == "d" and self.count == 30):
            while moment >= end:
                began, end = end, self.next_reset(end)
        elif moment >= end:
            length = self.count * _SECONDS[self.unit]
            began = end + (moment - end) // length * length
            end = began + length
        return began, end


def ends(duration: str, now: float) -> float:
    return Period(duration).ends(now)


def next_reset(duration: str, now: float) -> float:
    return Period(duration).next_reset(now)


def period_around(duration: str, moment: float, end: float) -> tuple[float, float]:
    return Period(duration).around(moment, end)


def _month_after(moment: datetime, count: int) -> tuple[int, int]:
    months = moment.year * 12 + moment.month - 1 + count
    return months // 12, months % 12 + 1
