"""The limiter beside a plain list of requests; rows R29, R42 and R43 of the fault matrix, in virtual time."""

import asyncio
import random
import signal
import subprocess
import sys

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.policy.virtual_time import VirtualTime
from tollbridge.calls.headers import pairs
from tollbridge.errors import RateLimitError
from tollbridge.policy.limits import Limiter, Place
from tollbridge.store.key import Key


def key(id: str = "abcd1234", **limits: int | None) -> Key:
    return Key(id=id, digest=b"", name="sk-...abcd", **limits)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class LimitsMatchALogOfRequests(RuleBasedStateMachine):
    """Beside the limiter stands a plain list of (when, tokens). No minute may hold more than the limit, and nobody is
    refused when 61 seconds hold less: buckets may keep a request for a second too long, never let it go too early.
    Estimates here are never too low; the tests below are about those that are."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.limiter = Limiter(self.clock)
        self.key = key(rpm=6, tpm=1000, parallel=4)
        self.log: list[list[float]] = []
        self.under_way: list[tuple[Place, list[float]]] = []
        self.waits: list[float | None] = []

    def since(self, span: float) -> list[list[float]]:
        return [entry for entry in self.log if entry[0] > self.clock.now - span + 1e-6]

    @rule(tokens=st.integers(0, 1200))
    def ask(self, tokens: int) -> None:
        counted = max(1, min(tokens, 1000))
        exact, loose = self.since(60.0), self.since(61.0)
        flying = len(self.under_way)
        may = flying < 4 and len(exact) < 6 and sum(entry[1] for entry in exact) + counted <= 1000
        must = flying < 4 and len(loose) < 6 and sum(entry[1] for entry in loose) + counted <= 1000
        try:
            place = self.limiter.reserve(self.key, tokens)
        except RateLimitError as error:
            self.waits.append(error.retry_after_s)
            refused = True
        else:
            refused = False
            entry = [self.clock.now, float(counted)]
            self.log.append(entry)
            self.under_way.append((place, entry))
        assert may if not refused else not must

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), share=st.floats(0, 1))
    def end(self, data: st.DataObject, share: float) -> None:
        place, entry = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        entry[1] = float(int(entry[1] * share))
        place.settle(int(entry[1]))
        place.settle(900)
        place.release()

    @rule(seconds=st.one_of(st.floats(0, 2), st.floats(0, 70), st.just(60.0), st.just(1.0)))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(seconds=st.floats(0, 700))
    def step_the_clock_back(self, seconds: float) -> None:
        """What it says then is no time at all: nothing may come of it."""
        now, self.clock.now = self.clock.now, self.clock.now - seconds
        try:
            self.limiter.reserve(key(id="other", rpm=1), 1).release()
        except RateLimitError:
            pass
        self.clock.now = now

    @invariant()
    def whoever_is_refused_is_told_when_to_come_again(self) -> None:
        assert all(wait is not None and 0 < wait <= 61 for wait in self.waits)

    @invariant()
    def what_is_under_way_is_what_flies(self) -> None:
        places = [place for place, _ in self.under_way]
        for place in places:
            assert dict(pairs((place.headers(),)))[b"x-ratelimit-api_key-remaining-max_parallel_requests"] == (
                b"%d" % (4 - len(places))
            )


TestLimitsMatchALogOfRequests = LimitsMatchALogOfRequests.TestCase
TestLimitsMatchALogOfRequests.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


async def crowd(time: VirtualTime, limiter: Limiter, whose: Key, minutes: float, take, spread_s: float = 0.0):
    """200 clients that ask again as soon as they are answered or, refused, when they are told to. Returns when each was
    admitted, and how many tokens it used."""
    admitted: list[tuple[float, int]] = []

    async def client(number: int) -> None:
        chance = random.Random(number)
        await time.sleep(chance.random() * spread_s)
        while True:
            reserved, used, seconds = take(chance)
            try:
                place = limiter.reserve(whose, reserved)
            except RateLimitError as error:
                await time.sleep(max(0.001, error.retry_after_s or 0.0))
                continue
            admitted.append((time.now, used))
            await time.sleep(seconds)
            place.settle(used)

    start = time.now
    tasks = [asyncio.create_task(client(number)) for number in range(200)]
    await time.run_until(start + minutes * 60 - 0.001)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return admitted


def most_in_a_minute(admitted: list[tuple[float, int]]) -> tuple[int, int]:
    """(requests, tokens) of the fullest 60 seconds, wherever they begin."""
    requests = tokens = most_requests = most_tokens = first = 0
    for at, used in admitted:
        requests, tokens = requests + 1, tokens + used
        while admitted[first][0] <= at - 60 + 1e-6:
            requests, tokens = requests - 1, tokens - admitted[first][1]
            first += 1
        most_requests, most_tokens = max(most_requests, requests), max(most_tokens, tokens)
    return most_requests, most_tokens


@pytest.mark.parametrize("spread_s", [0.0, 60.0], ids=["a burst", "spread over a minute"])
async def test_200_clients_at_the_edge_of_an_rpm_are_let_in_as_often_as_it_says(spread_s: float):
    time = VirtualTime()
    limiter = Limiter(time)
    whose = key(rpm=600, parallel=200)
    admitted = await crowd(time, limiter, whose, 20, lambda chance: (1, 1, chance.uniform(0.1, 9)), spread_s)
    assert most_in_a_minute(admitted)[0] <= 600
    settled = [at for at, _ in admitted if at >= 1_000 + 120]
    assert len(settled) == pytest.approx(600 * 18, rel=0.01)


async def test_200_clients_at_the_edge_of_a_tpm_never_use_more_in_any_minute():
    time = VirtualTime()
    limiter = Limiter(time)

    def take(chance: random.Random) -> tuple[int, int, float]:
        return 300, 300, chance.uniform(0.1, 9)

    admitted = await crowd(time, limiter, key(tpm=100_000), 20, take)
    assert most_in_a_minute(admitted)[1] <= 100_000
    assert sum(used for _, used in admitted) == pytest.approx(100_000 * 20, rel=0.01)


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0], ids=["too low by four", "right on average", "too high by three"])
async def test_in_the_long_run_a_tpm_holds_whatever_was_estimated(factor: float):
    time = VirtualTime()
    limiter = Limiter(time)

    def take(chance: random.Random) -> tuple[int, int, float]:
        used = chance.randint(100, 500)
        return max(1, int(used * factor * chance.uniform(0.6, 1.4))), used, chance.uniform(0.1, 0.5)

    admitted = await crowd(time, limiter, key(tpm=240_000), 20, take)
    used = sum(used for _, used in admitted)
    assert 240_000 * 20 * 0.98 <= used <= 240_000 * 20 * 1.02 + 200 * 500  # beyond: what was under way


def test_no_double_burst_at_the_edge_of_a_window():
    clock = Clock()
    limiter = Limiter(clock)
    whose = key(rpm=100)
    clock.now = 159.9
    for _ in range(100):
        limiter.reserve(whose, 0).release()
    clock.now = 160.1
    with pytest.raises(RateLimitError):
        limiter.reserve(whose, 0)
    clock.now = 219.9
    for _ in range(100):
        limiter.reserve(whose, 0).release()


def test_a_refusal_says_which_limit_how_much_and_when():
    clock = Clock()
    limiter = Limiter(clock)
    whose = key(rpm=2, tpm=1000, parallel=5)
    limiter.reserve(whose, 300).settle(250)
    clock.now += 10
    limiter.reserve(whose, 300)
    with pytest.raises(RateLimitError) as caught:
        limiter.reserve(whose, 300)
    error = caught.value
    assert str(error) == "sk-...abcd may make 2 requests in a minute, and has made 2; retry after 50.0 s."
    assert (error.status_code, error.code, error.retryable) == (429, "rate_limit_exceeded", True)
    assert error.retry_after_s == 50
    assert dict(error.headers)["x-ratelimit-remaining-requests"] == "0"
    assert dict(error.headers)["x-ratelimit-remaining-tokens"] == "450"
    clock.now += 50
    limiter.reserve(whose, 300).release()


def test_a_refusal_by_tokens_waits_for_as_many_as_are_needed():
    clock = Clock()
    limiter = Limiter(clock)
    whose = key(tpm=1000)
    limiter.reserve(whose, 400)
    clock.now += 20
    limiter.reserve(whose, 500)
    with pytest.raises(
        RateLimitError, match=r"may use 1000 tokens in a minute; 900 are used or reserved, and"
    ) as first:
        limiter.reserve(whose, 200)
    assert first.value.retry_after_s == 40
    with pytest.raises(RateLimitError, match="may use 800") as second:
        limiter.reserve(whose, 800)
    assert second.value.retry_after_s == 60


@pytest.mark.parametrize(
    ("limits", "field"),
    [({"rpm": 0}, "rpm_limit"), ({"tpm": 0}, "tpm_limit"), ({"parallel": 0, "rpm": 5}, "max_parallel_requests")],
)
def test_a_limit_of_0_says_that_nothing_is_allowed_and_not_when_to_come_again(limits: dict[str, int], field: str):
    with pytest.raises(RateLimitError) as refused:
        Limiter(Clock()).reserve(key(**limits), 10)
    told = f"sk-...abcd may make no requests: its {field} is 0, and waiting changes nothing."
    assert (refused.value.message, refused.value.retry_after_s) == (told, None)


def test_a_refusal_takes_nothing():
    limiter = Limiter(Clock())
    whose = key(rpm=5, tpm=100, parallel=5)
    first = limiter.reserve(whose, 90)
    for _ in range(10):
        with pytest.raises(RateLimitError):
            limiter.reserve(whose, 50)
    told = dict(line.split(": ") for line in first.headers().decode().splitlines())
    assert (told["x-ratelimit-remaining-requests"], told["x-ratelimit-remaining-tokens"]) == ("4", "10")


def test_parallel_requests_end_once():
    limiter = Limiter(Clock())
    whose = key(parallel=2)
    first, second = limiter.reserve(whose, 0), limiter.reserve(whose, 0)
    assert limiter.flying == 2
    with pytest.raises(RateLimitError, match="2 requests under way at once"):
        limiter.reserve(whose, 0)
    for _ in range(3):
        first.release()
        first.settle(5)
    third = limiter.reserve(whose, 0)
    with pytest.raises(RateLimitError):
        limiter.reserve(whose, 0)
    second.release()
    third.release()
    assert limiter.flying == 0


def test_a_request_that_may_use_more_than_the_limit_goes_alone():
    clock = Clock()
    limiter = Limiter(clock)
    whose = key(tpm=1000)
    alone = limiter.reserve(whose, 128_000)
    with pytest.raises(RateLimitError):
        limiter.reserve(whose, 1)
    alone.settle(100)
    limiter.reserve(whose, 900).settle(900)
    with pytest.raises(RateLimitError):
        limiter.reserve(whose, 128_000)


def test_a_limit_of_nothing_lets_nothing_in():
    limiter = Limiter(Clock())
    for limits in ({"rpm": 0}, {"tpm": 0}, {"parallel": 0}):
        with pytest.raises(RateLimitError):
            limiter.reserve(key(**limits), 0)


def test_what_a_long_answer_used_beyond_its_estimate_is_counted_when_it_is_known():
    clock = Clock()
    limiter = Limiter(clock)
    whose = key(tpm=1000)
    long = limiter.reserve(whose, 100)
    clock.now += 180
    long.settle(900)
    with pytest.raises(RateLimitError, match="800 are used"):
        limiter.reserve(whose, 300)
    clock.now += 60
    limiter.reserve(whose, 1000)


def test_what_was_used_beyond_the_limit_leaves_a_limit_a_minute():
    clock = Clock()
    limiter = Limiter(clock)
    whose = key(tpm=1000)
    limiter.reserve(whose, 10).settle(3_500)
    with pytest.raises(RateLimitError) as caught:
        limiter.reserve(whose, 200)
    assert caught.value.retry_after_s == 180
    clock.now += 179
    with pytest.raises(RateLimitError):
        limiter.reserve(whose, 200)
    clock.now += 1
    limiter.reserve(whose, 200)


def test_a_changed_limit_holds_at_once_over_the_same_window():
    limiter = Limiter(Clock())
    for _ in range(3):
        limiter.reserve(key(rpm=3), 0).release()
    with pytest.raises(RateLimitError):
        limiter.reserve(key(rpm=3), 0)
    limiter.reserve(key(rpm=4), 0).release()
    with pytest.raises(RateLimitError):
        limiter.reserve(key(rpm=1), 0)


def test_keys_do_not_share_a_window():
    limiter = Limiter(Clock())
    limiter.reserve(key(id="one", rpm=1), 0)
    limiter.reserve(key(id="two", rpm=1), 0)


def test_keys_that_rest_are_forgotten():
    clock = Clock()
    limiter = Limiter(clock)
    kept = limiter.reserve(key(id="busy", parallel=1), 0)
    for number in range(10_000):
        clock.now += 0.1
        limiter.reserve(key(id=f"key{number}", rpm=1), 0).release()
    assert len(limiter) <= 10 * 60 + 12
    with pytest.raises(RateLimitError):
        limiter.reserve(key(id="busy", parallel=1), 0)
    kept.release()


def test_a_key_without_limits_leaves_no_trace():
    limiter = Limiter(Clock())
    place = limiter.reserve(key(), 10**9)
    place.settle(10**9)
    assert (len(limiter), place.headers()) == (0, b"")


def test_a_client_is_told_its_limits_under_the_names_of_openai_and_litellm():
    limiter = Limiter(Clock())
    whose = key(rpm=10, tpm=1000, parallel=3)
    limiter.reserve(whose, 100)
    told = dict(pairs((limiter.reserve(whose, 100).headers(),)))
    assert told == {
        b"x-ratelimit-limit-requests": b"10",
        b"x-ratelimit-remaining-requests": b"8",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"800",
        b"x-ratelimit-api_key-limit-requests": b"10",
        b"x-ratelimit-api_key-remaining-requests": b"8",
        b"x-ratelimit-api_key-limit-tokens": b"1000",
        b"x-ratelimit-api_key-remaining-tokens": b"800",
        b"x-ratelimit-api_key-limit-max_parallel_requests": b"3",
        b"x-ratelimit-api_key-remaining-max_parallel_requests": b"1",
        b"x-litellm-key-rpm-limit": b"10",
        b"x-litellm-key-tpm-limit": b"1000",
    }


def test_a_clock_that_steps_back_lets_nothing_out_twice():
    clock = Clock()
    limiter = Limiter(clock)
    whose = key(rpm=2)
    limiter.reserve(whose, 0).release()
    clock.now += 60
    limiter.reserve(whose, 0).release()
    clock.now -= 600
    limiter.reserve(whose, 0).release()
    for _ in range(5):
        clock.now += 100
        with pytest.raises(RateLimitError):
            limiter.reserve(whose, 0)
    clock.now += 160
    limiter.reserve(whose, 0).release()
    limiter.reserve(whose, 0).release()
    with pytest.raises(RateLimitError):
        limiter.reserve(whose, 0)


STOPPED = """
import sys
from tollbridge.errors import RateLimitError
from tollbridge.policy import window
from tollbridge.policy.limits import Limiter
from tollbridge.store.key import Key

window.SPAN_S, window.BUCKET_S = 1.0, 0.05
limiter, key = Limiter(), Key(id="k", digest=b"", name="k", rpm=50, parallel=50)

def burst():
    places = []
    try:
        while True:
            places.append(limiter.reserve(key, 0))
    except RateLimitError:
        return places

held = burst()
print(len(held), flush=True)
sys.stdin.readline()
for place in held[:20]:
    place.release()
    place.release()
print(len(burst()), flush=True)
print(len(burst()), flush=True)
"""


def test_a_process_that_was_stopped_lets_out_once_what_grew_old_meanwhile():
    """R29, in a window of one second: what was reserved before SIGSTOP has left the window, and is still under way."""
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "50\n"
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.2)
        process.send_signal(signal.SIGCONT)
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "20\n"
        assert process.stdout.readline() == "0\n"
        process.wait()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
