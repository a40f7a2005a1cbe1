"""Today's prices of what was asked in the past, found by what the ledger tells of who answered. No provider's key is
needed: whoever recomputes costs may sit elsewhere than the gateway.

1. The entry of the configuration by its id.
2. Else (it was changed, and with it the id that it had been given) one of the same group that asks the same provider
   for the same model. Where there are several and they differ in their prices, nobody knows which it was.
3. Else, the deployment being gone, the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.assemble.deployments import Maker
from tollbridge.calls.build import Wanted, priced_as, stands_for
from tollbridge.calls.tariff import Markups
from tollbridge.catalog.pricing import UNPRICED, Tariff
from tollbridge.config.settings import Config, ModelEntry
from tollbridge.errors import NotFoundError
from tollbridge.observe.record import Record, Tried
from tollbridge.providers.names import find, locate
from tollbridge.providers.row import Provider
from tollbridge.transport.inprocess import ByHost


class Tariffs:
    """`of` for `ledger.recompute`."""

    def __init__(self, config: Config, environ: Mapping[str, str], rows: Mapping[str, Provider], mocks: ByHost) -> None:
        self._rows = rows
        self._markups = Markups(config.settings.discounts, config.settings.margins)
        self._maker = Maker(config, environ, rows, mocks)
        self._entries = {entry.id: entry for entry in config.models}
        self._known: dict[tuple[str, str, str, str], Tariff] = {}

    def of(self, answered: Record | Tried, group: str) -> Tariff:
        asked = (answered.deployment, group, answered.provider, answered.model)
        tariff = self._known.get(asked)
        if tariff is None:
            tariff = self._known[asked] = self._find(*asked)
        return tariff

    def _find(self, deployment: str, group: str, provider: str, model: str) -> Tariff:
        wanted = self._wanted(deployment, group, provider, model)
        if not wanted:
            filed = self._maker.filed
            wanted = [Wanted(id=deployment, group=group, model=model, markups=self._markups, filed=filed)]
        if any((one.prices, one.info) != (wanted[0].prices, wanted[0].info) for one in wanted):
            return UNPRICED
        row = find(provider, self._rows)
        if row is None:
            return stands_for(provider, model, wanted[0], self._rows)
        return priced_as(row, model, wanted[0])[1]

    def _wanted(self, deployment: str, group: str, provider: str, model: str) -> list[Wanted]:
        named = self._entries.get(deployment) or self._entries.get(deployment.partition(":")[0])
        if named is not None and self._asks(named, provider, model):
            return [self._maker.wanted(named)]
        same = [entry for entry in self._entries.values() if entry.model_name == group]
        return [self._maker.wanted(entry) for entry in same if self._asks(entry, provider, model)]

    def _asks(self, entry: ModelEntry, provider: str, model: str) -> bool:
        """Whether it asks this provider for this model."""
        try:
            row, name = locate(entry.model, self._rows, provider=entry.custom_llm_provider, api_base=entry.api_base)
        except NotFoundError:
            return entry.model == "*"
        return row.name == provider and ("*" in name or model == name or model.endswith(f"/{name}"))
