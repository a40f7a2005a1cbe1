"""The plan of one request: a generator of commands, sent the outcome of each. No clock, no network, no chance here.

    Try(deployment)   ->  Answered(value) | Failed(error)
    Sleep(seconds)    ->  None

Rules
1. `retries` more attempts in the group asked for, on a deployment not yet tried where one is ready, at once; on one
   already tried after the backoff, and never earlier than its Retry-After.
2. An error that lies with the deployment (401, 402, 403, 404) is tried on others of the group, not again on itself.
   An error that lies with the request (400, 413, 422) is not tried again in the group.
3. Then the fallback groups, each with retries of its own; which ones depends on the error (`Board.fallbacks`).
4. Nothing is tried or slept past the deadline, nor tried more often in all than `retries_in_all` says.
5. At the end the error of the group that the client asked for is raised: where all attempts met 429, the one with the
   smallest Retry-After.
6. A stream that delivered its first event is `Answered`: what breaks later is not retried.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from tollbridge.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ContentPolicyViolationError,
    InternalServerError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    TimedOut,
)

D = TypeVar("D")
V = TypeVar("V")

LIES_WITH_DEPLOYMENT = (AuthenticationError, PaymentRequiredError, PermissionDeniedError, NotFoundError)


class Try(msgspec.Struct, Generic[D], frozen=True):
    """`fallback`: the name that it stands behind; "" is the one that was asked for."""

    deployment: D
    fallback: str = ""


class Sleep(msgspec.Struct, frozen=True):
    seconds: float


class Answered(msgspec.Struct, Generic[V], frozen=True):
    value: V


class Failed(msgspec.Struct, frozen=True):
    error: APIError


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """`retries`: more attempts after the first; `retries_in_all`: at most, with those at fallbacks. `retries_by_error`:
    the same for named errors (`retry_policy`).
    `backoff_s` doubles from one sleep to the next up to `backoff_max_s`, times a random factor in [0.5, 1].
    A Retry-After beyond `wait_max_s` is not waited for. `deadline_s`: seconds for everything together.
    `retries_of_deployment`: a deployment's own `max_retries` holds over `retries`."""

    retries: int = 2
    retries_in_all: int | None = None
    retries_by_error: Mapping[str, int] = {}
    backoff_s: float = 0.5
    backoff_max_s: float = 8.0
    wait_min_s: float = 0.0
    wait_max_s: float = 60.0
    deadline_s: float | None = None
    fallback_depth: int = 5
    retries_of_deployment: bool = False

    def retries_for(self, error: APIError) -> int:
        if not self.retries_by_error:
            return self.retries
        for key, kind in RETRY_POLICY_KEYS.items():
            if isinstance(error, kind) and key in self.retries_by_error:
                return self.retries_by_error[key]
        return self.retries


RETRY_POLICY_KEYS: Mapping[str, type[APIError]] = {
    "ContentPolicyViolationErrorRetries": ContentPolicyViolationError,
    "AuthenticationErrorRetries": AuthenticationError,
    "BadRequestErrorRetries": BadRequestError,
    "TimeoutErrorRetries": TimedOut,
    "RateLimitErrorRetries": RateLimitError,
    "InternalServerErrorRetries": InternalServerError,
}


class Board(Protocol[D]):
    """What a plan may ask. Everything that changes (time, health, chance) is behind it."""

    def now(self) -> float: ...
    def chance(self) -> float: ...
    def members(self, group: str) -> Sequence[D]: ...
    def ready(self, group: str) -> Sequence[D]: ...
    def pick(self, candidates: Sequence[D]) -> D: ...
    def fallbacks(self, group: str, error: APIError) -> Sequence[str]: ...
    def unavailable(self, group: str) -> APIError: ...


Plan = Generator[Try[D] | Sleep, Answered[V] | Failed | None, V]


