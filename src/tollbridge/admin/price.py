"""`/spend/calculate`: what a request would cost, or what an answer did, at this gateway's prices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from tollbridge.admin.parameters import kind
from tollbridge.calls.deployment import Deployment
from tollbridge.catalog.tokens import count_request
from tollbridge.errors import APIError, BadRequestError, NotFoundError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.policy.principal import Principal
from tollbridge.routing.groups import Groups
from tollbridge.wires.base import Wire
from tollbridge.wires.dialects import DIALECTS
from tollbridge.wires.tap import Along

_encode = msgspec.json.Encoder().encode


class Pricer:
    """`groups`: those of the configuration that is in force when it is called. `dialects`: the wires by name."""

    def __init__(self, groups: Callable[[], Groups[Deployment]], dialects: Mapping[str, Wire]) -> None:
        self._groups = groups
        self._dialects = dialects

    async def price(self, body: JsonObject, principal: Principal) -> int:
        """Nano-dollars: of `completion_response` by its usage, else of the prompt in `messages`. Raises BadRequestError
        where there is no price, NotFoundError where there is no such model."""
        answer = body.get("completion_response")
        if answer is None:
            deployment = self._deployment(_name(body.get("model"), "model"), principal)
            along = Along(usage=Usage(input=await self._count(body, deployment)))
        else:
            if not isinstance(answer, dict):
                raise _wrong(f"must be an object, an answer as it came, and is {kind(answer)}", "completion_response")
            deployment = self._deployment(_name(body.get("model") or answer.get("model"), "model"), principal)
            along = self._told(answer)
        cost = None if along.usage is None else deployment.tariff.cost(along.usage, along.service_tier)
        if cost is None:
            raise BadRequestError(
                f"There is no price for {deployment.model} at {deployment.provider}, or for a part of what was used. "
                "Give one in the configuration (input_cost_per_token ...).",
                code="unknown_price",
                param="model",
            )
        return cost

    def _deployment(self, name: str, principal: Principal) -> Deployment:
        """The first of a group; else one that asks the provider for a model of this name, as an answer tells it."""
        groups, access = self._groups(), principal.access
        name = access.named(name)
        try:
            group = groups.resolve(name)
        except NotFoundError:
            named = (one for one in groups.members() if one.model == name and access.allows(one.group, one.group))
            deployment = next(named, None)
            if deployment is not None:
                return deployment
            if access.every:
                raise
            raise _none_for(principal) from None  # the other tells of names that are here
        if not access.reaches(group, name) or not group.members:
            raise _none_for(principal)
        return group.members[0]

    def _told(self, answer: JsonObject) -> Along:
        if not answer.get("usage"):
            raise _wrong("has no `usage`, from which its cost is told", "completion_response")
        body = _encode(answer)
        for name in DIALECTS:
            dialect = self._dialects[name]
            try:
                along = dialect.read_along(body)
            except APIError:
                continue  # an answer of another format
            if along.usage is not None:
                return along
        raise _wrong(
            "is no whole answer of a format spoken here: send it as it came (with `choices`, or `content`)",
            "completion_response",
        )

    async def _count(self, body: JsonObject, deployment: Deployment) -> int:
        asked = {"model": deployment.model, "messages": body.get("messages")}
        if asked["messages"] is None:
            raise _wrong("is missing: name it, or a `completion_response`", "messages")
        if asked["messages"] == []:
            raise _wrong("is empty: there is nothing to count", "messages")
        request = self._dialects["openai_chat"].read_request(asked).value
        return await asyncio.to_thread(count_request, request, deployment.model)


def _none_for(principal: Principal) -> NotFoundError:
    whom = "" if principal.access.every else " for this key"
    return NotFoundError(f"There is no such model here{whom}.", code="model_not_found", param="model")


def _name(value: Json, param: str) -> str:
    if value is None or value == "":
        raise _wrong("is missing: the name of a model, as a request says it", param)
    if not isinstance(value, str):
        raise _wrong(f"must be a text, and is {kind(value)}", param)
    return value


def _wrong(what: str, param: str) -> BadRequestError:
    return BadRequestError(f"`{param}` {what}.", code="invalid_field", param=param)
