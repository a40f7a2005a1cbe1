"""By which names a price list may have a model, whoever asks what it costs: the gateway reads a name in the same way
when it makes a deployment (`resolve`), and a cost that is asked for without one is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from tollbridge.errors import APIError
from tollbridge.providers import azure, bedrock
from tollbridge.providers.address import Base, read_base
from tollbridge.providers.aws_account import REGION
from tollbridge.providers.row import WIRE_OF_MODE, Provider
from tollbridge.providers.said import Said
from tollbridge.secret import Secret

_NOWHERE = Base("https", "", 443, "")


class Listing(NamedTuple):
    """`model`: its name at the provider. `names`: those under which a list may have it, the closest first; empty where
    it is that one alone."""

    model: str
    names: tuple[str, ...] = ()


def listing(row: Provider, name: str, *, region: str = "", base_model: str | None = None) -> Listing:
    """`name`: as it stands after the provider's. `region`: where it is asked, unless the name says that."""
    name = without_mode(name)[1]
    match row.shape:
        case "bedrock":
            named = bedrock.read_name(name, base_model=base_model)
            if not named.kind:
                return Listing(named.model)
            region = named.region or region
            return Listing(named.model, tuple(named.listed(region)) if region else (named.kind,))
        case "azure":
            return Listing(azure.deployment_name(name))
    if row.qualifies and "/" not in name:
        return qualified(row, name)
    return Listing(name if row.place is None else _at_place(row, name))


def qualified(row: Provider, name: str) -> Listing:
    """One that is asked by a longer name: lists have it by either."""
    return Listing(row.qualifies + name, (row.qualifies + name, name))


def without_mode(name: str) -> tuple[str | None, str]:
    """(the format that a name wants, the name without its word for it)."""
    mode, slash, rest = name.partition("/")
    return (WIRE_OF_MODE[mode], rest) if slash and rest and mode in WIRE_OF_MODE else (None, name)


def region_of(given: Mapping[str, object], environ: Mapping[str, str], api_base: str | None = None) -> str:
    """Where AWS is asked, by a deployment's parameters, its address, or the environment; "" where none of them says."""
    said = given.get("aws_region_name")
    if isinstance(said, str) and said.strip():
        return said.strip()
    host = urlsplit(api_base or "").hostname or ""
    return bedrock.region_in(host) or next((value for name in REGION if (value := environ.get(name, "").strip())), "")


def _at_place(row: Provider, name: str) -> str:
    """Where the model stands in the address, its name is made there. One that has no address has no other name."""
    assert row.place is not None
    base = _NOWHERE if row.holes or not row.base_url else read_base(row.base_url, row.name)
    said = Said(provider=row.name, base=base, path=row.path, key=Secret(""), given={}, environ={})
    try:
        return row.place(said, name).model
    except APIError:
        return name