def plan(
    group: str,
    board: Board[D],
    policy: Policy,
    *,
    failed: tuple[D, APIError] | None = None,
    since: float | None = None,
) -> Plan[D, V]:
    """Try `group`, then its fallbacks. Returns what the first good answer carried; raises APIError.

    `failed`: a first attempt that was made already, begun at `since`: who is ready needs no plan as long as all goes
    well, and a generator with its driver costs as much as everything else that routing does."""
    began = board.now() if since is None else since
    deadline = None if policy.deadline_s is None else began + policy.deadline_s
    asked_for: APIError | None = None
    visited = {group}
    waiting = [group]
    tries: list[D] = []
    while waiting:
        current = waiting.pop(0)
        fallback = "" if asked_for is None else current
        outcome: Answered[V] | APIError = yield from _group(current, board, policy, deadline, failed, fallback, tries)
        failed = None
        if isinstance(outcome, Answered):
            return outcome.value
        if asked_for is None:
            asked_for = outcome
        if _past(deadline, board.now()) or _spent(policy, tries):
            break
        for name in board.fallbacks(current, outcome):
            if name not in visited and len(visited) <= policy.fallback_depth:
                visited.add(name)
                waiting.append(name)
    if asked_for is None:
        raise board.unavailable(group)
    raise asked_for


def _group(
    group: str,
    board: Board[D],
    policy: Policy,
    deadline: float | None,
    failed: tuple[D, APIError] | None,
    fallback: str,
    tries: list[D],
) -> Generator[Try[D] | Sleep, Answered[V] | Failed | None, Answered[V] | APIError]:
    failures: list[tuple[D, APIError]] = []
    given_up: list[D] = []
    while True:
        if failed is None:
            chosen = yield from _choose(group, board, policy, deadline, failures, given_up)
            if isinstance(chosen, APIError):
                return chosen
            reply = yield Try(chosen, fallback)
            if isinstance(reply, Answered):
                return reply
            if not isinstance(reply, Failed):
                raise TypeError(f"a Try is answered by Answered or Failed, not by {reply!r}")
            failed = chosen, reply.error
        failures.append(failed)
        deployment, error = failed
        tries.append(deployment)
        failed = None
        if isinstance(error, LIES_WITH_DEPLOYMENT):
            given_up.append(deployment)
        elif not error.retryable and not _named(error, policy):
            return _worst(failures)
        if len(failures) > policy.retries_for(error) or _past(deadline, board.now()) or _spent(policy, tries):
            return _worst(failures)


def _choose(
    group: str,
    board: Board[D],
    policy: Policy,
    deadline: float | None,
    failures: Sequence[tuple[D, APIError]],
    given_up: Sequence[D],
) -> Generator[Sleep, Answered[V] | Failed | None, D | APIError]:
    """Whom to try next: one that was not tried, else, after a sleep, one that was; an error where there is nobody."""
    fresh = [d for d in board.ready(group) if all(d is not tried for tried, _ in failures)]
    if fresh:
        return board.pick(fresh)
    if not failures:
        return board.unavailable(group)
    latest = {id(d): (d, e.retry_after_s or 0.0) for d, e in failures if d not in given_up}.values()
    if not latest:
        return _worst(failures)
    wait = backoff_s(min(after for _, after in latest), len(failures), policy, board.chance())
    if wait > policy.wait_max_s or _past(deadline, board.now() + wait):
        return _worst(failures)
    yield Sleep(wait)
    return board.pick([d for d, after in latest if after <= wait])


def _named(error: APIError, policy: Policy) -> bool:
    """The operator asked for retries of just this error."""
    return any(isinstance(error, RETRY_POLICY_KEYS[key]) for key in policy.retries_by_error if key in RETRY_POLICY_KEYS)


def backoff_s(retry_after_s: float, failures: int, policy: Policy, chance: float) -> float:
    """How long to wait after so many failures. `chance`: in [0, 1)."""
    backoff = min(policy.backoff_max_s, policy.backoff_s * 2.0 ** (failures - 1)) * (0.5 + chance / 2)
    return max(backoff, policy.wait_min_s, retry_after_s)


def _worst(failures: Sequence[tuple[D, APIError]]) -> APIError:
    errors = [error for _, error in failures]
    if all(isinstance(error, RateLimitError) for error in errors):
        return min(errors, key=lambda error: float("inf") if error.retry_after_s is None else error.retry_after_s)
    return errors[-1]


def _spent(policy: Policy, tries: Sequence[object]) -> bool:
    return policy.retries_in_all is not None and len(tries) > policy.retries_in_all


def _past(deadline: float | None, moment: float) -> bool:
    return deadline is not None and moment >= deadline
