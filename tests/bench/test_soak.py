"""The soak of the server: what it takes for honest, its slope, and a short run of it; what the soak of limits takes for
wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.soak.faults import FAULTS, PATHS, judge
from bench.soak.limits import LIMITS, Admitted, Crowd, fullest
from bench.soak.outcome import Bounds, Clock, Sample, slope
from bench.soak.server import soak

CHAT, MESSAGES = PATHS
TEXT = b"the quick brown fox"
ERROR = b'{"error":{"message":"no"}}'
WORD = b'data: {"text":"the quick "}\n\ndata: {"content":"brown fox"}\n\n'
DONE = {CHAT: b"data: [DONE]\n\n", MESSAGES: b'event: message_stop\ndata: {"type":"message_stop"}\n\n'}


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_is_whole_or_says_that_it_is_not(path: str) -> None:
    failed = b"event: error\ndata: " + ERROR + b"\n\n"
    assert judge(path, 200, WORD + DONE[path], stream=True, text=TEXT) == "whole"
    assert judge(path, 200, WORD + failed, stream=True, text=TEXT) == "broken"
    assert judge(path, 502, ERROR, stream=True, text=TEXT) == "refused"
    assert judge(path, 200, b'{"text":"the quick brown fox"}', stream=False, text=TEXT) == "whole"
    wrong = [
        (200, WORD),
        (200, WORD[:30] + DONE[path]),
        (200, WORD + WORD + DONE[path]),
        (200, b""),
        (200, WORD + DONE[path] + failed),
        (200, failed + DONE[path]),
        (502, b"<html>"),
    ]
    for status, body in wrong:
        assert judge(path, status, body, stream=True, text=TEXT) == "wrong", body
    for status, body in ((200, b'{"text":"the quick brow'), (200, b"{}"), (500, b"{}"), (500, b"")):
        assert judge(path, status, body, stream=False, text=TEXT) == "wrong", body


def test_a_leak_is_seen_as_a_slope_and_what_settles_is_not() -> None:
    def samples(*rss: float) -> list[Sample]:
        return [Sample(float(at), at * 10_000, mb, 9) for at, mb in enumerate(rss)]

    assert slope(samples(40, 41, 42, 43, 44, 45)) == pytest.approx(10)
    assert slope(samples(40, 48, 50, 50, 50, 50)) == pytest.approx(0)
    assert slope(samples(40, 41, 42)) is None
    assert slope([Sample(0, 0, 40, 9)] * 9) is None


def test_it_ends_at_whichever_bound_comes_first() -> None:
    few = Clock(Bounds(seconds=60, requests=3))
    assert [few.another() for _ in range(5)] == [True, True, True, False, False]
    assert few.asked == 3
    assert not Clock(Bounds(seconds=0, requests=3)).another()


def test_the_fullest_minute_is_found_wherever_it_begins_and_counts_what_was_in_it_for_certain() -> None:
    burst = [Admitted(59.5, 59.75, 1)] * 100
    later = [Admitted(119.25, 119.375, 1)] * 50 + [Admitted(119.25, 119.75, 1)] * 50
    assert fullest([*later, *burst]) == 150
    assert fullest([Admitted(0, 61, 5), Admitted(1, 2, 3)]) == 3
    assert fullest([]) == 0


def test_a_limit_that_lets_in_too_many_or_too_few_is_wrong() -> None:
    def judged(moments: list[float]) -> list[str]:
        crowd = Crowd("rpm_limit")
        crowd.admitted = [Admitted(moment, moment, 1) for moment in moments]
        return crowd.judge(2)

    limit = LIMITS["rpm_limit"]
    assert judged([0.0] * limit + [60.5] * limit) == []
    assert judged([50.0] * limit + [60.5] * limit) == [f"rpm_limit: {2 * limit} in a minute, of {limit}"]
    assert judged([0.0] * limit) == [f"rpm_limit: {limit} in 2 minutes, of {limit} in each"]


def test_a_short_soak_meets_every_fault_and_finds_nothing_wrong(tmp_path: Path) -> None:
    outcome = soak(Bounds(seconds=30, requests=600), tmp_path)
    assert outcome.problems == []
    figures = dict(outcome.figures)
    assert figures["requests"].startswith("600 in ")
    assert figures["wrong answers"] == "0"
    assert all(word in figures["answers"] for word in ("whole", "broken", "refused", "left"))
    assert min(fault.weight for fault in FAULTS) >= 1
