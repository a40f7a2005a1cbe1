"""What one request's plan asks: who is ready, who comes next, what time it is."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from tollbridge.errors import (
    APIError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    RateLimitError,
    ServiceUnavailableError,
)
from tollbridge.routing.groups import Group, Groups, none_enabled
from tollbridge.routing.health import Health
from tollbridge.routing.pick import pick
from tollbridge.routing.tags import Tags, nobody, tagged

if TYPE_CHECKING:
    from tollbridge.calls.deployment import Deployment


class Fallbacks(msgspec.Struct, frozen=True, kw_only=True):
    """Group -> the groups to try next. `default` stands in where a group has none of its own; so does the key "*"."""

    general: Mapping[str, Sequence[str]] = {}
    context_window: Mapping[str, Sequence[str]] = {}
    content_policy: Mapping[str, Sequence[str]] = {}
    default: Sequence[str] = ()

    def after(self, group: str, error: APIError) -> Sequence[str]:
        special: Mapping[str, Sequence[str]] = {}
        if isinstance(error, ContextWindowExceededError):
            special = self.context_window
        elif isinstance(error, ContentPolicyViolationError):
            special = self.content_policy
        for table in (special, self.general):
            found = table.get(group) or table.get("*")
            if found:
                return found
        return self.default


class Routes:
    """The routing state of one process: groups, fallbacks, health. `Board`s for single requests are made from it.
    `falls_back`: some group does."""

    def __init__(
        self,
        groups: Groups[Deployment],
        fallbacks: Fallbacks,
        health: Health,
        *,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.groups = groups
        self.fallbacks = fallbacks
        self.falls_back = any(
            (fallbacks.general, fallbacks.context_window, fallbacks.content_policy, fallbacks.default)
        )
        self.health = health
        self.now = now
        self.chance = chance

    def alone(self, name: str, error: APIError) -> bool:
        """Nobody else would answer in its place: it is the only deployment of its group, and the operator named no
        fallback."""
        group = self.groups.resolve(name)
        if len(group.members) > 1 or (group.within and len(self.groups.resolve(group.within).members) > 1):
            return False
        others = [other for other in self.fallbacks.after(group.right, error) if other not in (name, group.right)]
        return not any(self.groups.knows(other) for other in others)


class RequestBoard:
    """`plan.Board` for one request. `fits` says why a deployment cannot answer it, `allowed` whether a
    group may be fallen back to; `instead` is `fits` of fallbacks that are asked something else. `tags`: which of a
    group's deployments it may have."""

    __slots__ = ("_allowed", "_fallbacks", "_fits", "_instead", "_routes", "_tags", "chance", "now")

    def __init__(
        self,
        routes: Routes,
        fits: Callable[[Deployment], APIError | None] | None = None,
        fallbacks: Sequence[str] | None = None,
        allowed: Callable[[Group[Deployment]], bool] | None = None,
        instead: Mapping[str, Callable[[Deployment], APIError | None] | None] | None = None,
        tags: Tags | None = None,
    ) -> None:
        self._instead = instead or {}
        self._tags = tags
        self._allowed = allowed
        self._routes = routes
        self._fits = fits
        self._fallbacks = fallbacks
        self.now = routes.now
        self.chance = routes.chance

    def members(self, group: str) -> Sequence[Deployment]:
        members: Sequence[Deployment] = self._routes.groups.resolve(group).members
        return members if self._tags is None else tagged(members, self._tags.said, self._tags.match_any)

    def ready(self, group: str) -> Sequence[Deployment]:
        members = self.members(group)
        fits = self._instead.get(group, self._fits)
        if fits is not None:
            members = [deployment for deployment in members if fits(deployment) is None]
        health = self._routes.health
        if health.all_well():
            return members
        now = self.now()
        return [deployment for deployment in members if health.ready(deployment.id, now)]

    def pick(self, candidates: Sequence[Deployment]) -> Deployment:
        return candidates[0] if len(candidates) == 1 else pick(candidates, self.chance)

    def fallbacks(self, group: str, error: APIError) -> Sequence[str]:
        if self._fallbacks is not None:
            return self._known(self._fallbacks)
        return self._known(self._routes.fallbacks.after(group, error))

    def _known(self, names: Sequence[str]) -> Sequence[str]:
        groups, allowed = self._routes.groups, self._allowed
        return [name for name in names if groups.knows(name) and (allowed is None or allowed(groups.resolve(name)))]

    def unavailable(self, group: str) -> APIError:
        members = self.members(group)
        if not members and self._tags is not None and self._routes.groups.resolve(group).members:
            return nobody(self._tags.said)
        if not members:
            return none_enabled(group)
        fits = self._instead.get(group, self._fits)
        if fits is not None:
            refusals = [fits(deployment) for deployment in members]
            if all(refusals) and refusals[0] is not None:
                return refusals[0]
        now = self.now()
        health = self._routes.health
        waits = [health.rests_for(deployment.id, now) for deployment in members]
        errors = [health.last_error(deployment.id) for deployment in members]
        wait = max(1.0, min(waits))
        last = next((error for error in errors if error is not None), None)
        # Its words are those of another client's request: only what kind of error it was is told.
        told = f" The last error: {type(last).__name__} ({last.status_code})." if last is not None else ""
        message = f"All {len(members)} deployments of {group!r} rest after failures; retry after {wait:.1f} s.{told}"
        if len(members) == 1:
            message = f"The deployment of {group!r} rests after failures; retry after {wait:.1f} s.{told}"
        if errors and all(isinstance(error, RateLimitError) for error in errors):
            return RateLimitError(message, retry_after_s=wait, code="deployments_rate_limited")
        return ServiceUnavailableError(message, retry_after_s=wait, code="no_healthy_deployment")
