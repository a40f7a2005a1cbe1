"""Screenplays: commands out, outcomes in. No clock, no network, no chance."""

from collections.abc import Mapping, Sequence

import pytest

from tollbridge.errors import (
    APIError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ContextWindowExceededError,
    InternalServerError,
    RateLimitError,
    ServiceUnavailableError,
)
from tollbridge.routing.board import Fallbacks
from tollbridge.routing.plan import Answered, Failed, Policy, Sleep, Try, plan


class Table:
    """A board whose time and chance stand still until a test moves them."""

    def __init__(
        self, groups: Mapping[str, Sequence[str]], fallbacks: Fallbacks | None = None, resting: Sequence[str] = ()
    ) -> None:
        self.groups = groups
        self.table = fallbacks or Fallbacks()
        self.resting = set(resting)
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def chance(self) -> float:
        return 1.0

    def members(self, group: str) -> Sequence[str]:
        return self.groups[group]

    def ready(self, group: str) -> Sequence[str]:
        return [name for name in self.groups[group] if name not in self.resting]

    def pick(self, candidates: Sequence[str]) -> str:
        return candidates[0]

    def fallbacks(self, group: str, error: APIError) -> Sequence[str]:
        return self.table.after(group, error)

    def unavailable(self, group: str) -> APIError:
        return ServiceUnavailableError(f"{group} rests", retry_after_s=3.0)


def test_the_first_good_answer_ends_the_plan():
    run = plan("m", Table({"m": ["a"]}), Policy())
    assert run.send(None) == Try("a")
    with pytest.raises(StopIteration) as stop:
        run.send(Answered("yes"))
    assert stop.value.value == "yes"


def test_retries_are_exactly_as_many_as_configured():
    run = plan("m", Table({"m": ["a"]}), Policy(retries=2, backoff_s=1.0))
    assert run.send(None) == Try("a")
    assert run.send(Failed(InternalServerError("1"))) == Sleep(1.0)
    assert run.send(None) == Try("a")
    assert run.send(Failed(InternalServerError("2"))) == Sleep(2.0)
    assert run.send(None) == Try("a")
    with pytest.raises(InternalServerError, match="3"):
        run.send(Failed(InternalServerError("3")))


def test_another_deployment_is_tried_at_once():
    run = plan("m", Table({"m": ["a", "b"]}), Policy(retries=1))
    assert run.send(None) == Try("a")
    assert run.send(Failed(RateLimitError("slow down", retry_after_s=30.0))) == Try("b")


def test_the_same_deployment_is_never_tried_before_its_retry_after():
    run = plan("m", Table({"m": ["a"]}), Policy(retries=1, backoff_s=0.5))
    run.send(None)
    assert run.send(Failed(RateLimitError("slow down", retry_after_s=7.5))) == Sleep(7.5)


def test_of_several_tried_ones_only_those_are_tried_again_whose_retry_after_is_over():
    run = plan("m", Table({"m": ["a", "b"]}), Policy(retries=3, backoff_s=0.5))
    assert run.send(None) == Try("a")
    assert run.send(Failed(RateLimitError("slow down", retry_after_s=30.0))) == Try("b")
    assert run.send(Failed(InternalServerError("b"))) == Sleep(1.0)
    assert run.send(None) == Try("b")


def test_a_retry_after_beyond_the_patience_is_not_waited_for():
    run = plan("m", Table({"m": ["a"]}), Policy(retries=3, wait_max_s=10.0))
    run.send(None)
    with pytest.raises(RateLimitError):
        run.send(Failed(RateLimitError("slow down", retry_after_s=11.0)))


def test_the_clients_own_error_is_not_retried():
    run = plan("m", Table({"m": ["a", "b"]}), Policy(retries=3))
    run.send(None)
    with pytest.raises(BadRequestError):
        run.send(Failed(BadRequestError("no such field")))


def test_a_refused_credential_is_tried_elsewhere_but_not_again_on_itself():
    run = plan("m", Table({"m": ["a", "b"]}), Policy(retries=3))
    run.send(None)
    assert run.send(Failed(AuthenticationError("a"))) == Try("b")
    with pytest.raises(AuthenticationError, match="b"):
        run.send(Failed(AuthenticationError("b")))


def test_fallbacks_come_after_the_retries_and_the_first_groups_error_is_raised():
    board = Table({"m": ["a"], "n": ["b"]}, Fallbacks(general={"m": ["n"]}))
    run = plan("m", board, Policy(retries=0))
    assert run.send(None) == Try("a")
    assert run.send(Failed(InternalServerError("of a"))) == Try("b", "n")
    with pytest.raises(InternalServerError, match="of a"):
        run.send(Failed(InternalServerError("of b")))


