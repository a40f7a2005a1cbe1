"""What an answer costs: exact arithmetic on integers, rounded once.

Prices are nano-dollars per million units, costs are nano-dollars. The rules
1. `input` and `output` of `Usage` are totals, the rest are parts of them: a part is charged at its own rate and leaves
   the total, so nothing is charged twice (`parts` says how).
2. A class that was used and has no rate makes the whole cost unknown: None, never 0 and never a guess that is too low.
   What an absent rate means is said in `sheets`.
3. The tier of context is that of all input tokens that one run of the model read; a service tier (`batch`, `flex`,
   `priority`, `fast` ...) is a list of its own. One that this model has no list for makes the cost unknown.
4. Rounded once per answer, half up.
5. Where a provider tells in its usage what it charged (`tells_cost`), that is what it cost: the table does not see its
   fees per request, searches and routing. Prices of the operator's own come before it.
6. Where another model had a part in the answer that has no price, the whole is unknown, too (`cost`, `price`). What is
   charged to a budget is another matter: `assumed`.
7. A cost of more than a million dollars is unknown: some count, or some price, is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil
from operator import attrgetter
from typing import NamedTuple

from msgspec.structs import replace

from tollbridge.catalog.parts import (
    COST_MAX_USD,
    PLAIN_SERVICES,
    Other,
    Parts,
    others,
    samplings,
    service_of,
    tells_nothing,
    told_cost,
)
from tollbridge.catalog.price_names import CHARGED
from tollbridge.catalog.sheets import Sheet, Tiers, sheets
from tollbridge.errors import UnknownPrice
from tollbridge.model.money import NANO
from tollbridge.model.response import Usage

MILLION = 1_000_000
ASSUMED = "assumed"
"""What an entry says of where its prices are from, where a part was charged at those of another model."""
COST_MAX_NANOUSD = COST_MAX_USD * NANO


class Line(NamedTuple):
    """One class of a bill. `rate`: nano-dollars per million; None where it is not known."""

    kind: str
    units: int
    rate: int | None


_INTO = ("input", "cache_write", "cache_write_1h", "audio_input", "image_input")
_OUT = ("output", "reasoning", "audio_output", "image_output")


class Dearest(NamedTuple):
    """Of one tier of context: what a token costs at most, by direction. None: the plain rate is unknown. `start`:
    tokens of input that are no longer in the tier below."""

    start: int
    input: int | None
    output: int | None


def _dearest(tiers: Tiers) -> tuple[Dearest, ...]:
    """Descending. The last begins below 0, so that one of them always holds."""
    found = (Dearest(start or -1, _largest(sheet, _INTO), _largest(sheet, _OUT)) for start, sheet in tiers)
    return tuple(found)[::-1]


def _largest(sheet: Sheet, kinds: tuple[str, ...]) -> int | None:
    """`kinds`: the plain one first."""
    if getattr(sheet, kinds[0]) is None:
        return None
    return max(getattr(sheet, kind) or 0 for kind in kinds)


_unusual: Callable[[Usage], tuple[int | None, ...]] = attrgetter(
    *("cache_write_1h", "audio_input", "audio_output", "image_input", "image_output", "web_searches")
)


class Tariff:
    """The prices of one deployment, made once. `priced`: where they are from: the catalog's date, `config`, `file` and
    a day, `local`, `provider` (it tells the cost itself), or "" where there are none; `prices`: themselves. `covers`:
    both what is read and what is written has a price. `free`: nothing that it could be used for costs anything.
    `timed`: paid by the second."""

    __slots__ = (
        "_below",
        "_fixed",
        "_half",
        "_input",
        "_kin",
        "_listed",
        "_output",
        "_per",
        "_per_second",
        "_quick",
        "_read",
        "_sheets",
        "_tells_cost",
        "_times",
        "_worst",
        "_write",
        "covers",
        "free",
        "priced",
        "prices",
        "timed",
    )

    def __init__(
        self,
        prices: Mapping[str, int],
        priced: str,
        *,
        tells_cost: bool = False,
        times: Fraction = Fraction(1),
        added_nanousd: int = 0,
        kin: Callable[[str], Tariff] | None = None,
    ) -> None:
        """`prices` by `class[>tokens][@service]`. Each answer costs `times` what they say (a discount, a margin) and
        `added_nanousd` more. `kin`: the tariff of another model of the provider, which may have a part in an answer."""
        self.priced = priced
        self._kin = kin
        self.prices = prices
        self._tells_cost = tells_cost
        self._times = times.numerator
        self._per = MILLION * times.denominator
        self._half = self._per // 2
        self._fixed = added_nanousd * self._per + prices.get("per_request", 0) * self._times
        self._per_second = prices.get("per_second", 0) + prices.get("per_second_in", 0)
        self._listed = bool(prices)
        self.timed = self._per_second > 0
        self.free = self._listed and not any(prices.values()) and not added_nanousd and not tells_cost
        self._sheets = sheets(prices)
        plain = self._sheets[""]
        first = plain[0][1]
        self.covers = tells_cost or None not in (first.input, first.output)
        self._below = plain[1][0] if len(plain) > 1 else 2**63
        self._quick = (
            None not in (first.input, first.output, first.cache_read, first.cache_write)
            and first.reasoning == first.output
            and not tells_cost
            and not self._per_second
        )
        self._worst = {service: _dearest(tiers) for service, tiers in self._sheets.items()}
        self._input = (first.input or 0) * self._times
        self._output = (first.output or 0) * self._times
        self._read = (first.cache_read or 0) * self._times
        self._write = (first.cache_write or 0) * self._times

    def cost(self, usage: Usage, service_tier: str | None = None, seconds: float | None = None) -> int | None:
        """Nano-dollars; None where a class that was used has no price, or where it is more than can be.
        `service_tier`: as the answer names it. `seconds`: how long it took, for a model that is paid by time."""
        if (  # the usual case, the same arithmetic at a tenth of the time
            self._quick
            and (not usage.extra or tells_nothing(usage.extra))
            and service_tier in PLAIN_SERVICES
            and usage.input <= self._below
            and not any(_unusual(usage))
        ):
            read, write = usage.cache_read or 0, usage.cache_write or 0
            fresh = usage.input - read - write
            if fresh >= 0 and usage.output >= (usage.reasoning or 0):
                total = fresh * self._input + read * self._read + write * self._write + usage.output * self._output
                cost = (total + self._fixed + self._half) // self._per
                return cost if cost <= COST_MAX_NANOUSD else None
        found = self._cost(usage, service_tier, seconds)
        return found if found is None or found <= COST_MAX_NANOUSD else None

    def assumed(self, usage: Usage, service_tier: str | None = None, seconds: float | None = None) -> int | None:
        """What an answer is charged where `cost` is not known for a part that another model had in it: what has a price
        counts, and the rest as if the model that was asked had done it. None where it is not known for another
        reason."""
        beside = others(usage, service_tier) if usage.extra and self._listed and not self.timed else ()
        parts = [self._assumed(other) for other in beside]
        known = [part for part in parts if part is not None]
        if not beside or len(known) < len(parts):
            return None
        total: int | None = 0
        last = next((other for other in reversed(beside) if other.attempted), None)
        if last is None or last.used is None:
            total = self._own(usage, service_tier)
        elif usage.web_searches:
            total = self._own(Usage(web_searches=usage.web_searches), None)
        if total is None:
            return None
        found = (total * self._times + self._fixed + self._half) // self._per + sum(known)
        return found if found <= COST_MAX_NANOUSD else None

    def price(self, usage: Usage, service_tier: str | None = None, seconds: float | None = None) -> int:
        """`cost`, or UnknownPrice that names the class without a price."""
        cost = self.cost(usage, service_tier, seconds)
        if cost is not None:
            return cost
        if self._per_second and seconds is None:
            raise UnknownPrice("This model is paid by the second, and how long it took is not known.", kind="seconds")
        service = service_of(usage, service_tier)
        beside = others(usage, service_tier)
        apart = any(other.attempted for other in beside)
        if self._listed and service not in self._sheets and not apart:
            raise UnknownPrice(f"There are no prices for the service tier {service!r}.", kind=service)
        for other in beside:
            if self._part(other) is None:
                named = other.model or "another model"
                raise UnknownPrice(f"There is no price for the part that {named} had in the answer.", kind=named)
        unknown = [line.kind for line in self.lines(usage, service_tier) if line.rate is None]
        if unknown and self._listed:
            raise UnknownPrice(f"There is no price for `{unknown[0]}`.", kind=unknown[0])
        if self._listed:
            raise UnknownPrice(f"More than {COST_MAX_USD:,} dollars for one answer: a count or a price is wrong.")
        raise UnknownPrice("There is no price for this model.")

    def lines(self, usage: Usage, service_tier: str | None = None) -> tuple[Line, ...]:
        """What was used, by class, without what a provider tells, fees per request and margins."""
        tiers = self._sheets.get(service_of(usage, service_tier))
        parts = Parts(usage)
        if tiers is None:
            return tuple(Line(kind, count, None) for kind, count in parts.counts)
        size = parts.input
        sheet = next(sheet for start, sheet in reversed(tiers) if size > start or start == 0)
        return tuple(Line(kind, count, getattr(sheet, kind)) for kind, count in parts.counts)

    def worst(
        self, input_tokens: int, output_tokens: int, service_tier: str | None = None, seconds: float | None = None
    ) -> int | None:
        """What a request with so many tokens, that may take so many `seconds`, costs at most, at the dearest class of
        each direction. Searches and what a provider adds of its own are not in it. None: not known; that is also so
        where nothing but these would cost anything: 0 is the price of what is free."""
        tiers = self._worst.get("" if service_tier in PLAIN_SERVICES else service_tier or "")
        if tiers is None:
            return 0 if self.free else None
        rates = tiers[0] if len(tiers) == 1 else next(rates for rates in tiers if input_tokens > rates.start)
        if rates.input is None or rates.output is None:
            return None
        total = (input_tokens * rates.input + output_tokens * rates.output) * self._times + self._fixed
        if self.timed:
            if seconds is None:
                return None
            total += self._per_second * ceil(seconds) * self._times
        return -(-total // self._per) or (0 if self.free else None)

    def of(self, model: str) -> Tariff:
        """What another model of the provider costs, where it has a part in an answer."""
        return UNPRICED if self._kin is None else self._kin(model)

    def covers_of(self, model: str) -> bool:
        """What such a part costs will be known."""
        return self._tells_cost or self.of(model).covers

    def _part(self, other: Other) -> int | None:
        """What another model had in the answer, at its own prices."""
        if other.used is None or not other.sure or self._kin is None:
            return None
        return self._kin(other.model).cost(other.used) if other.used.input or other.used.output else 0

    def _assumed(self, other: Other) -> int | None:
        """The same where it is not known: at that model's plain prices, else at those of the model that was asked."""
        part = self._part(other)
        if part is not None or other.used is None:
            return part or 0
        plain = replace(other.used, extra={})
        part = self.of(other.model).cost(plain)
        if part is not None:
            return part
        own = self._own(plain, None)
        return None if own is None else (own * self._times + self._half) // self._per

    def _own(self, usage: Usage, service_tier: str | None) -> int | None:
        """What the counts cost, before any discount: nano-dollars by the million."""
        service = service_of(usage, service_tier)
        tiers = self._sheets.get(service)
        if tiers is None:
            return None
        runs = samplings(usage) if len(tiers) > 1 and usage.extra else ()
        total = 0
        for one in runs or (usage,):
            for _, units, rate in self.lines(one, service if runs else service_tier):
                if rate is None:
                    return None
                total += units * rate
        return total

    def _cost(self, usage: Usage, service_tier: str | None, seconds: float | None) -> int | None:
        if self._tells_cost:
            told = told_cost(usage)
            if told is not None:
                return (told * MILLION * self._times + self._fixed + self._half) // self._per
        if self.free:
            return 0  # in whatever service
        if not self._listed:
            return None  # also where nothing was used: who knows no price knows no 0
        others_had, apart = 0, False
        for other in others(usage, service_tier) if usage.extra else ():
            part = self._part(other)
            if part is None:
                return None
            others_had += part * self._per
            apart = apart or other.attempted
        total = 0 if apart else self._own(usage, service_tier)
        if total is None:
            return None
        total = total * self._times + self._fixed + others_had
        if not self._per_second:
            return (total + self._half) // self._per
        if seconds is None:
            return None
        timed = self._per_second * round(seconds * MILLION) * self._times
        return ((total + self._half) * MILLION + timed) // (self._per * MILLION)


