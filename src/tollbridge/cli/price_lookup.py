"""Whose prices a name has: the catalog's, nobody's (it is local), or what its provider tells."""

from __future__ import annotations

import os

import msgspec

from tollbridge.calls.build import Wanted, priced_as
from tollbridge.calls.tariff import tariff
from tollbridge.catalog.facts import ModelFacts, catalog, facts
from tollbridge.errors import NotFoundError
from tollbridge.providers.listing import listing, region_of
from tollbridge.providers.names import find, locate
from tollbridge.providers.table import ROWS

EACH = "each"


class Listed(msgspec.Struct, frozen=True):
    """`known`: with the prices that count. `priced`: whose they are, as the ledger says it: the catalog's date,
    `config`, `file` and a day, `local` (it costs nothing), `provider` (which tells the cost of each answer), `EACH` for
    a wildcard, "" where nobody knows. `told`: the provider tells the cost besides, and that counts. `group`: the name
    in the configuration."""

    known: ModelFacts
    priced: str
    told: bool = False
    group: str = ""


def in_catalog(model: str) -> list[Listed]:
    """The one of this name, or all whose names hold it; else one that costs nothing, or what its provider says."""
    exact = _exact(model) if model else None
    if exact is not None:
        return [exact]
    part = named_by_row(model.lower()) if "/" in model else model.lower()
    names = [name for name in catalog().full_names() if part in name.lower()]
    found = [_listed(known) for name in names if (known := facts(*_split(name))) is not None]
    return found or _unlisted(model)


def named_by_row(name: str) -> str:
    """`together/x` as `together_ai/x`: the catalog has models by the names of the rows. So too a provider's name alone;
    of one that is no provider's, what it was."""
    head, slash, rest = name.partition("/")
    row = find(head, ROWS)
    return name if row is None else f"{row.name}{slash}{rest}"


def _exact(model: str) -> Listed | None:
    try:
        row, name = locate(model, ROWS)
    except NotFoundError:  # a provider that only the catalog has
        known = facts(*_split(model))
        return None if known is None else _listed(known)
    name, names = listing(row, name, region=region_of({}, os.environ))
    known, made = priced_as(row, name, Wanted(id="", group="", model=model), names)
    return None if known is None else Listed(known, made.priced, row.tells_cost)


def _listed(known: ModelFacts) -> Listed:
    row = find(known.provider, ROWS)
    if row is None:
        return Listed(known, catalog().date if known.prices else "")
    return Listed(known, tariff(row, known.name, known, {}).priced, row.tells_cost)


def _unlisted(model: str) -> list[Listed]:
    """Of a provider whose models need no list."""
    head, _, name = model.partition("/")
    row = find(head, ROWS)
    if row is None or not (row.local or row.tells_cost):
        return []
    known = ModelFacts(provider=row.name, name=name or "*")
    return [Listed(known, tariff(row, known.name, None, {}).priced, row.tells_cost)]


def _split(name: str) -> tuple[str, str]:
    provider, _, model = name.partition("/")
    return provider, model
