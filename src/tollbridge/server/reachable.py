"""Which groups of deployments a request may reach: those that its key may ask for, and where the operator serves no
model without a price, those that have one."""

from __future__ import annotations

from functools import partial

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.errors import PermissionDeniedError
from tollbridge.policy.access import Access
from tollbridge.policy.principal import Principal
from tollbridge.routing.engine import Allowed
from tollbridge.routing.groups import Group
from tollbridge.server.answers import printable
from tollbridge.server.gateway import Gateway
from tollbridge.server.other_models import named


def reachable(gateway: Gateway, principal: Principal | None, ask: Ask) -> Allowed | None:
    """None: all. Raises PermissionDeniedError where the group that is asked for is none of them for want of a price;
    whether the key may ask for it was looked at when the request was read."""
    allowed = None
    if gateway.rules.block_unpriced:
        allowed = priced
        group = gateway.engine.routes.groups.resolve(ask.model)
        check_price(group)
        for other in named(ask.fields):
            if not all(deployment.tariff.covers_of(other.model) for deployment in group.members):
                raise unpriced(other.model)
    if principal is not None and principal.key is not None:
        return partial(may_ask, principal.access, allowed)
    return allowed


def may_ask(access: Access, also: Allowed | None, group: Group[Deployment]) -> bool:
    """Whether a key may fall back to this group."""
    return access.reaches(group) and (also is None or also(group))


def priced(group: Group[Deployment]) -> bool:
    """Whether what a request to any of its deployments costs will be known."""
    return all(deployment.tariff.covers for deployment in group.members)


def check_price(group: Group[Deployment]) -> None:
    """Raises PermissionDeniedError where nobody knows what a request would cost."""
    if not priced(group):
        raise unpriced(group.name)


def unpriced(name: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"The price of {printable(name).decode()!r} is not known, and this gateway serves no model without one. Its "
        "operator can set `input_cost_per_token` and `output_cost_per_token`.",
        code="model_without_pricing",
        param="model",
    )
