"""What models cost and can do, as the SDK sees it: the catalog, and over it what the program registered.

A name is found as a call finds it (`provider/model`, or a bare name, and what else it may say: a region, a format);
providers that only the catalog knows are found by it. Local and offline models are free.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from tollbridge.calls.build import Wanted, priced_as
from tollbridge.calls.deployment import Deployment
from tollbridge.catalog.facts import ModelFacts, catalog, facts, with_info
from tollbridge.catalog.price_names import is_price, prices_of
from tollbridge.catalog.pricing import UNPRICED, Tariff, catalog_list
from tollbridge.errors import BadRequestError, NotFoundError
from tollbridge.model.json import Json
from tollbridge.providers.listing import listing, region_of
from tollbridge.providers.names import find, locate
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ROWS
from tollbridge.sdk.checked import text

KEPT_MAX = 1_024
REGISTERED = "registered"


class Named(NamedTuple):
    provider: str
    model: str


class PriceList:
    def __init__(self) -> None:
        self._registered: dict[Named, ModelFacts] = {}
        self._tariffs: dict[Named, Tariff] = {}
        self._whose: dict[str, str] = {}

    def register(self, models: Mapping[str, Mapping[str, Json]]) -> None:
        """`models`: LiteLLM's fields by name; what they leave out stays as it was. Raises BadRequestError for a price
        that is none."""
        read = {name: self._read(name, fields) for name, fields in models.items()}
        self._registered.update(dict(read.values()))
        self._whose.update({name: said for name, fields in models.items() if (said := _provider(fields))})
        self._tariffs.clear()

    def whose(self, model: str) -> str:
        """The provider that was registered for a name; "" where none was."""
        return self._whose.get(model, "")

    def named(self, model: str, provider: str | None = None, region: str | None = None) -> Named:
        """The name under which something is known of it. `region`, else the environment's: where it is asked, where its
        own name does not say. Raises NotFoundError with near names."""
        region = text(region, "region_name") or region_of({}, os.environ)
        names = self._names(text(model, "model"), text(provider, "custom_llm_provider"), region)
        told = (one for one in names if one in self._registered)
        return next(told, None) or next((one for one in names if facts(*one) is not None), names[-1])

    def _names(self, model: str, provider: str, region: str = "") -> list[Named]:
        """The closest first; the last is that of a deployment. Raises NotFoundError with near names."""
        try:
            row, name = locate(model, ROWS, provider=provider)
            listed = listing(row, name, region=region)
            return [Named(row.name, one) for one in dict.fromkeys((*listed.names, listed.model))]
        except NotFoundError:
            head, slash, rest = model.partition("/")
            bare = provider or catalog().provider_of(model) or self.whose(model)
            if bare:
                return [Named(bare, rest if slash and head == bare else model)]
            if Named(head, rest) in self._registered or facts(head, rest) is not None:
                return [Named(head, rest)]
            if Named("", model) in self._registered:
                return [Named("", model)]
            raise

    def facts(self, named: Named) -> ModelFacts | None:
        """As a deployment has them: of a vendor's model at a provider of which nobody knows them, the vendor's."""
        told = self._registered.get(named)
        row = find(named.provider, ROWS)
        return told or (facts(*named) if row is None else _priced_as(row, named.model)[0])

    def tariff(self, named: Named) -> Tariff:
        known = self._tariffs.get(named)
        if known is None:
            if len(self._tariffs) >= KEPT_MAX:
                self._tariffs.clear()
            known = self._tariffs[named] = self._made(named)
        return known

    def of(self, deployment: Deployment) -> Tariff:
        """Its own, unless the program registered another for its model."""
        named = Named(deployment.provider, deployment.model)
        return self.tariff(named) if named in self._registered else deployment.tariff

    def registered(self) -> Iterator[Named]:
        return iter(self._registered)

    def _made(self, named: Named) -> Tariff:
        told = self._registered.get(named)
        if told is not None:
            return Tariff(catalog_list(told.prices), REGISTERED)
        row, known = find(named.provider, ROWS), facts(*named)
        if row is not None:
            return _priced_as(row, named.model)[1]
        return UNPRICED if known is None else Tariff(catalog_list(known.prices), catalog().date)

    def _read(self, name: str, fields: Mapping[str, Json]) -> tuple[Named, ModelFacts]:
        if not isinstance(fields, Mapping):
            raise BadRequestError(f"What is registered for {name!r} must be a dictionary.", param=name)
        try:
            named = self._names(text(name, "model_cost"), _provider(fields))[0]
        except NotFoundError:
            head, slash, rest = name.partition("/")
            named = Named(head, rest) if slash else Named("", name)
        try:
            prices = prices_of({field: value for field, value in fields.items() if is_price(field)})
        except (ValueError, LookupError, TypeError) as error:
            raise BadRequestError(f"{name}: {error}", param=name) from error
        if "max_tokens" in fields:  # LiteLLM's older name
            fields = {"max_output_tokens": fields["max_tokens"], **fields}
        known = with_info(self.facts(named), fields, *named) or ModelFacts(provider=named.provider, name=named.model)
        merged = {**known.prices, **prices}
        return named, msgspec.structs.replace(known, prices=merged, listed_by=REGISTERED)


def _provider(fields: Mapping[str, Json]) -> str:
    """By the name of its row; one that has none as it is written."""
    said = fields.get("litellm_provider")
    if not isinstance(said, str):
        return ""
    row = find(said, ROWS)
    return said if row is None else row.name


def _priced_as(row: Provider, model: str) -> tuple[ModelFacts | None, Tariff]:
    return priced_as(row, model, Wanted(id="", group="", model=model))


PRICES = PriceList()  # one a process, as LiteLLM's `model_cost` is
