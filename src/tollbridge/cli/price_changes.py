"""In what a list of prices differs from the one in use (pure).

1. A model differs where the list names a price that is another here, or is none here.
2. What the list leaves out of such a model is told too (`after` is null): taken over, a list is the whole list. Of a
   model in which all that it names is equal, it leaves nothing out that matters.
3. What is in use is what would be charged: the configuration's prices file, else the catalog, also under a plainer name
   (the price of gpt-4o for gpt-4o-2027-01-01).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from tollbridge.catalog.facts import facts
from tollbridge.catalog.price_file import FiledPrices, Offered
from tollbridge.catalog.price_names import charged
from tollbridge.cli.price_words import place_of

State = Literal["changed", "new"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One price. `state`: of its model, which is `new` where no price of it is known. `before`, `after`: nano-dollars
    per million units; null where a list has none."""

    model: str
    state: State
    price: str
    before: int | None
    after: int | None


class Compared(msgspec.Struct, frozen=True):
    """`same`, `changed`, `new`: models. `changes` by model, in the list's order."""

    same: int
    changed: int
    new: int
    changes: Mapping[str, tuple[Change, ...]]


def compared(offered: Offered, filed: Mapping[str, FiledPrices], parts: Sequence[str] = ()) -> Compared:
    """`parts`: only models whose names hold one of them."""
    wanted = [part.lower() for part in parts]
    changes: dict[str, tuple[Change, ...]] = {}
    same = 0
    for model, prices in offered.models.items():
        if wanted and not any(part in model.lower() for part in wanted):
            continue
        found = tuple(_changes(model, in_use(model, filed), prices))
        if found:
            changes[model] = found
        else:
            same += 1
    new = sum(found[0].state == "new" for found in changes.values())
    return Compared(same, len(changes) - new, new, changes)


def in_use(model: str, filed: Mapping[str, FiledPrices]) -> Mapping[str, int]:
    """By which an answer would be charged."""
    provider, _, name = model.partition("/")
    known = facts(provider, name)
    plainer = "" if known is None else f"{known.provider}/{known.name}"
    entry = filed.get(model) or filed.get(plainer)
    prices = entry.prices if entry is not None else {} if known is None else known.prices
    return {price: rate for price, rate in prices.items() if charged(price)}


def _changes(model: str, before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Change]:
    if all(before.get(price) == rate for price, rate in after.items()):
        return
    state: State = "changed" if before else "new"
    for price in sorted({*before, *after}, key=place_of):
        if before.get(price) != after.get(price):
            yield Change(model=model, state=state, price=price, before=before.get(price), after=after.get(price))