def test_a_full_context_window_goes_to_its_own_fallbacks():
    table = Fallbacks(general={"m": ["n"]}, context_window={"m": ["large"]})
    run = plan("m", Table({"m": ["a"], "n": ["b"], "large": ["c"]}, table), Policy(retries=2))
    run.send(None)
    assert run.send(Failed(ContextWindowExceededError("too long"))) == Try("c", "large")


def test_default_fallbacks_stand_in_where_a_group_has_none():
    run = plan("m", Table({"m": ["a"], "n": ["b"]}, Fallbacks(default=["n"])), Policy(retries=0))
    run.send(None)
    assert run.send(Failed(InternalServerError("x"))) == Try("b", "n")


def test_fallbacks_that_point_at_each_other_end():
    table = Fallbacks(general={"m": ["n"], "n": ["m"]})
    run = plan("m", Table({"m": ["a"], "n": ["b"]}, table), Policy(retries=0))
    run.send(None)
    run.send(Failed(InternalServerError("x")))
    with pytest.raises(InternalServerError):
        run.send(Failed(InternalServerError("y")))


def test_a_group_that_rests_goes_to_its_fallback_without_a_try():
    board = Table({"m": ["a"], "n": ["b"]}, Fallbacks(general={"m": ["n"]}), resting=["a"])
    assert plan("m", board, Policy()).send(None) == Try("b", "n")


def test_all_at_rest_fails_fast_with_the_time_to_wait():
    run = plan("m", Table({"m": ["a"]}, resting=["a"]), Policy())
    with pytest.raises(ServiceUnavailableError) as failure:
        run.send(None)
    assert failure.value.retry_after_s == 3.0


def test_where_all_are_rate_limited_the_smallest_retry_after_is_told():
    run = plan("m", Table({"m": ["a", "b", "c"]}), Policy(retries=2))
    run.send(None)
    run.send(Failed(RateLimitError("a", retry_after_s=20.0)))
    run.send(Failed(RateLimitError("b", retry_after_s=5.0)))
    with pytest.raises(RateLimitError) as failure:
        run.send(Failed(RateLimitError("c", retry_after_s=60.0)))
    assert failure.value.retry_after_s == 5.0


def test_nothing_is_slept_past_the_deadline():
    run = plan("m", Table({"m": ["a"]}), Policy(retries=5, backoff_s=4.0, deadline_s=3.0))
    run.send(None)
    with pytest.raises(APITimeoutError):
        run.send(Failed(APITimeoutError("late")))


def test_nothing_is_tried_past_the_deadline():
    board = Table({"m": ["a", "b"], "n": ["c"]}, Fallbacks(general={"m": ["n"]}))
    run = plan("m", board, Policy(retries=5, deadline_s=3.0))
    run.send(None)
    board.time = 3.0
    with pytest.raises(InternalServerError):
        run.send(Failed(InternalServerError("slow")))


def test_retries_by_error_hold_over_the_general_number():
    policy = Policy(retries=0, retries_by_error={"RateLimitErrorRetries": 1, "BadRequestErrorRetries": 1}, backoff_s=0)
    for error in (RateLimitError("x"), BadRequestError("y")):
        run = plan("m", Table({"m": ["a"]}), policy)
        run.send(None)
        assert isinstance(run.send(Failed(error)), Sleep)
    run = plan("m", Table({"m": ["a"]}), policy)
    run.send(None)
    with pytest.raises(InternalServerError):
        run.send(Failed(InternalServerError("z")))


def test_attempts_in_all_are_bounded_whatever_groups_they_are_made_in():
    board = Table({"m": ["a"], "n": ["b"]}, Fallbacks(general={"m": ["n"]}))
    run = plan("m", board, Policy(retries=1, retries_in_all=2, backoff_s=1.0))
    assert run.send(None) == Try("a")
    assert run.send(Failed(InternalServerError("1"))) == Sleep(1.0)
    assert run.send(None) == Try("a")
    assert run.send(Failed(InternalServerError("2"))) == Try("b", "n")
    with pytest.raises(InternalServerError, match="2"):
        run.send(Failed(InternalServerError("3")))
    alone = plan("m", board, Policy(retries=5, retries_in_all=0))
    assert alone.send(None) == Try("a")
    with pytest.raises(InternalServerError):
        alone.send(Failed(InternalServerError("1")))
