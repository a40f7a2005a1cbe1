"""From an ask to an answer: the plan decides, `exchange` acts, health learns. For server and SDK alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming, exchange
from tollbridge.catalog.tokens import count_request
from tollbridge.errors import APIError, ContextWindowExceededError
from tollbridge.routing.board import RequestBoard, Routes
from tollbridge.routing.drive import drive
from tollbridge.routing.plan import Answered, Failed, Plan, Policy, plan
from tollbridge.transport.base import Transport

V = TypeVar("V")
How = Callable[[Ask, Deployment, Transport], Awaitable[V]]


class Attempt(msgspec.Struct, frozen=True):
    """One try upstream. `error` is None where it answered."""

    deployment: Deployment
    error: APIError | None
    seconds: float


class Trace(msgspec.Struct):
    """What happened on the way to an answer, in order."""

    attempts: list[Attempt] = []

    @property
    def upstream_s(self) -> float:
        return sum(attempt.seconds for attempt in self.attempts)

    @property
    def fallbacks(self) -> int:
        return max(0, len({attempt.deployment.group for attempt in self.attempts}) - 1)


class Engine:
    """`attempted` is told of each try (provider, outcome), for counters."""

    def __init__(
        self,
        routes: Routes,
        transport: Transport,
        policy: Policy,
        *,
        check_context: bool = False,
        attempted: Callable[[str, str], None] | None = None,
    ) -> None:
        self.routes = routes
        self.transport = transport
        self.policy = policy
        self._check_context = check_context or bool(routes.fallbacks.context_window)
        self._attempted = attempted

    def ask(
        self, ask: Ask, trace: Trace, *, policy: Policy | None = None, fallbacks: Sequence[str] | None = None
    ) -> Coroutine[Any, Any, Answer | Streaming]:
        """The first good answer. Raises APIError when the plan is at its end; `trace` tells the attempts either way."""
        return self.run(ask, trace, exchange, policy=policy, fallbacks=fallbacks)

    async def run(
        self,
        ask: Ask,
        trace: Trace,
        how: How[V],
        *,
        policy: Policy | None = None,
        fallbacks: Sequence[str] | None = None,
    ) -> V:
        """`how` carries out one attempt; it raises APIError where the attempt failed."""
        policy = policy or self.policy
        if policy.retries_of_deployment:
            policy = self._retries_of(ask.model, policy)
        board = RequestBoard(self.routes, self._fits(ask) if self._check_context else None, fallbacks)
        since = board.now()
        failed: tuple[Deployment, APIError] | None = None
        ready = board.ready(ask.model)
        if ready:
            deployment = board.pick(ready)
            outcome = await self._attempt(ask, trace, how, deployment)
            if isinstance(outcome, Answered):
                return outcome.value
            failed = deployment, outcome.error
        steps: Plan[Deployment, V] = plan(ask.model, board, policy, failed=failed, since=since)

        async def again(deployment: Deployment) -> Answered[V] | Failed:
            if policy.deadline_s is not None:
                ask.left_s = max(0.001, since + policy.deadline_s - board.now())
            return await self._attempt(ask, trace, how, deployment)

        return await drive(steps, again)

    async def _attempt(self, ask: Ask, trace: Trace, how: How[V], deployment: Deployment) -> Answered[V] | Failed:
        health = self.routes.health
        began = self.routes.now()
        health.started(deployment.id)
        settled = False
        try:
            value = await how(ask, deployment, self.transport)
            settled = True
        except APIError as error:
            settled = True
            now = self.routes.now()
            trace.attempts.append(Attempt(deployment, error, now - began))
            health.failed(deployment.id, error, now)
            if self._attempted is not None:
                self._attempted(deployment.provider, type(error).__name__)
            return Failed(error)
        finally:
            if not settled:  # the client left, or the fault is ours: nothing was learned about the deployment
                health.cancelled(deployment.id)
        now = self.routes.now()
        trace.attempts.append(Attempt(deployment, None, now - began))
        health.answered(deployment.id, now)
        if self._attempted is not None:
            self._attempted(deployment.provider, "ok")
        return Answered(value)

    def _retries_of(self, model: str, policy: Policy) -> Policy:
        """`max_retries` of a group's deployments, where the operator set it there."""
        retries = [d.retries for d in self.routes.groups.resolve(model).members if d.retries is not None]
        return msgspec.structs.replace(policy, retries=max(retries)) if retries else policy

    def _fits(self, ask: Ask) -> Callable[[Deployment], ContextWindowExceededError | None]:
        counted: list[int] = []

        def fits(deployment: Deployment) -> ContextWindowExceededError | None:
            limit = deployment.max_input_tokens
            # A token is at least one byte: a body that is shorter than the window surely fits.
            if limit is None or len(ask.body) <= limit:
                return None
            if not counted:
                counted.append(count_request(ask.request().value))
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
