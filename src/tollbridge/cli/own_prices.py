"""What the models of a configuration cost: at its own prices, and at the catalog's where it names none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tollbridge.assemble.deployments import Maker
from tollbridge.assemble.gateway import provider_rows
from tollbridge.assemble.offline import offline
from tollbridge.calls.build import priced_as
from tollbridge.catalog.facts import ModelFacts
from tollbridge.catalog.pricing import catalog_list, own_list
from tollbridge.cli.price_lookup import EACH, Listed
from tollbridge.config.settings import Config, ModelEntry
from tollbridge.errors import NotFoundError
from tollbridge.providers.listing import listing, region_of
from tollbridge.providers.names import locate
from tollbridge.providers.row import Provider
from tollbridge.transport.inprocess import ByHost, InProcess


def in_config(config: Config, environ: Mapping[str, str], model: str) -> list[Listed]:
    """Entries whose name, or whose model's, holds it; of an exact name those alone."""
    rows = provider_rows(config)
    maker = Maker(config, environ, rows, ByHost({}, InProcess(offline())))
    named = [entry for entry in config.models if model in (entry.model_name, entry.model)]
    part = model.lower()
    found = named or [one for one in config.models if part in one.model_name.lower() or part in one.model.lower()]
    return [listed for entry in found for listed in _of_entry(entry, maker, environ, rows)]


def _of_entry(
    entry: ModelEntry, maker: Maker, environ: Mapping[str, str], rows: Mapping[str, Provider]
) -> Iterator[Listed]:
    try:
        row, name = locate(entry.model, rows, provider=entry.custom_llm_provider, api_base=entry.api_base)
    except NotFoundError:  # a wildcard for all providers
        every = ModelFacts(provider="*", name=entry.model, prices=entry.prices)
        yield Listed(every, "config" if entry.prices else EACH, group=entry.model_name)
        return
    wanted = maker.wanted(entry)
    told = wanted.info.get("base_model")
    base_model = told if isinstance(told, str) else None
    region = region_of(wanted.given.extra, environ, entry.api_base)
    name, names = listing(row, name, region=region, base_model=base_model)
    known, made = priced_as(row, name, wanted, names)
    base = known or ModelFacts(provider=row.name, name=name)
    prices = own_list(entry.prices, catalog_list(base.prices))
    shown = msgspec.structs.replace(base, provider=row.name, name=name, prices={} if made.priced == "local" else prices)
    priced = EACH if "*" in name and not (entry.prices or row.local) else made.priced
    yield Listed(shown, priced, row.tells_cost and not entry.prices, entry.model_name)
