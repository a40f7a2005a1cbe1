"""A list of prices -> one sheet per service and tier of context, in which every class has its rate or none.

What a list leaves out, a vendor means something by. The rules, the first that fits:
1. A service (batch, flex, priority ...) has a list of its own. A class that the plain list names and the service's does
   not is unknown there; but a read from the cache has no discount in it, and reasoning is output.
2. A tier holds for the whole request, from the first token past it on. A class without a rate in the tier keeps that of
   the tier below; where the plain list has a tier that the service's list lacks, the service's rate is unknown.
3. Reasoning is output. A read from the cache, and a write to it, without a rate is input: no discount, no surcharge.
4. Sound and images *taken in* without a rate are input: one price for all kinds. *Made*, they are unknown without one:
   every vendor that makes them charges them apart.
5. A cache for one hour is unknown where the usual one has a surcharge and it has no rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tollbridge.catalog.price_names import SEARCH

SEARCHES: tuple[str, ...] = tuple(SEARCH.values())


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars per million units. None: unknown."""

    input: int | None
    output: int | None
    reasoning: int | None
    cache_read: int | None
    cache_write: int | None
    cache_write_1h: int | None
    audio_input: int | None
    audio_cache_read: int | None
    audio_output: int | None
    image_input: int | None
    image_cache_read: int | None
    image_output: int | None
    search_low: int | None
    search_medium: int | None
    search_high: int | None


Tiers = tuple[tuple[int, Sheet], ...]
"""(tokens of input that are no longer in the tier below, the sheet from there on), ascending; the first begins at 0."""

_Listed = dict[tuple[str, str], list[tuple[int, int]]]
"""(class, service) -> [(tier, rate)], ascending."""


class _Silent:
    """The list says nothing of a class, which is not the same as not knowing its rate."""


_SILENT = _Silent()


def sheets(prices: Mapping[str, int]) -> dict[str, Tiers]:
    """By service; the plain list is that of ""."""
    listed: _Listed = {}
    starts: dict[str, set[int]] = {"": {0}}
    for price, rate in prices.items():
        head, _, service = price.partition("@")
        kind, _, tier = head.partition(">")
        start = int(tier or 0)
        listed.setdefault((kind, service), []).append((start, rate))
        starts.setdefault(service, {0}).add(start)
    for rates in listed.values():
        rates.sort()
    return {
        service: tuple((start, _sheet(listed, service, start)) for start in sorted(found | starts[""]))
        for service, found in starts.items()
    }


def _sheet(listed: _Listed, service: str, start: int) -> Sheet:
    def stated(kind: str) -> int | _Silent | None:
        return _stated(listed, kind, service, start)

    def rate(kind: str, parent: int | None) -> int | None:
        found = stated(kind)
        return parent if isinstance(found, _Silent) else found

    input, output = rate("input", None), rate("output", None)
    cache_read, cache_write = rate("cache_read", input), rate("cache_write", input)
    surcharged = not isinstance(stated("cache_write"), _Silent)
    audio_input, image_input = rate("audio_input", input), rate("image_input", input)
    audio_apart = not isinstance(stated("audio_input"), _Silent)
    image_apart = not isinstance(stated("image_input"), _Silent)
    return Sheet(
        input=input,
        output=output,
        reasoning=rate("reasoning", output),
        cache_read=cache_read,
        cache_write=cache_write,
        cache_write_1h=rate("cache_write_1h", None if surcharged else cache_write),
        audio_input=audio_input,
        audio_cache_read=rate("audio_cache_read", audio_input if audio_apart else cache_read),
        audio_output=rate("audio_output", None),
        image_input=image_input,
        image_cache_read=rate("image_cache_read", image_input if image_apart else cache_read),
        image_output=rate("image_output", None),
        **{kind: rate(kind, None) for kind in SEARCHES},
    )


_WITHOUT_DISCOUNT = frozenset({"cache_read", "audio_cache_read", "image_cache_read", "reasoning"})
_FEES = frozenset(SEARCHES)


def _stated(listed: _Listed, kind: str, service: str, start: int) -> int | _Silent | None:
    plain = _at(listed.get((kind, "")), start)
    if not service or kind in _FEES:
        return _SILENT if plain is None else plain[1]
    own = _at(listed.get((kind, service)), start)
    if own is not None:
        return own[1] if plain is None or plain[0] <= own[0] else None
    return _SILENT if plain is None or kind in _WITHOUT_DISCOUNT else None


def _at(rates: Sequence[tuple[int, int]] | None, start: int) -> tuple[int, int] | None:
    """The highest tier that begins at or below `start`."""
    return next((pair for pair in reversed(rates or ()) if pair[0] <= start), None)
