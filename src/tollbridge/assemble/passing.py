"""What is passed through: to each provider that the operator has a credential for, and to the operator's own paths."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

import msgspec

from tollbridge.assemble.deployments import Maker
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.place import Place, place
from tollbridge.config.settings import Config, OwnPath
from tollbridge.passing.through import Through
from tollbridge.passing.way import METHODS, Way
from tollbridge.providers.resolve import Given
from tollbridge.providers.root import names_of, root_at
from tollbridge.providers.row import Provider
from tollbridge.server.gateway import Gateway
from tollbridge.transport.base import Timeouts

KEPT_MAX = 1_000


def through(
    config: Config,
    environ: Mapping[str, str],
    rows: Mapping[str, Provider],
    maker: Maker,
    places: Mapping[str, Place],
    gateway: Gateway,
) -> Through:
    ways = [
        Way(path=f"/{name}", place=place, whole=config.general.pass_through_account)
        for provider, place in places.items()
        for name in names_of(rows[provider])
    ]
    own = [_own(path, maker.timeouts_for(path.timeout_s, path.timeout_s)[1]) for path in config.general.own_paths]
    taken = {way.path for way in own}
    return Through(
        gateway, [*own, *(way for way in ways if way.path not in taken)], Models(environ, rows, maker, gateway)
    )


class Models:
    """What a provider's model is and costs: as a deployment of the configuration says, else as the tables do."""

    def __init__(
        self, environ: Mapping[str, str], rows: Mapping[str, Provider], maker: Maker, gateway: Gateway
    ) -> None:
        self._environ = environ
        self._rows = rows
        self._maker = maker
        members: Iterator[Deployment] = iter(gateway.engine.routes.groups.members())
        self._configured: dict[tuple[str, str], Deployment] = {}
        for deployment in members:
            self._configured.setdefault((deployment.provider, deployment.model), deployment)
        self._made: OrderedDict[tuple[str, str], Deployment] = OrderedDict()

    def __call__(self, way: Way, model: str) -> Deployment:
        """Raises APIError."""
        provider = way.place.root.provider
        known = self._configured.get((provider, model)) or self._made.get((provider, model))
        if known is not None:
            return known
        whole, stream = self._maker.timeouts_for(None, None)
        wanted = Wanted(
            id=f"{provider}/{model}"[:200],
            group=f"{provider}/*",
            model=model,
            provider=provider,
            given=self._given(way),
            timeouts=whole,
            stream_timeouts=stream,
            markups=self._maker.markups,
        )
        made = self._made[provider, model] = build(wanted, self._environ, self._rows)
        if len(self._made) > KEPT_MAX:
            self._made.popitem(last=False)
        return made

    def _given(self, way: Way) -> Given:
        """It is never sent to: enough that it can be made."""
        root = way.place.root
        host = f"[{root.host}]" if ":" in root.host else root.host
        project, location = root.within or ("none", "global")
        extra = {"vertex_project": project, "vertex_location": location}
        return Given(api_key="not-sent", api_base=f"{root.scheme}://{host}:{root.port}{root.base}", extra=extra)


def _own(path: OwnPath, timeouts: Timeouts) -> Way:
    root = root_at(path.path.strip("/"), path.target.reveal(), tuple(path.headers.items()))
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
