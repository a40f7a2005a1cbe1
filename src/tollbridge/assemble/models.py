"""What a provider's model is and costs, where it is named by the provider's own name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

from tollbridge.assemble.deployments import Maker
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.place import Place
from tollbridge.providers.resolve import Given
from tollbridge.providers.row import Provider
from tollbridge.server.gateway import Gateway

KEPT_MAX = 1_000


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

    def __call__(self, place: Place, model: str) -> Deployment:
        """Raises APIError."""
        provider = place.root.provider
        known = self._configured.get((provider, model)) or self._made.get((provider, model))
        if known is not None:
            return known
        whole, stream = self._maker.timeouts_for(None, None)
        wanted = Wanted(
            id=f"{provider}/{model}"[:200],
            group=f"{provider}/*",
            model=model,
            provider=provider,
            given=self._given(place),
            timeouts=whole,
            stream_timeouts=stream,
            markups=self._maker.markups,
            filed=self._maker.filed,
        )
        made = self._made[provider, model] = build(wanted, self._environ, self._rows)
        if len(self._made) > KEPT_MAX:
            self._made.popitem(last=False)
        return made

    def _given(self, place: Place) -> Given:
        """It is never sent to: enough that it can be made."""
        root = place.root
        host = f"[{root.host}]" if ":" in root.host else root.host
        project, location = root.within or ("none", "global")
        extra = {"vertex_project": project, "vertex_location": location}
        return Given(api_key="not-sent", api_base=f"{root.scheme}://{host}:{root.port}{root.base}", extra=extra)
