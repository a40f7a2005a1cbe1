import asyncio
import itertools
import random
from datetime import datetime

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tollbridge.calls.headers import pairs
from tollbridge.errors import BudgetExceededError, RateLimitError
from tollbridge.ledger import book as room
from tollbridge.ledger.book import Book, Hold
from tollbridge.observe import Record
from tollbridge.observe.ulid import Ulids, at, first_at
from tollbridge.store.key import Key

DOLLAR = 1_000_000_000


def key(id: str = "abcd1234", budget: int | None = 100, **said) -> Key:
    return Key(id=id, digest=b"", name="sk-...abcd", max_budget_nanousd=budget, **said)


class Clock:
    def __init__(self, now: float = 1_010.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def book(clock: Clock | None = None, **said) -> Book:
    return Book(clock=clock or Clock(), **said)


_count = itertools.count()


def entry(cost: int | None, key: str = "abcd1234", made: float = 1_010.0) -> Record:
    """Made at that moment, with an id of its own."""
    return Record(id=f"{first_at(made)[:10]}{next(_count):016}", key_id=key, cost_nanousd=cost)


def test_what_a_dead_process_spent_counts_once_it_is_known():
    accounts, whose = book(), key(budget=100)
    own = entry(10)
    accounts.reserve(whose, 10).settle(own)
    accounts.recovered([entry(60), entry(None), entry(70, "another1")])
    assert accounts.spent(whose.id) == 70
    accounts.folded([own])
    assert accounts.spent(whose.id) == 70
    accounts.reserve(whose, 30).settle(entry(30))
    with pytest.raises(BudgetExceededError):
        accounts.reserve(whose, 1)


class HoldsAreRequestsUnderWay(RuleBasedStateMachine):
    """No request costs more than its worst case here, so: what is spent stays within the budget but for one request
    that was let in on trust, holds are what is under way, and spent is what cost anything in the latest period in which
    something did, nothing once it has passed; whatever the clock does."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.ulids = Ulids(lambda: int(self.clock.now * 1e9))
        self.book = book(self.clock)
        self.key = key(budget=100, budget_duration="100s", budget_resets_at=1_100.0)
        self.under_way: list[tuple[Hold, int]] = []
        self.costs: list[tuple[float, int]] = []
        self.dearest = 0

    @property
    def spent(self) -> int:
        def period(moment: float) -> float:
            return max(10, moment // 100)

        latest = max((period(moment) for moment, _ in self.costs), default=0.0)
        if period(self.clock.now) > latest:
            return 0
        return sum(cost for moment, cost in self.costs if period(moment) == latest)

    @rule(worst=st.one_of(st.none(), st.integers(0, 30), st.integers(0, 300)))
    def ask(self, worst: int | None) -> None:
        held = sum(worst for _, worst in self.under_way)
        try:
            hold = self.book.reserve(self.key, worst)
        except BudgetExceededError:
            assert worst != 0
            assert self.spent + held + (worst or 0) > 100 or self.spent + held >= 100
            return
        if worst != 0 and self.spent + held + (worst or 0) > 100:
            assert self.spent + held < 100, "let in on trust where nothing was left"
        self.dearest = max(self.dearest, worst or 0)
        self.under_way.append((hold, worst or 0))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), share=st.floats(0, 1), known=st.booleans())
    def end(self, data: st.DataObject, share: float, known: bool) -> None:
        hold, worst = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        cost = int(worst * share)
        record = Record(id=self.ulids.next(), key_id="abcd1234", cost_nanousd=cost if known else None)
        if cost and known:
            self.costs.append((at(record.id), cost))
        hold.settle(record)
        hold.settle(entry(70))
        hold.release()

    @rule(seconds=st.one_of(st.floats(0, 30), st.floats(0, 1_000), st.floats(-700, 0)))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def holds_are_what_is_under_way(self) -> None:
        assert self.book.flying == len(self.under_way)
        assert self.book.held == sum(worst for _, worst in self.under_way)

    @invariant()
    def no_more_is_spent_than_the_budget_and_one_request(self) -> None:
        assert self.book.spent("abcd1234") in (None, self.spent)
        assert self.spent < 100 + max(1, self.dearest)


TestHoldsAreRequestsUnderWay = HoldsAreRequestsUnderWay.TestCase
TestHoldsAreRequestsUnderWay.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


@pytest.mark.parametrize("estimate", [1.0, 3.0, 40.0], ids=["exact", "three times", "forty times the cost"])
async def test_200_clients_at_the_edge_of_a_budget_spend_it_and_at_most_one_request_more(estimate: float):
    purse, whose = book(), key(budget=DOLLAR)
    costs: list[int] = []

    async def client(number: int) -> None:
        chance = random.Random(number)
        while True:
            cost = chance.randint(100_000, 3_000_000)
            try:
                hold = purse.reserve(whose, int(cost * estimate))
            except BudgetExceededError as error:
                if error.code == "budget_exceeded":
                    return
                await asyncio.sleep(0)
                continue
            for _ in range(chance.randint(1, 5)):
                await asyncio.sleep(0)
            costs.append(cost)
            hold.settle(entry(cost))

    await asyncio.gather(*(client(number) for number in range(200)))
    assert DOLLAR <= sum(costs) <= DOLLAR + 3_000_000
    assert (purse.held, purse.flying, purse.spent(whose.id)) == (0, 0, sum(costs))


def test_a_refusal_has_the_words_that_litellm_has():
    purse, whose = book(), key(budget=2 * DOLLAR, spend_nanousd=5 * DOLLAR // 2)
    with pytest.raises(BudgetExceededError) as caught:
        purse.reserve(whose, 5)
    error = caught.value
    assert str(error).startswith("Budget has been exceeded! Current cost: 2.5, Max budget: 2.0.")
    assert (error.status_code, error.type, error.code, error.retryable) == (
        429,
        "budget_exceeded",
        "budget_exceeded",
        False,
    )
    assert error.retry_after_s is None
    assert isinstance(error, RateLimitError)


def test_a_refusal_says_when_the_budget_starts_anew():
    whose = key(budget=5, spend_nanousd=5, budget_duration="100s", budget_resets_at=1_100.0)
    with pytest.raises(BudgetExceededError, match=r"It starts anew at 1970-01-01T00:18:20Z\.") as caught:
        book().reserve(whose, 1)
    assert caught.value.retry_after_s == 90


def test_a_refusal_has_the_status_that_the_operator_wants_and_waiting_does_not():
    purse = book(exceeded=422)
    with pytest.raises(BudgetExceededError) as caught:
        purse.reserve(key(budget=5, spend_nanousd=5), 1)
    assert (caught.value.status_code, caught.value.code) == (422, "budget_exceeded")
    whose = key("other123", budget=5)
    purse.reserve(whose, 5)
    with pytest.raises(BudgetExceededError) as held:
        purse.reserve(whose, 1)
    assert (held.value.status_code, held.value.code) == (429, "budget_held")


def test_a_refusal_for_what_is_under_way_asks_to_come_again_soon():
    purse, whose = book(), key(budget=100)
    held = purse.reserve(whose, 100)
    with pytest.raises(BudgetExceededError, match="held by requests under way") as caught:
        purse.reserve(whose, 1)
    assert (caught.value.code, caught.value.retryable, caught.value.retry_after_s) == ("budget_held", True, 1.0)
    held.settle(entry(10))
    purse.reserve(whose, 90)


def test_where_less_is_left_than_the_worst_case_one_goes_at_a_time():
    purse, whose = book(), key(budget=100)
    first = purse.reserve(whose, 60)
    second = purse.reserve(whose, 1000)
    for worst in (1, 1000, None):
        with pytest.raises(BudgetExceededError):
            purse.reserve(whose, worst)
    first.settle(entry(0))
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1000)
    second.settle(entry(5))
    purse.reserve(whose, 1000).settle(entry(95))
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1)


def test_a_free_request_is_let_in_whatever_was_spent():
    purse, whose = book(), key(budget=0)
    purse.reserve(whose, 0).settle(entry(0))
    for worst in (None, 1):
        with pytest.raises(BudgetExceededError):
            purse.reserve(whose, worst)


def test_an_unknown_price_holds_nothing_and_needs_something_left():
    purse, whose = book(), key(budget=100)
    several = [purse.reserve(whose, None) for _ in range(5)]
    assert (purse.held, purse.flying) == (0, 5)
    for hold in several:
        hold.settle(entry(None))
    assert purse.spent(whose.id) == 0
    purse.reserve(whose, None).settle(entry(100))  # it became known meanwhile
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, None)


def test_a_key_without_a_budget_leaves_no_account():
    purse = book()
    hold = purse.reserve(key(budget=None), 10**12)
    hold.settle(entry(10**12))
    assert (purse.flying, purse.spent("abcd1234"), hold.headers()) == (0, None, b"")


def test_a_budget_starts_anew_also_after_long_idleness():
    clock = Clock(1_010.0)
    purse, whose = book(clock), key(budget=100, budget_duration="100s", budget_resets_at=1_100.0)
    purse.reserve(whose, 100).settle(entry(100))
    clock.now = 1_099.999
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1)
    clock.now = 1_100.0
    purse.reserve(whose, 100).settle(entry(100, made=1_100.0))
    clock.now = 1_050.0  # a clock that steps back
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1)
    clock.now = 987_654.0
    purse.reserve(whose, 100).settle(entry(1, made=987_654.0))
    assert purse.spent(whose.id) == 1


def test_a_clock_that_looked_ahead_and_was_set_right_starts_no_budget_anew():
    clock = Clock(1_010.0)
    purse, whose = book(clock), key(budget=100, budget_duration="100s", budget_resets_at=1_100.0)
    purse.reserve(whose, 100).settle(entry(100))
    clock.now = 5_000.0
    purse.reserve(whose, 100).release()
    assert purse.spent(whose.id) == 0
    clock.now = 1_020.0
    with pytest.raises(BudgetExceededError, match=r"It starts anew at 1970-01-01T00:18:20Z\."):
        purse.reserve(whose, 1)


def test_an_entry_of_the_period_before_does_not_count_in_the_present_one_however_late_it_settles():
    clock = Clock(1_110.0)
    purse, whose = book(clock), key(budget=100, budget_duration="100s", budget_resets_at=1_100.0)
    late = purse.reserve(whose, 60)
    purse.reserve(whose, 20).settle(entry(20, made=1_110.0))
    late.settle(entry(60, made=1_099.999))
    assert purse.spent(whose.id) == 20


@pytest.mark.parametrize(
    ("duration", "ends", "next_ends"),
    [
        ("1d", "2028-02-29T00:00:00+00:00", "2028-03-01T00:00:00Z"),
        ("30d", "2028-03-01T00:00:00+00:00", "2028-04-01T00:00:00Z"),
        ("7d", "2026-10-26T00:00:00+00:00", "2026-11-02T00:00:00Z"),  # clocks change in Europe the day before
    ],
)
def test_a_budget_starts_anew_at_the_calendars_moment(duration: str, ends: str, next_ends: str):
    end = datetime.fromisoformat(ends).timestamp()
    clock = Clock(end - 0.001)
    purse, whose = book(clock), key(budget=100, budget_duration=duration, budget_resets_at=end)
    purse.reserve(whose, 100).settle(entry(100, made=clock.now))
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1)
    clock.now = end
    purse.reserve(whose, 100)
    with pytest.raises(BudgetExceededError, match="held by requests under way"):
        purse.reserve(whose, 1)
    purse.reserve(whose, 0).settle(entry(100, made=end))
    with pytest.raises(BudgetExceededError, match=f"It starts anew at {next_ends}"):
        purse.reserve(whose, 1)


def test_what_is_under_way_when_a_period_ends_counts_in_the_next_one():
    clock = Clock(1_090.0)
    purse, whose = book(clock), key(budget=100, budget_duration="100s", budget_resets_at=1_100.0)
    long = purse.reserve(whose, 60)
    purse.reserve(whose, 40).settle(entry(40, made=1_090.0))
    clock.now = 1_110.0
    with pytest.raises(BudgetExceededError):
        [purse.reserve(whose, 30) for _ in range(3)]
    long.settle(entry(50, made=1_110.0))
    assert purse.spent(whose.id) == 50


def test_a_key_whose_period_ended_while_nobody_asked_begins_at_nothing():
    purse = book(Clock(5_000.0))
    whose = key(budget=100, spend_nanousd=100, budget_duration="100s", budget_resets_at=1_100.0)
    purse.reserve(whose, 100)
    assert purse.spent(whose.id) == 0


def test_a_changed_key_is_read_anew_with_what_is_not_yet_in_the_database():
    purse, first, second = book(), entry(40), entry(30)
    purse.reserve(key(budget=100), 40).settle(first)
    purse.reserve(key(budget=100), 30).settle(second)
    purse.folded([first, entry(None), entry(40, key="another")])
    with pytest.raises(BudgetExceededError):
        purse.reserve(key(budget=70, updated_at=2.0, spend_nanousd=40), 1)
    assert purse.spent("abcd1234") == 70
    purse.folded([second])
    purse.refresh(key(budget=100, updated_at=4.0, spend_nanousd=75))  # another process spent 5
    assert purse.spent("abcd1234") == 75


def test_a_changed_key_that_was_read_before_the_last_entries_were_folded_takes_nothing_back():
    purse, one = book(), entry(40)
    purse.reserve(key(budget=100), 40).settle(one)
    purse.folded([one])
    purse.refresh(key(budget=100, updated_at=2.0, spend_nanousd=0))
    assert purse.spent("abcd1234") == 40


def test_a_key_that_was_made_anew_in_the_words_of_the_former_begins_at_nothing():
    purse, one = book(), entry(40)
    purse.reserve(key(budget=100, created_at=1.0, updated_at=1.0), 40).settle(one)
    purse.folded([one])
    purse.refresh(key(budget=100, created_at=2.0, updated_at=2.0))
    assert purse.spent("abcd1234") == 0


def test_of_a_spend_that_was_set_only_what_came_after_is_added():
    clock = Clock(1_010.0)
    purse, whose = book(clock), key(budget=100, updated_at=1.0)
    for made in (1_009.0, 1_012.0):
        purse.reserve(whose, 30).settle(entry(30, made=made))
    clock.now = 1_012.0
    purse.refresh(msgspec.structs.replace(whose, updated_at=2.0).with_spend(5, 1_011.0))
    assert purse.spent(whose.id) == 35


def test_a_duration_that_changes_just_before_the_former_period_ends_loses_nothing_of_it():
    clock = Clock(1_099.0)
    purse = book(clock)
    whose = key(budget=100, budget_duration="100s", budget_resets_at=1_100.0, updated_at=1.0)
    purse.reserve(whose, 40).settle(entry(40, made=1_099.0))
    clock.now = 1_101.0  # the change, of 1099.5, was not heard of yet
    purse.reserve(whose, 20).settle(entry(20, made=1_101.0))
    assert purse.spent(whose.id) == 20
    purse.refresh(key(budget=100, budget_duration="1h", budget_resets_at=3_600.0, updated_at=1_099.5))
    assert purse.spent(whose.id) == 60
    clock.now = 3_600.0
    assert purse.spent(whose.id) == 0


def test_an_entry_that_is_folded_before_it_is_settled_counts_once():
    purse, one, other = book(), entry(40), entry(20)
    slow, quick = purse.reserve(key(budget=100), 50), purse.reserve(key(budget=100), 20)
    purse.folded([one])
    assert purse.spent("abcd1234") == 40
    slow.settle(one)
    quick.settle(other)
    assert (purse.spent("abcd1234"), purse.held) == (60, 0)
    purse.refresh(key(budget=100, updated_at=2.0, spend_nanousd=40))
    assert purse.spent("abcd1234") == 60
    purse.folded([other])
    purse.refresh(key(budget=100, updated_at=3.0, spend_nanousd=60))
    assert purse.spent("abcd1234") == 60


def test_the_same_key_read_again_says_nothing_new():
    purse = book()
    purse.reserve(key(budget=100, updated_at=2.0), 40).settle(entry(40))
    purse.reserve(key(budget=100, updated_at=2.0, spend_nanousd=0), 1).release()
    purse.reserve(key(budget=100, updated_at=1.0, spend_nanousd=90), 1).release()
    assert purse.spent("abcd1234") == 40


def test_a_change_does_not_lose_the_holds():
    purse = book()
    held = purse.reserve(key(budget=100), 80)
    with pytest.raises(BudgetExceededError):
        purse.reserve(key(budget=50, updated_at=2.0), 1)
    assert (purse.held, purse.flying) == (80, 1)
    held.settle(entry(10))
    purse.reserve(key(budget=50, updated_at=2.0), 40)


def test_accounts_that_rest_are_closed_and_their_keys_read_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "ACCOUNTS_MAX", 100)
    clock, closed = Clock(0.0), []
    purse = book(clock, closed=closed.append)
    busy = purse.reserve(key("busy"), 5)
    purse.reserve(key("unfolded"), 5).settle(entry(5, key="unfolded"))
    for number in range(1_000):
        clock.now += 30
        purse.reserve(key(f"key{number}"), 5).release()
    assert len(closed) >= 850
    assert not {"busy", "unfolded", "key999", "key990"}.intersection(closed)
    assert purse.spent("unfolded") == 5
    busy.settle(entry(5))
    assert purse.spent("busy") == 5


def test_a_client_is_told_spend_and_budget_under_litellms_names():
    purse = book()
    purse.reserve(key(budget=12 * DOLLAR), 3_100_000).settle(entry(3_100_000))
    hold = purse.reserve(key(budget=12 * DOLLAR), 1)
    assert dict(pairs((hold.headers(),))) == {b"x-litellm-key-spend": b"0.0031", b"x-litellm-key-max-budget": b"12.0"}
