"""From an ask to an answer: the plan decides, `exchange` acts, health learns. For server and SDK alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import msgspec

from tollbridge.calls.ask import Ask, KeptBy
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming, exchange
from tollbridge.errors import APIError, APITimeoutError, BadRequestError, ContextWindowExceededError
from tollbridge.routing.board import RequestBoard, Routes
from tollbridge.routing.drive import drive
from tollbridge.routing.groups import Group
from tollbridge.routing.pick import pick
from tollbridge.routing.plan import Answered, Failed, Plan, Policy, plan
from tollbridge.routing.steps import steps
from tollbridge.routing.tags import Tags, nobody, tagged
from tollbridge.transport.base import Transport

V = TypeVar("V")
How = Callable[[Ask, Deployment, Transport], Awaitable[V]]
Allowed = Callable[[Group[Deployment]], bool]
"""Whether a group may be asked."""
Fits = Callable[[Deployment], APIError | None]
"""Why a deployment cannot answer; None where it can."""


_ABOUT_S = 0.05
"""How much earlier than asked for a limit may end."""


class Attempt(msgspec.Struct):
    """One try upstream. `error` is None where it answered, or where it was `abandoned`: the client left, or the gateway
    itself failed, before an outcome. `began`: by the clock of the routes; `seconds` until its outcome, which for a
    stream is its first event, and when it is accounted for its end. `fallback`: the name that it was tried under, where
    that is not the one that was asked for."""

    deployment: Deployment
    error: APIError | None = None
    seconds: float = 0.0
    abandoned: bool = False
    began: float = 0.0
    fallback: str = ""


class Trace(msgspec.Struct):
    """What happened on the way to an answer, in order."""

    attempts: list[Attempt] = []

    @property
    def upstream_s(self) -> float:
        return sum(attempt.seconds for attempt in self.attempts)

    @property
    def fallbacks(self) -> int:
        """How many names other than the one that was asked for."""
        return len({attempt.fallback for attempt in self.attempts if attempt.fallback})

    def let_go(self) -> None:
        """Nobody will be told where the errors were raised any more. An error holds on to the frames that it came
        through, and these to it: without this all of a request would wait for the garbage collector."""
        for attempt in self.attempts:
            error: BaseException | None = attempt.error
            while error is not None:
                error.__traceback__ = None
                error = error.__cause__ or error.__context__


class Engine:
    """`attempted` is told of each try (provider, outcome), for counters. `by_tags`: a request's tags choose, by one of
    them or all."""

    def __init__(
        self,
        routes: Routes,
        transport: Transport,
        policy: Policy,
        *,
        check_context: bool = False,
        by_tags: Literal["any", "all"] | None = None,
        attempted: Callable[[str, str], None] | None = None,
    ) -> None:
        self.routes = routes
        self.transport = transport
        self.policy = policy
        self._check_context = check_context or bool(routes.fallbacks.context_window)
        self._by_tags = by_tags
        self._attempted = attempted
        self._steps = steps()

    def for_tags(self, members: Sequence[Deployment], tags: tuple[str, ...]) -> Sequence[Deployment]:
        """Those that a request may have by its tags. Raises BadRequestError where there are none."""
        if self._by_tags is None:
            return members
        found = tagged(members, tags, self._by_tags == "any")
        if not found:
            raise nobody(tags)
        return found

    def ask(
        self,
        ask: Ask,
        trace: Trace,
        *,
        policy: Policy | None = None,
        fallbacks: Sequence[str] | None = None,
        allowed: Allowed | None = None,
    ) -> Coroutine[Any, Any, Answer | Streaming]:
        """The first good answer. Raises APIError when the plan is at its end; `trace` tells the attempts either way.
        `fallbacks`: the client's own. `allowed`: which groups may be fallen back to."""
        return self.run(ask, trace, exchange, policy=policy, fallbacks=fallbacks, allowed=allowed)

    async def run(
        self,
        ask: Ask,
        trace: Trace,
        how: How[V],
        *,
        policy: Policy | None = None,
        fallbacks: Sequence[str] | None = None,
        allowed: Allowed | None = None,
    ) -> V:
        """`how` carries out one attempt; it raises APIError where the attempt failed."""
        policy = policy or self.policy
        if policy.retries_of_deployment:
            policy = self._retries_of(ask.model, policy)
        fits = await self._fits_at_all(ask) if self._check_context or ask.only is not None else None
        tags = None if self._by_tags is None else Tags(ask.tags, self._by_tags == "any")
        routes = self.routes
        since = routes.now()
        if fits is None and tags is None and not routes.health.troubles:
            ready: Sequence[Deployment] = routes.groups.resolve(ask.model).members
        else:
            ready = RequestBoard(routes, fits, tags=tags).ready(ask.model)
        if self._steps is not None:
            self._steps.asked(ask, ready)
        failed: tuple[Deployment, APIError] | None = None
        if ready:
            deployment = ready[0] if len(ready) == 1 else pick(ready, routes.chance)
            try:
                return await self._attempt(ask, trace, how, deployment)
            except APIError as error:
                failed = deployment, error
        instead = {name: await self._fits_at_all(other) for name, other in ask.instead.items()}
        board = RequestBoard(routes, fits, fallbacks, allowed, instead, tags)
        return await self._carry_on(ask, trace, how, policy, board, since, failed)

    async def _carry_on(
        self,
        ask: Ask,
        trace: Trace,
        how: How[V],
        policy: Policy,
        board: RequestBoard,
        since: float,
        failed: tuple[Deployment, APIError] | None,
    ) -> V:
        """What the plan says after the first attempt failed, or where nobody was ready for one."""
        commands: Plan[Deployment, V] = plan(ask.model, board, policy, failed=failed, since=since)

        async def again(deployment: Deployment, fallback: str) -> Answered[V] | Failed:
            if policy.deadline_s is not None:
                asked = ask.instead.get(fallback, ask)
                asked.left_s = max(0.001, since + policy.deadline_s - board.now())
            try:
                return Answered(await self._attempt(ask, trace, how, deployment, fallback))
            except APIError as error:
                return Failed(error)

        return await drive(commands, again, None if self._steps is None else partial(self._steps.waits, ask))

    async def _attempt(self, ask: Ask, trace: Trace, how: How[V], deployment: Deployment, fallback: str = "") -> V:
        now, health = self.routes.now, self.routes.health
        name = ask.model
        if fallback:
            name, ask = fallback, ask.instead.get(fallback, ask)
        began = now()
        if health.troubles:
            health.started(deployment.id)
        attempt = Attempt(deployment, began=began, fallback=fallback)
        trace.attempts.append(attempt)
        if self._steps is not None:
            self._steps.tries(ask, deployment, len(trace.attempts), fallback)
        try:
            value = await how(ask, deployment, self.transport)
        except APIError as error:
            attempt.error = error
            moment = now()
            attempt.seconds = moment - began
            if self._steps is not None:
                self._steps.failed(ask, len(trace.attempts), attempt.seconds, error)
            if error.unsent:  # no attempt at anybody: a refusal of ours
                trace.attempts.pop()
                health.cancelled(deployment.id)
                raise
            if _ran_out(ask, deployment, error, attempt.seconds):
                health.cancelled(deployment.id)
            else:
                health.failed(deployment.id, error, moment, alone=self.routes.alone(name, error))
            if self._attempted is not None:
                self._attempted(deployment.provider, type(error).__name__)
            raise
        except BaseException:  # the client left, or the fault is ours: nothing was learned about the deployment
            attempt.seconds = now() - began
            attempt.abandoned = True
            health.cancelled(deployment.id)
            raise
        moment = now()
        attempt.seconds = moment - began
        if self._steps is not None:
            self._steps.ended(ask, len(trace.attempts), attempt.seconds, value)
        if health.troubles:
            health.answered(deployment.id, moment)
        if self._attempted is not None:
            self._attempted(deployment.provider, "ok")
        return value

    def _retries_of(self, model: str, policy: Policy) -> Policy:
        """`max_retries` of a group's deployments, where the operator set it there."""
        retries = [d.retries for d in self.routes.groups.resolve(model).members if d.retries is not None]
        return msgspec.structs.replace(policy, retries=max(retries)) if retries else policy

    async def _fits_at_all(self, ask: Ask) -> Fits | None:
        fits: Fits | None = await self._fits(ask) if self._check_context else None
        return fits if ask.only is None else _only(ask.only, fits)

    async def _fits(self, ask: Ask) -> Callable[[Deployment], ContextWindowExceededError | None]:
        """Counts at most once, and in a thread: a long text takes long."""
        windows = [d.max_input_tokens for d in self.routes.groups.resolve(ask.model).members]
        counted: list[int] = []
        # A token is at least one byte: a body that is shorter than the window surely fits.
        if any(window is not None and len(ask.body) > window for window in windows):
            counted.append(await asyncio.to_thread(ask.count))

        def fits(deployment: Deployment) -> ContextWindowExceededError | None:
            limit = deployment.max_input_tokens
            if limit is None or len(ask.body) <= limit:
                return None
            if not counted:  # of a fallback alone, with a smaller window
                counted.append(ask.count())
            if counted[0] <= limit:
                return None
            return ContextWindowExceededError(
                f"The request has about {counted[0]} tokens; {deployment.provider}/{deployment.model} takes {limit}. "
                "Shorten it, or name a larger model under `context_window_fallbacks`.",
                code="context_length_exceeded",
                provider=deployment.provider,
                model=deployment.model,
            )

        return fits


def _ran_out(ask: Ask, deployment: Deployment, error: APIError, seconds: float) -> bool:
    """The time of the request was over, its client's or what earlier attempts left of it, before that of the
    deployment: which says nothing of the deployment, and one client must not take it from the others."""
    if not isinstance(error, APITimeoutError):
        return False
    own = deployment.times(ask).total_s
    given = min((limit for limit in (ask.timeout_s, ask.left_s) if limit is not None), default=None)
    return given is not None and (own is None or given < own) and seconds >= given - _ABOUT_S


def _only(kept: KeptBy, fits: Fits | None) -> Fits:
    """No other deployment has what the request goes on from."""

    def only(deployment: Deployment) -> APIError | None:
        same = deployment.id == kept.deployment or (kept.account != "" and deployment.account == kept.account)
        if not same:
            return BadRequestError(
                "What this request goes on from is kept by a deployment that does not serve this model (any more). "
                "Send the earlier items again in `input`.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return None if fits is None else fits(deployment)

    return only
