"""What is spent in a period, against a model: all entries, and the beginnings of all periods."""

from __future__ import annotations

import bisect
import random

from hypothesis import example, given
from hypothesis import strategies as st

from tollbridge.store.key import Key
from tollbridge.store.periods import next_reset
from tollbridge.store.purse import Purse

DAY = 86_400.0
START = 1_795_600_000.0  # 2026-11-25
DURATIONS = st.sampled_from(["1s", "30s", "90m", "7h", "1d", "3d", "7d", "2w", "30d", "1mo", "2mo"])
COSTS = st.integers(0, 1000)


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, list[tuple[float, int]]]:
    """A duration, and entries within some of its periods, at their edges too."""
    duration = draw(DURATIONS)
    edges = beginnings(duration, 6)
    within = st.floats(START, edges[-1], exclude_max=True).map(lambda moment: int(moment * 1000) / 1000)
    at_edge = st.sampled_from(edges[:-1]).flatmap(lambda edge: st.sampled_from([edge - 0.001, edge]))
    moments = draw(st.lists(within | at_edge, max_size=12))
    return duration, [(moment, draw(COSTS)) for moment in moments]


def beginnings(duration: str, count: int) -> list[float]:
    """Of the periods after the first."""
    edges = [next_reset(duration, START)]
    while len(edges) < count:
        edges.append(next_reset(duration, edges[-1]))
    return edges


def spent(duration: str, made: list[tuple[float, int]], now: float) -> int:
    edges = beginnings(duration, 60)
    period = max((bisect.bisect(edges, moment) for moment, _ in made), default=0)
    if bisect.bisect(edges, now) > period:
        return 0
    return sum(cost for moment, cost in made if bisect.bisect(edges, moment) == period)


def counted(duration: str, made: list[tuple[float, int]], now: float) -> Purse:
    purse = Purse(0, duration, None, next_reset(duration, START))
    for moment, cost in made:
        purse.count(cost, moment, now)
    return purse


@given(entries(), st.randoms(use_true_random=False), st.floats(0, 3))
def test_what_is_spent_is_what_was_made_in_the_period_in_whatever_order_it_is_counted(
    drawn: tuple[str, list[tuple[float, int]]], chance: random.Random, periods: float
) -> None:
    duration, made = drawn
    latest = max((moment for moment, _ in made), default=START)
    now = latest + periods * (next_reset(duration, latest) - latest)
    shuffled = list(made)
    chance.shuffle(shuffled)
    purse = counted(duration, shuffled, now)
    assert purse.spent_at(now) == purse.at(now).spend == spent(duration, made, now)
    end = next(edge for edge in beginnings(duration, 60) if edge > now)
    assert purse.at(now).resets_at == end


@given(entries(), st.lists(st.floats(0, 20 * DAY), max_size=4))
def test_to_be_looked_at_and_written_between_changes_nothing(
    drawn: tuple[str, list[tuple[float, int]]], looks: list[float]
) -> None:
    """A key that is changed is written as it is then: its period may have begun without an entry."""
    duration, made = drawn
    ordered = sorted([*made, *((START + look, None) for look in looks)], key=lambda one: one[0])
    now = ordered[-1][0] if ordered else START
    purse = Purse(0, duration, None, next_reset(duration, START))
    for moment, cost in ordered:
        if cost is None:
            purse = purse.at(moment)
        else:
            purse.count(cost, moment, moment)
    assert purse.spent_at(now) == spent(duration, made, now)
    assert purse.at(now).resets_at == counted(duration, made, now).at(now).resets_at


@given(DURATIONS, st.floats(0, 400 * DAY), st.floats(0, 400 * DAY))
@example("1s", 0.0, 0.0)
def test_a_key_as_it_is_at_a_moment_is_what_its_purse_says(duration: str, first: float, later: float) -> None:
    key = Key(
        id="a",
        digest=b"",
        name="",
        spend_nanousd=7,
        budget_duration=duration,
        budget_resets_at=next_reset(duration, START),
    )
    then = key.at(START + first)
    passed = START + first >= (key.budget_resets_at or 0)
    assert (then is key) == (not passed)
    assert then.spend_nanousd == (0 if passed else 7)
    assert then.budget_resets_at is not None
    assert then.budget_resets_at > START + first
    if passed:
        assert then.budget_began_at is not None
        assert then.budget_began_at <= START + first
        assert next_reset(duration, then.budget_began_at) == then.budget_resets_at
    assert then.at(START + first + later) == key.at(START + first + later)


def test_a_key_without_periods_is_the_same_at_every_moment() -> None:
    key = Key(id="a", digest=b"", name="", spend_nanousd=7)
    assert key.at(1e12) is key
    purse = key.purse()
    purse.count(1, 5.0, 1e9)
    assert (purse.spend, purse.periodic, purse.spent_at(1e12)) == (8, False, 8)


def test_while_the_clock_of_the_period_was_wrong_all_counts_and_nothing_starts_anew() -> None:
    purse = Purse(5, "1d", None, START + DAY)
    future = START + 1000 * DAY
    purse.count(10, future, future)
    assert purse.spend == 10
    for hour in range(100):
        purse.count(1, START + hour * 3600, START + hour * 3600 + 1)
    assert purse.spent_at(START + 100 * 3600) == 110
    purse.resets_at = next_reset("1d", START + 100 * 3600)  # the operator sends the duration again
    assert purse.spent_at(purse.resets_at - 1) == 110
    purse.count(3, purse.resets_at, purse.resets_at)
    assert purse.spend == 3


def test_what_was_settled_before_a_spend_was_set_does_not_count_also_without_periods() -> None:
    purse = Key(id="a", digest=b"", name="", spend_nanousd=50).with_spend(2, START + 0.0015).purse()
    purse.count(100, START, START + 5)
    assert purse.spend == 2
    purse.count(1, START + 0.001, START + 5)  # entries know milliseconds: that one may have been later
    assert purse.spend == 3
