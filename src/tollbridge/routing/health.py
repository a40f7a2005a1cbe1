"""Which deployments rest. One state per deployment that failed lately; a healthy one has none, so that the hot path
asks an empty dict.

    well  --(too many failures in a minute, or one that says "not now")-->  resting until T
    resting  --(T has come)-->  on trial: one request at a time     --answered-->  well
                                                                    --failed-->    resting, twice as long (60 s at most)

A request that was under way before the rest began is no trial, whatever becomes of it.

429 rests until its Retry-After (else `cooldown_s`), 401/402/403/404 and 408 at once for `cooldown_s`: it will not do
better in the next second. Other failures make it rest when, within a minute, they are more than `allowed_fails` and not
fewer than the answers (counted anew each minute). The client's own errors never count.

One that is *alone*, for which nobody else would answer, rests where asking is in vain or costs time: until a
Retry-After, after 401 and its like, and where nobody answers. Any other 429 or 5xx of it is passed on, and it is asked
again by the next request: a rest would turn one error into errors for all (docs/decisions/0021).
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from tollbridge.errors import APIError, InternalServerError, RateLimitError, RequestTimeoutError
from tollbridge.routing.plan import LIES_WITH_DEPLOYMENT

WINDOW_S = 60.0
REST_MAX_S = 60.0
STATES_MAX = 10_000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """`cooldown_s`: the first rest. `allowed_fails`: failures within a minute that are still forgiven."""

    cooldown_s: float = 5.0
    allowed_fails: int = 3
    enabled: bool = True


class State(msgspec.Struct):
    failures: list[float]
    resting_until: float = 0.0
    rest_s: float = 0.0
    on_trial: bool = False
    under_way: bool = False
    answers: int = 0
    counted_since: float = 0.0
    last_error: APIError | None = None

    def count_anew(self, now: float) -> None:
        """Answers are counted per minute, as failures are."""
        if now - self.counted_since > WINDOW_S:
            self.answers, self.counted_since = 0, now


class Health:
    """Kept by deployment id. Times are seconds of one monotonic clock, given by the caller. `troubles`: the ids of
    those that failed lately; who sees none there need not tell of one that was started or answered."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._states: OrderedDict[str, State] = OrderedDict()
        self.troubles = self._states.keys()

    def all_well(self) -> bool:
        return not self._states

    def ready(self, id: str, now: float) -> bool:
        state = self._states.get(id)
        if state is None or not state.on_trial:
            return True
        return now >= state.resting_until and not state.under_way

    def rests_for(self, id: str, now: float) -> float:
        """Seconds until it may be tried again; 0 where it may be now."""
        state = self._states.get(id)
        return 0.0 if state is None or not state.on_trial else max(0.0, state.resting_until - now)

    def last_error(self, id: str) -> APIError | None:
        state = self._states.get(id)
        return None if state is None else state.last_error

    def started(self, id: str) -> None:
        state = self._states.get(id)
        if state is not None and state.on_trial:
            state.under_way = True

    def answered(self, id: str, now: float) -> None:
        state = self._states.get(id)
        if state is None:
            return
        if state.under_way or (not state.on_trial and now - state.failures[-1] > WINDOW_S):
            del self._states[id]
            return
        state.count_anew(now)
        state.answers += 1

    def cancelled(self, id: str) -> None:
        """The client left before an outcome: a trial is open again."""
        state = self._states.get(id)
        if state is not None:
            state.under_way = False

    def failed(self, id: str, error: APIError, now: float, *, alone: bool = False) -> bool:
        """Count a failure. True where the deployment goes to rest by this."""
        if not self._rules.enabled or (error.fault == "client" and not _says_not_now(error)):
            self.cancelled(id)
            return False
        if alone and _answered_for_now(error):
            self.answered(id, now)
            return False
        state = self._states.get(id)
        if state is None:
            state = self._states[id] = State(failures=[], counted_since=now)
            if len(self._states) > STATES_MAX:
                self._states.popitem(last=False)
        trial, state.under_way = state.under_way, False
        state.last_error = error
        state.count_anew(now)
        state.failures = [moment for moment in state.failures if now - moment < WINDOW_S]
        state.failures.append(now)
        too_many = len(state.failures) > self._rules.allowed_fails and len(state.failures) >= state.answers
        if not (state.on_trial or _says_not_now(error) or too_many):
            return False
        if trial:
            state.rest_s = min(REST_MAX_S, state.rest_s * 2)
        elif not state.on_trial:
            state.rest_s = self._rules.cooldown_s
        elif not _says_not_now(error):
            return False
        state.resting_until = max(state.resting_until, now + max(state.rest_s, error.retry_after_s or 0.0))
        state.on_trial = True
        return True

    def resting(self, now: float) -> dict[str, float]:
        """Ids that rest, with the seconds they still will."""
        return {id: state.resting_until - now for id, state in self._states.items() if state.resting_until > now}


def _answered_for_now(error: APIError) -> bool:
    """Somebody answered, and said nothing of when to ask again."""
    return isinstance(error, RateLimitError | InternalServerError) and not error.retry_after_s


def _says_not_now(error: APIError) -> bool:
    return isinstance(error, (RateLimitError, RequestTimeoutError, *LIES_WITH_DEPLOYMENT))
