"""Durations, and the calendar that budgets follow. Examples are LiteLLM's answers, computed by hand from its rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbridge.store.periods import Period, ends, next_reset


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("duration", "now", "then"),
    [
        ("30s", "2026-11-25 10:00:00", "2026-11-25 10:00:30"),
        ("30m", "2026-11-25 10:00:00", "2026-11-25 10:30:00"),
        ("30min", "2026-11-25 10:00:00", "2026-11-25 10:30:00"),
        ("1h", "2026-11-25 10:10:00", "2026-11-25 11:10:00"),
        ("30d", "2026-11-25 10:00:00", "2026-12-25 10:00:00"),
        ("2w", "2026-11-25 10:00:00", "2026-12-09 10:00:00"),
        ("1mo", "2026-11-25 10:00:00", "2026-12-25 10:00:00"),
        ("1mo", "2027-01-31 10:00:00", "2027-02-28 10:00:00"),
        ("1mo", "2028-01-31 10:00:00", "2028-02-29 10:00:00"),
        ("14mo", "2026-11-30 10:00:00", "2028-01-30 10:00:00"),
    ],
)
def test_a_lifetime_counts_from_now(duration: str, now: str, then: str) -> None:
    assert ends(duration, at(now)) == at(then)


@pytest.mark.parametrize(
    ("duration", "now", "then"),
    [
        ("1d", "2026-11-25 10:00:00", "2026-11-26 00:00:00"),
        ("daily", "2026-11-25 00:00:00", "2026-11-26 00:00:00"),
        ("24h", "2026-11-25 23:59:59", "2026-11-26 00:00:00"),
        ("7d", "2026-11-25 10:00:00", "2026-11-30 00:00:00"),
        ("1w", "2026-11-30 00:00:00", "2026-12-07 00:00:00"),
        ("weekly", "2026-11-29 23:59:59", "2026-11-30 00:00:00"),
        ("30d", "2026-11-25 10:00:00", "2026-12-01 00:00:00"),
        ("1mo", "2026-12-01 00:00:00", "2027-01-01 00:00:00"),
        ("monthly", "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
        ("3mo", "2026-11-25 10:00:00", "2027-02-01 00:00:00"),
        ("10d", "2026-11-25 10:00:00", "2026-12-05 00:00:00"),
        ("2w", "2026-11-25 10:00:00", "2026-12-09 00:00:00"),
        ("1h", "2026-11-25 10:00:00", "2026-11-25 11:00:00"),
        ("1h", "2026-11-25 10:00:01", "2026-11-25 11:00:00"),
        ("12h", "2026-11-25 10:00:01", "2026-11-25 12:00:00"),
        ("5m", "2026-11-25 10:04:59", "2026-11-25 10:05:00"),
        ("30m", "2026-11-25 23:59:59", "2026-11-26 00:00:00"),
        ("30s", "2026-11-25 10:00:29", "2026-11-25 10:00:30"),
    ],
)
def test_a_budget_starts_anew_by_the_calendar(duration: str, now: str, then: str) -> None:
    assert next_reset(duration, at(now)) == at(then)


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5h", "0d", "1y", "30 days", "٣d", "9999999999s", "5000mo"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"[dD]uration"):
        Period(text)


DURATIONS = st.builds("{}{}".format, st.integers(1, 1000), st.sampled_from(["s", "m", "h", "d", "w", "mo"]))
MOMENTS = st.floats(0, 4e9, allow_nan=False)


@given(DURATIONS, MOMENTS)
def test_the_next_start_is_later_and_never_later_than_one_duration_and_a_day(duration: str, now: float) -> None:
    then = next_reset(duration, now)
    assert now < then
    longest = 31 * 86_400 if duration == "30d" else 0
    assert then <= max(ends(duration, now), now + longest) + 86_400


@given(DURATIONS, MOMENTS)
def test_all_who_ask_within_one_short_period_start_anew_together(duration: str, now: float) -> None:
    if duration.endswith(("d", "w", "mo")) and duration not in ("1d", "7d", "30d", "1w", "1mo"):
        return
    then = next_reset(duration, now)
    between = now + (then - now) / 2
    assert next_reset(duration, between) == then or between >= then
