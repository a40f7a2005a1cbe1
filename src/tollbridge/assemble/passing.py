"""What is passed through: to each provider that the operator has a credential for, and to the operator's own paths."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tollbridge.assemble.deployments import Maker
from tollbridge.calls.credentials import in_headers
from tollbridge.calls.place import Place, place
from tollbridge.config.settings import Config, OwnPath
from tollbridge.passing.passage import Deployments
from tollbridge.passing.through import Through
from tollbridge.passing.way import METHODS, Way
from tollbridge.providers.root import names_of, root_at
from tollbridge.providers.row import Provider
from tollbridge.secret import Secret
from tollbridge.server.gateway import Gateway
from tollbridge.transport.base import Timeouts

_SCHEME = re.compile(r"(?i)(?:bearer|basic) +")


def through(
    config: Config,
    rows: Mapping[str, Provider],
    maker: Maker,
    places: Mapping[str, Place],
    models: Deployments,
    gateway: Gateway,
) -> Through:
    ways = [
        Way(path=f"/{name}", place=place, whole=config.general.pass_through_account)
        for provider, place in places.items()
        for name in names_of(rows[provider])
    ]
    own = [_own(path, maker.timeouts_for(path.timeout_s, path.timeout_s)[1]) for path in config.general.own_paths]
    taken = {way.path for way in own}
    return Through(gateway, [*own, *(way for way in ways if way.path not in taken)], models)


def _own(path: OwnPath, timeouts: Timeouts) -> Way:
    root = root_at(path.path.strip("/"), path.target.reveal(), tuple(path.headers.items()))
    told = {name: _SCHEME.sub("", value.reveal()) for name, value in path.headers.items()}
    root = msgspec.structs.replace(root, secrets=tuple(map(Secret, in_headers(told))))  # not every header is one
    return Way(
        path=path.path,
        place=place(root, msgspec.structs.replace(timeouts, total_s=path.timeout_s) if path.timeout_s else timeouts),
        own=True,
        methods=path.methods or METHODS,
        cost_nanousd=None if path.cost is None else round(path.cost * 1e9),
        query=path.query,
        forwards=path.forwards,
        below=path.below,
    )
