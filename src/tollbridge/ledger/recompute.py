"""What entries cost at today's prices (`tollbridge spend recompute`).

1. An entry without a price gets one, where there is one today, and so does one of which a part was `assumed`. Of its
   attempts only those without a price are priced, or the one that answered.
2. One with a price keeps it, unless all are asked for: it was right on its day.
3. What has no price today either keeps what it has: a cost that is known never becomes unknown.
4. Tokens, service, and what a provider told of its own are those of that day (`catalog.kept`); only the prices are
   today's. For a model that is paid by time, the time is the one that was charged; of an entry that was not charged by
   time, what it says that the provider took.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tollbridge.catalog.kept import again, took
from tollbridge.catalog.pricing import ASSUMED, Tariff
from tollbridge.observe.record import Record, Tried
from tollbridge.store.costs import Correction, CostStore, Span

TariffOf = Callable[[Record | Tried, str], Tariff]
"""Of who answered (its `deployment`, `provider`, `model`) in a group."""


class Sum(msgspec.Struct):
    """`looked_at`: entries; `changed` of them. `unknown`: that have no price today either. `before_nanousd`,
    `after_nanousd`: what all of them cost, also those that stay as they are; an unknown cost counted as nothing."""

    looked_at: int = 0
    changed: int = 0
    unknown: int = 0
    before_nanousd: int = 0
    after_nanousd: int = 0


Sums = Mapping[tuple[str, str], Sum]
"""By provider and model."""


async def recompute(store: CostStore, tariff_of: TariffOf, span: Span, *, write: bool) -> Sums:
    """Without `write` nothing is changed, and the sums tell what would be."""
    sums: dict[tuple[str, str], Sum] = {}
    last = ""
    while page := await store.page(span, last):
        last = page[-1].id
        corrections = []
        for record in page:
            told = sums.setdefault((record.provider, record.model), Sum())
            told.looked_at += 1
            told.before_nanousd += record.cost_nanousd or 0
            told.after_nanousd += record.cost_nanousd or 0
            after = repriced(record, tariff_of, every=not span.unpriced)
            if after is not None:
                corrections.append(Correction(record, after))
            elif record.cost_nanousd is None:
                told.unknown += 1
        if corrections and write:
            corrections = await store.correct(corrections)
        for correction in corrections:
            before, after = correction.before, correction.after
            told = sums[before.provider, before.model]
            told.changed += 1
            told.after_nanousd += (after.cost_nanousd or 0) - (before.cost_nanousd or 0)
    return sums


def repriced(record: Record, tariff_of: TariffOf, *, every: bool = False) -> Record | None:
    """The entry at today's prices; None where it stays as it is. `every`: also what has a price."""
    tariff = tariff_of(record, record.group)
    if not record.tried:
        if record.tokens is None or not (every or record.cost_nanousd is None or _assumed(record)):
            return None
        cost = tariff.cost(again(record.tokens, record.bill), None, _seconds(record))
        return _with(record, cost, tariff.priced, ())
    tried = tuple(
        _tried(one, record, tariff_of, every=every, answered=number == len(record.tried) and not one.error_class)
        for number, one in enumerate(record.tried, 1)
    )
    costs = [one.cost_nanousd for one in tried if one.tokens is not None]
    known = [cost for cost in costs if cost is not None]
    return _with(record, sum(known) if len(known) == len(costs) else None, tariff.priced, tried)


def _assumed(record: Record) -> bool:
    """A part of it is, and what that was is known still. (Of a batch only the sum is.)"""
    return record.priced == ASSUMED and "others" in (record.bill or {})


def _seconds(record: Record) -> float:
    """Of one attempt. What a stream waited for its first event is not all of its time."""
    kept = took(record.bill)
    return kept if kept is not None else (record.duration_ms if record.stream else record.upstream_ms) / 1000


def _with(record: Record, cost: int | None, priced: str, tried: tuple[Tried, ...]) -> Record | None:
    if cost is None or (cost == record.cost_nanousd and tried == record.tried):
        return None
    return msgspec.structs.replace(record, cost_nanousd=cost, priced=priced, tried=tried)


def _tried(one: Tried, record: Record, tariff_of: TariffOf, *, every: bool, answered: bool) -> Tried:
    """What the answer was billed by is the business of the attempt that answered alone."""
    assumed = answered and _assumed(record)
    if one.tokens is None or not (every or assumed or one.cost_nanousd is None):
        return one
    tariff = tariff_of(one, record.group)
    cost = tariff.cost(again(one.tokens, record.bill if answered else None), None, one.ms / 1000)
    return one if cost is None else msgspec.structs.replace(one, cost_nanousd=cost)
