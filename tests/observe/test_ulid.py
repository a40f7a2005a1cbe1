import re

from tollbridge.observe.ulid import Ulids, at, first_at

START_NS = 1_764_000_000_123_000_000


class Clock:
    def __init__(self) -> None:
        self.now = START_NS

    def __call__(self) -> int:
        return self.now


def test_ids_are_ulids_in_the_order_of_time():
    clock = Clock()
    ulids = Ulids(clock)
    ids = []
    for _ in range(500):
        ids += [ulids.next(), ulids.next()]
        clock.now += 7_000_000
    assert all(re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", id) for id in ids)
    assert ids == sorted(set(ids))
    assert at(ids[0]) == START_NS // 1_000_000 / 1000


def test_ids_go_on_in_order_when_the_clock_steps_back():
    clock = Clock()
    ulids = Ulids(clock)
    before = ulids.next()
    clock.now -= 600_000_000_000
    during = [ulids.next() for _ in range(3000)]
    clock.now += 601_000_000_000
    after = ulids.next()
    assert [before, *during, after] == sorted({before, *during, after})
    assert at(during[-1]) == at(before)


def test_a_millisecond_with_more_than_a_million_ids_borrows_from_the_next():
    ulids = Ulids(Clock())
    first = ulids.next()
    for _ in range((1 << 20) - 1):
        last = ulids.next()
    beyond = ulids.next()
    assert first < last < beyond
    assert at(last) == at(first)
    assert round((at(beyond) - at(first)) * 1000) == 1


def test_two_makers_differ_within_one_millisecond():
    clock = Clock()
    one, other = Ulids(clock), Ulids(clock)
    assert not {one.next() for _ in range(100)} & {other.next() for _ in range(100)}


def test_a_span_of_time_is_a_span_of_ids():
    clock = Clock()
    ulids = Ulids(clock)
    moment = START_NS / 1e9
    id = ulids.next()
    assert first_at(moment) <= id < first_at(moment + 0.001)
    assert first_at(-5.0) == "0" * 26
    assert first_at(1e18) > id
