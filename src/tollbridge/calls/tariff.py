"""Whose prices a deployment has: the operator's, nobody's (it is local), the catalog's, or what the provider tells."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import partial

import msgspec

from tollbridge.catalog.facts import ModelFacts, catalog, facts
from tollbridge.catalog.pricing import FREE, UNPRICED, Tariff, catalog_list, own_list
from tollbridge.catalog.unit_pricing import TASK_MODES, UNIT_CLASSES, UnitTariff
from tollbridge.providers.row import Provider

GLOBAL = "global"


class Markup(msgspec.Struct, frozen=True):
    """`times`: of the price; `added_nanousd`: for each answer."""

    times: Fraction = Fraction(1)
    added_nanousd: int = 0


class Markups(msgspec.Struct, frozen=True):
    """What the operator charges other than the price, by provider: `discounts` are shares of it that are taken off,
    `margins` come after them. The margin named `global` is of all that have none of their own."""

    discounts: Mapping[str, Fraction] = {}
    margins: Mapping[str, Markup] = {}

    def of(self, provider: str) -> Markup:
        margin = self.margins.get(provider) or self.margins.get(GLOBAL, Markup())
        return Markup((1 - self.discounts.get(provider, Fraction(0))) * margin.times, margin.added_nanousd)


NO_MARKUPS = Markups()


def tariff(
    row: Provider,
    model: str,
    known: ModelFacts | None,
    own: Mapping[str, int],
    markups: Markups = NO_MARKUPS,
    listed_as: str = "",
) -> Tariff:
    """`known`: what the catalog has of the model, and the operator's `model_info`; `own`: the operator's prices.
    `listed_as`: what the ledger says where the prices of `known` are not the catalog's, but the operator's file's."""
    by_units = known is not None and known.mode in TASK_MODES
    listed: Mapping[str, int] = {}
    if known is not None and _priced_as(model, known):
        listed = known.prices if by_units else catalog_list(known.prices)
    if known is not None and known.mode in _MAKES_NO_TOKENS and "input" in listed:
        listed = {"output": 0, **listed}
    if row.local and not own and not listed_as:
        return FREE
    if not listed and not own and not row.tells_cost:
        return UNPRICED
    prices = own_list(own, listed)
    markup = markups.of(row.name)
    made = UnitTariff if by_units or not _BY_UNITS.isdisjoint(own) else Tariff
    return made(
        prices,
        "config" if own else (listed_as or catalog().date) if listed else "provider",
        tells_cost=row.tells_cost and not own,
        times=markup.times,
        added_nanousd=markup.added_nanousd,
        kin=partial(_kin, row.name, model, prices, markup.times),
    )


def _kin(provider: str, model: str, prices: Mapping[str, int], times: Fraction, other: str) -> Tariff:
    """Of a model that had a part in an answer beside the counts: the deployment's own, whose `prices` are known, or
    another of the provider. It is no answer: nothing is added for it."""
    if other == model:
        return Tariff(prices, "", times=times)
    known = facts(provider, other)
    return UNPRICED if known is None else Tariff(catalog_list(known.prices), catalog().date, times=times)


_MAKES_NO_TOKENS = frozenset({"embedding", "rerank", "moderation"})
_BY_UNITS = UNIT_CLASSES - {"per_second", "per_second_in"}
"""Classes that nothing but a task is paid by. Seconds may also be those that a model was waited for."""


def _priced_as(model: str, known: ModelFacts) -> bool:
    """A fine-tune costs more than what it was made from: not found under its own name, it has no price."""
    return not model.startswith("ft:") or known.name.startswith("ft:")
