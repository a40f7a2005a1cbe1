import asyncio
import random
from datetime import datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tollbridge.calls.headers import pairs
from tollbridge.errors import BudgetExceededError, RateLimitError
from tollbridge.ledger import book as room
from tollbridge.ledger.account import dollars
from tollbridge.ledger.book import Book, Hold
from tollbridge.observe import Record
from tollbridge.store.periods import next_reset
from tollbridge.store.key import Key

DOLLAR = 1_000_000_000


def key(id: str = "abcd1234", budget: int | None = 100, **said) -> Key:
    return Key(id=id, digest=b"", name="sk-...abcd", max_budget_nanousd=budget, **said)


def every_hundred(duration: str, now: float) -> float:
    return (now // 100 + 1) * 100


class Clock:
    def __init__(self, now: float = 1_010.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def book(clock: Clock | None = None, **said) -> Book:
    return Book(every_hundred, clock=clock or Clock(), **said)


def entry(cost: int | None, id: str = "abcd1234") -> Record:
    return Record(key_id=id, cost_nanousd=cost)


def test_what_a_dead_process_spent_counts_once_it_is_known():
    accounts, whose = book(), key(budget=100)
    accounts.reserve(whose, 10).settle(10)
    accounts.recovered([entry(60), entry(None), entry(70, "another1")])
    assert accounts.spent(whose.id) == 70
    accounts.folded([entry(10)])
    assert accounts.spent(whose.id) == 70
    accounts.reserve(whose, 30).settle(30)
    with pytest.raises(BudgetExceededError):
        accounts.reserve(whose, 1)


class HoldsAreRequestsUnderWay(RuleBasedStateMachine):
    """No request costs more than its worst case here, so: what is spent stays within the budget but for one request
    that was let in on trust, holds are what is under way, and each period begins at nothing, once."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.restarts: list[tuple[str, float, float]] = []
        self.book = book(self.clock, restarted=lambda *restart: self.restarts.append(restart))
        self.key = key(budget=100, budget_duration="1d", budget_resets_at=1_100.0)
        self.under_way: list[tuple[Hold, int]] = []
        self.spent = 0
        self.dearest = 0
        self.periods = 0
        self.ends = 1_100.0

    def pass_to_now(self) -> None:
        if self.clock.now >= self.ends:
            self.ends = every_hundred("1d", self.clock.now)
            self.spent, self.periods = 0, self.periods + 1

    @rule(worst=st.one_of(st.none(), st.integers(0, 30), st.integers(0, 300)))
    def ask(self, worst: int | None) -> None:
        self.pass_to_now()
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
        if cost and known:
            self.pass_to_now()
            self.spent += cost
        hold.settle(cost if known else None)
        hold.settle(70)
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
        self.pass_to_now()
        assert self.book.spent("abcd1234") in (None, self.spent)
        assert self.spent < 100 + max(1, self.dearest)

    @invariant()
    def each_period_ends_once(self) -> None:
        assert len({was for _, was, _ in self.restarts}) == len(self.restarts)
        assert [after for _, _, after in self.restarts] == sorted(after for _, _, after in self.restarts)


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
            hold.settle(cost)

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
    whose = key(budget=5, spend_nanousd=5, budget_duration="1d", budget_resets_at=1_100.0)
    with pytest.raises(BudgetExceededError, match=r"It starts anew at 1970-01-01T00:18:20Z\.") as caught:
        book().reserve(whose, 1)
    assert caught.value.retry_after_s == 90


def test_a_refusal_for_what_is_under_way_asks_to_come_again_soon():
    purse, whose = book(), key(budget=100)
    held = purse.reserve(whose, 100)
    with pytest.raises(BudgetExceededError, match="held by requests under way") as caught:
        purse.reserve(whose, 1)
    assert (caught.value.code, caught.value.retryable, caught.value.retry_after_s) == ("budget_held", True, 1.0)
    held.settle(10)
    purse.reserve(whose, 90)


def test_where_less_is_left_than_the_worst_case_one_goes_at_a_time():
    purse, whose = book(), key(budget=100)
    first = purse.reserve(whose, 60)
    second = purse.reserve(whose, 1000)
    for worst in (1, 1000, None):
        with pytest.raises(BudgetExceededError):
            purse.reserve(whose, worst)
    first.settle(0)
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1000)
    second.settle(5)
    purse.reserve(whose, 1000).settle(95)
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1)


def test_a_free_request_is_let_in_whatever_was_spent():
    purse, whose = book(), key(budget=0)
    purse.reserve(whose, 0).settle(0)
    for worst in (None, 1):
        with pytest.raises(BudgetExceededError):
            purse.reserve(whose, worst)


def test_an_unknown_price_holds_nothing_and_needs_something_left():
    purse, whose = book(), key(budget=100)
    several = [purse.reserve(whose, None) for _ in range(5)]
    assert (purse.held, purse.flying) == (0, 5)
    for hold in several:
        hold.settle(None)
    assert purse.spent(whose.id) == 0
    purse.reserve(whose, None).settle(100)  # it became known meanwhile
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, None)


def test_a_key_without_a_budget_leaves_no_account():
    purse = book()
    hold = purse.reserve(key(budget=None), 10**12)
    hold.settle(10**12)
    assert (purse.flying, purse.spent("abcd1234"), hold.headers()) == (0, None, b"")


def test_a_budget_starts_anew_once_also_after_long_idleness():
    clock, restarts = Clock(1_010.0), []
    purse = book(clock, restarted=lambda *restart: restarts.append(restart))
    whose = key(budget=100, budget_duration="1d", budget_resets_at=1_100.0)
    purse.reserve(whose, 100).settle(100)
    clock.now = 1_099.999
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1)
    clock.now = 1_100.0
    purse.reserve(whose, 100).settle(100)
    clock.now = 1_050.0  # a clock that steps back
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1)
    clock.now = 987_654.0
    purse.reserve(whose, 100).settle(1)
    assert restarts == [("abcd1234", 1_100.0, 1_200.0), ("abcd1234", 1_200.0, 987_700.0)]


@pytest.mark.parametrize(
    ("duration", "ends", "next_ends"),
    [
        ("1d", "2028-02-29T00:00:00+00:00", "2028-03-01T00:00:00+00:00"),
        ("30d", "2028-03-01T00:00:00+00:00", "2028-04-01T00:00:00+00:00"),
        ("7d", "2026-10-26T00:00:00+00:00", "2026-11-02T00:00:00+00:00"),  # clocks change in Europe the day before
    ],
)
def test_a_budget_starts_anew_at_the_calendars_moment(duration: str, ends: str, next_ends: str):
    end = datetime.fromisoformat(ends).timestamp()
    clock, restarts = Clock(end - 0.001), []
    purse = Book(next_reset, clock=clock, restarted=lambda *restart: restarts.append(restart))
    whose = key(budget=100, budget_duration=duration, budget_resets_at=end)
    purse.reserve(whose, 100).settle(100)
    with pytest.raises(BudgetExceededError):
        purse.reserve(whose, 1)
    clock.now = end
    purse.reserve(whose, 100).release()
    assert restarts == [(whose.id, end, datetime.fromisoformat(next_ends).timestamp())]


def test_what_is_under_way_when_a_period_ends_counts_in_the_next_one():
    clock = Clock(1_090.0)
    purse, whose = book(clock), key(budget=100, budget_duration="1d", budget_resets_at=1_100.0)
    long = purse.reserve(whose, 60)
    purse.reserve(whose, 40).settle(40)
    clock.now = 1_110.0
    with pytest.raises(BudgetExceededError):
        [purse.reserve(whose, 30) for _ in range(3)]
    long.settle(50)
    assert purse.spent(whose.id) == 50


def test_a_key_whose_period_ended_while_nobody_asked_begins_at_nothing():
    restarts = []
    purse = book(Clock(5_000.0), restarted=lambda *restart: restarts.append(restart))
    whose = key(budget=100, spend_nanousd=100, budget_duration="1d", budget_resets_at=1_100.0)
    purse.reserve(whose, 100)
    assert restarts == [("abcd1234", 1_100.0, 5_100.0)]


def test_a_changed_key_is_read_anew_with_what_is_not_yet_in_the_database():
    purse = book()
    purse.reserve(key(budget=100), 40).settle(40)
    purse.reserve(key(budget=100), 30).settle(30)
    purse.folded([entry(40), entry(None), entry(40, id="another")])
    with pytest.raises(BudgetExceededError):
        purse.reserve(key(budget=70, updated_at=2.0, spend_nanousd=40), 1)
    assert purse.spent("abcd1234") == 70
    purse.refresh(key(budget=100, updated_at=3.0, spend_nanousd=0))  # the operator set it
    assert purse.spent("abcd1234") == 30
    purse.folded([entry(30)])
    purse.refresh(key(budget=100, updated_at=4.0, spend_nanousd=30))
    assert purse.spent("abcd1234") == 30


def test_the_same_key_read_again_says_nothing_new():
    purse = book()
    purse.reserve(key(budget=100, updated_at=2.0), 40).settle(40)
    purse.reserve(key(budget=100, updated_at=2.0, spend_nanousd=0), 1).release()
    purse.reserve(key(budget=100, updated_at=1.0, spend_nanousd=90), 1).release()
    assert purse.spent("abcd1234") == 40


def test_a_change_does_not_lose_the_holds():
    purse = book()
    held = purse.reserve(key(budget=100), 80)
    with pytest.raises(BudgetExceededError):
        purse.reserve(key(budget=50, updated_at=2.0), 1)
    assert (purse.held, purse.flying) == (80, 1)
    held.settle(10)
    purse.reserve(key(budget=50, updated_at=2.0), 40)


def test_accounts_that_rest_are_closed_and_their_keys_read_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "ACCOUNTS_MAX", 100)
    clock, closed = Clock(0.0), []
    purse = book(clock, closed=closed.append)
    busy = purse.reserve(key("busy"), 5)
    purse.reserve(key("unfolded"), 5).settle(5)
    for number in range(1_000):
        clock.now += 30
        purse.reserve(key(f"key{number}"), 5).release()
    assert len(closed) >= 850
    assert not {"busy", "unfolded", "key999", "key990"}.intersection(closed)
    assert purse.spent("unfolded") == 5
    busy.settle(5)
    assert purse.spent("busy") == 5


def test_a_client_is_told_spend_and_budget_under_litellms_names():
    purse = book()
    purse.reserve(key(budget=12 * DOLLAR), 3_100_000).settle(3_100_000)
    hold = purse.reserve(key(budget=12 * DOLLAR), 1)
    assert dict(pairs((hold.headers(),))) == {b"x-litellm-key-spend": b"0.0031", b"x-litellm-key-max-budget": b"12.0"}


@pytest.mark.parametrize(
    ("nanousd", "told"),
    [(0, "0.0"), (1, "0.000000001"), (12 * DOLLAR, "12.0"), (2_500_000_000, "2.5"), (-1_500_000_000, "-1.5")],
)
def test_sums_are_told_exactly(nanousd: int, told: str):
    assert dollars(nanousd) == told
