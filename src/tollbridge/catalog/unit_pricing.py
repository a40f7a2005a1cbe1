"""What an answer costs that is counted by other measures than tokens: characters, seconds of sound, images, searches.

1. The list of prices chooses the measure. A model that is paid by the character has no price for tokens, one that is
   paid by the token none for characters: what was counted and has no rate costs nothing, as long as something else that
   was counted has one.
2. Where nothing that was counted has a rate above 0 and the list has one, what is paid for was not counted: the cost is
   unknown, never 0. Likewise where a list has a price for what is made (tokens of sound or images) and the answer was
   counted neither by these nor by a unit that has a rate.
3. LiteLLM names some prices by what goes in and some by what comes out, and means the same: of the two the one that is
   above 0 counts, never both.
4. Tokens of a direction that has a rate for sound or images alone are of these.
5. An answer without units (a chat with a model that also does a task) is priced as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import msgspec

from tollbridge.catalog.parts import told_cost
from tollbridge.catalog.pricing import COST_MAX_NANOUSD, Tariff
from tollbridge.model.response import AUDIO_MS, CHARACTERS, IMAGES, SEARCH_UNITS, Usage

PRICE_OF: Mapping[str, tuple[tuple[str, ...], int]] = {
    CHARACTERS: (("per_character_in", "per_character"), 1),
    AUDIO_MS: (("per_second_in", "per_second"), 1000),
    IMAGES: (("per_image", "per_image_in"), 1),
    SEARCH_UNITS: (("per_query",), 1),
}
"""By unit: the classes that may name its price, and how many of it are one of theirs."""
UNIT_CLASSES = frozenset(kind for kinds, _ in PRICE_OF.values() for kind in kinds)
TASK_MODES = frozenset(
    {"embedding", "rerank", "moderation", "audio_speech", "audio_transcription", "image_generation", "image_edit"}
)
"""The catalog's words for models that do a task. Their seconds are of sound, not of waiting."""

_TAKEN = ("audio_input", "image_input")
_MADE = ("audio_output", "image_output")
_SECONDS = frozenset({"per_second", "per_second_in"})
_NOTHING = Usage()


class UnitTariff(Tariff):
    """A tariff with rates for units. `rates`: nano-dollars for a million of each."""

    __slots__ = ("_makes", "_paid", "rates")

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
        unseconded = {price: rate for price, rate in prices.items() if price not in _SECONDS}
        for plain, kinds in (("input", _TAKEN), ("output", _MADE)):
            rates = [unseconded[kind] for kind in kinds if kind in unseconded]
            if rates:
                unseconded.setdefault(plain, max(rates))
        super().__init__(unseconded, priced, tells_cost=tells_cost, times=times, added_nanousd=added_nanousd, kin=kin)
        self.rates: Mapping[str, Fraction] = {
            unit: Fraction(rate, per)
            for unit, (kinds, per) in PRICE_OF.items()
            if (rate := next(filter(None, (prices.get(kind) for kind in kinds)), None)) is not None
        }
        self.prices = prices
        self._listed = bool(prices)
        self._makes = any(prices.get(kind) for kind in _MADE)
        self._paid = any(prices.values())
        self.free = self._listed and not self._paid and not added_nanousd and not tells_cost
        self.covers = self._listed or tells_cost

    def cost(self, usage: Usage, service_tier: str | None = None, seconds: float | None = None) -> int | None:
        units = usage.units
        if units is None:
            return super().cost(usage, service_tier, seconds)
        counted = msgspec.structs.replace(usage, units=None)
        by_units = self._of_units(units)
        by_tokens = super().cost(counted, service_tier)
        if by_tokens is None and by_units:
            by_tokens = super().cost(_NOTHING)
        if by_tokens is None:
            return None
        if not by_units and self._paid and not self._was_counted(counted, by_tokens):
            return None
        total = by_tokens + by_units
        return total if total <= COST_MAX_NANOUSD else None

    def worst_of(self, usage: Usage, output_tokens: int, service_tier: str | None = None) -> int | None:
        """What a request costs at most that is measured at most by `usage` and gives `output_tokens` at most. None:
        unknown; also where nothing that is counted would cost anything."""
        by_units = self._of_units(usage.units or {})
        by_tokens = self.worst(usage.input, output_tokens, service_tier)
        if by_tokens is None and not by_units:
            return 0 if self.free else None
        return (by_tokens or 0) + by_units

    def _of_units(self, units: Mapping[str, int]) -> int:
        """Nano-dollars, rounded once, half up."""
        total = sum((count * self.rates[unit] for unit, count in units.items() if unit in self.rates), Fraction(0))
        return int(total * Fraction(self._times, self._per) + Fraction(1, 2))

    def _was_counted(self, usage: Usage, cost: int) -> bool:
        """Its tokens are what is paid for, or the provider told what it charged."""
        if self._tells_cost and told_cost(usage) is not None:
            return True
        if self._makes and not (usage.output or usage.audio_output or usage.image_output):
            return False
        return cost > (super().cost(_NOTHING) or 0)


def worst_of(tariff: Tariff, usage: Usage, output_tokens: int, service_tier: str | None = None) -> int | None:
    """`UnitTariff.worst_of`, also of a tariff that knows no units."""
    if isinstance(tariff, UnitTariff):
        return tariff.worst_of(usage, output_tokens, service_tier)
    return tariff.worst(usage.input, output_tokens, service_tier)
