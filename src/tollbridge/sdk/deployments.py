"""Deployments, and places that keep files, already made: by all that makes one, the call's parameters and the
environment variables that were read.

The environment is read at each call. What was made remembers which variables it asked for and what they held, and is
made anew when one of them holds something else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

import msgspec

from tollbridge.calls.build import Wanted, build, stands_for
from tollbridge.calls.deployment import Deployment
from tollbridge.errors import BadRequestError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import DEMO, ROWS
from tollbridge.sdk.call import provider_name
from tollbridge.sdk.mocks import mock_host
from tollbridge.sdk.order import Order, Place
from tollbridge.transport.base import Origin

KEPT_MAX = 256

Reads = dict[str, str | None]
T = TypeVar("T")


class Watched(Mapping[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.reads: Reads = {}

    def __getitem__(self, name: str) -> str:
        value = self.reads[name] = self._environ.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


class Kept(Generic[T]):
    def __init__(self, environ: Mapping[str, str], made: Callable[[Place, Mapping[str, str]], T]) -> None:
        self._environ = environ
        self._made = made
        self._kept: OrderedDict[Place, tuple[T, Reads]] = OrderedDict()

    def at(self, place: Place) -> T:
        """Raises APIError where the model has no provider, no key, or an address that cannot be used."""
        kept = self._kept.get(place)
        if kept is not None and all(self._environ.get(name) == value for name, value in kept[1].items()):
            self._kept.move_to_end(place)
            return kept[0]
        environ = Watched(self._environ)
        made = self._made(place, environ)
        self._kept[place] = made, environ.reads
        self._kept.move_to_end(place)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return made


class Deployments(Kept[Deployment]):
    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ, _made)


def mock_deployment(order: Order) -> Deployment:
    """One that answers in this process, under the name of the provider that it stands for. Needs no key."""
    place = order.place
    provider = provider_name(place.model, place.provider, place.api_base)
    model = place.model.partition("/")[2] or place.model
    wanted = Wanted(
        id="mock",
        group=order.name,
        model=f"{DEMO.name}/{model}",
        timeouts=place.timeouts,
        stream_timeouts=place.stream_timeouts,
        prices=dict(place.prices),
    )
    origin = Origin("http", mock_host(order.name), 80)
    return msgspec.structs.replace(
        build(wanted, {}, ROWS),
        provider=provider or "mock",
        origin=origin,
        tariff=stands_for(provider, model, wanted, ROWS),
    )


def given_of(place: Place) -> Given:
    return Given(
        api_key=place.api_key,
        api_base=place.api_base,
        api_version=place.api_version,
        organization=place.organization,
        base_model=place.base_model,
        extra=msgspec.json.decode(place.extra),
        tokens=place.tokens,
    )


def _made(place: Place, environ: Mapping[str, str]) -> Deployment:
    wanted = Wanted(
        id=place.model,
        group=place.model,
        model=place.model,
        provider=place.provider,
        given=given_of(place),
        forced=msgspec.json.decode(place.forced),
        extra_headers=dict(place.headers),
        drops=tuple(place.drops),
        keeps=tuple(place.keeps),
        timeouts=place.timeouts,
        stream_timeouts=place.stream_timeouts,
        drop_params=place.drop_params,
        modify_params=place.modify_params,
        cache_points=place.cache_points,
        prices=dict(place.prices),
    )
    try:
        deployment = build(wanted, environ, ROWS)
    except ValueError as error:
        raise BadRequestError(f"The headers cannot be sent: {error}", param="extra_headers") from error
    # Whose failures are counted together: the same model, for the same account, at the same address.
    id = f"{deployment.provider}/{deployment.model}@{deployment.origin}#{deployment.account}"
    return msgspec.structs.replace(deployment, id=id)