FREE = Tariff(dict.fromkeys(CHARGED - {"per_second", "per_second_in", "per_request"}, 0), "local")
UNPRICED = Tariff({}, "")


def own_list(own: Mapping[str, int], known: Mapping[str, int]) -> dict[str, int]:
    """The operator's prices and the catalog's `known` ones, as one list.

    Where the operator names the price of a token (or of a second), the list is theirs: no discount, tier or service of
    the catalog stands beside it, and what it leaves out costs what its direction costs. Of the catalog remain the other
    direction and the fee of a search. A price of anything else replaces only that of the catalog."""
    if not own:
        return dict(known)
    if "per_second" in own or "per_second_in" in own:
        base = {"input": 0, "output": 0}
    elif "input" in own or "output" in own:
        base = {kind: rate for kind, rate in known.items() if kind in _KEPT}
    else:
        return {**known, **own}
    made = {**base, **own}
    for kind, parent in (("audio_output", "output"), ("image_output", "output"), ("cache_write_1h", "cache_write")):
        if parent in made:
            made.setdefault(kind, made[parent])
    return made


_KEPT = frozenset({"input", "output", "search_low", "search_medium", "search_high"})


def catalog_list(prices: Mapping[str, int]) -> dict[str, int]:
    """Of the catalog's prices, those that a chat answer can be charged by. Its seconds are of sound, not of waiting."""
    return {price: rate for price, rate in prices.items() if not price.startswith("per_second")}
