"""Facts about a model under LiteLLM's names, as its users read them: prices are dollars per unit here, for reading.
Costs are computed from the integers that they are made of."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.catalog.facts import INFO_FEATURES, ModelFacts
from tollbridge.catalog.price_names import NANO_PER_MILLION, SEARCH, field_of
from tollbridge.model.json import JsonObject

_ALWAYS = (
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_creation_input_token_cost",
    "cache_read_input_token_cost",
    "output_cost_per_reasoning_token",
    "input_cost_per_audio_token",
    "output_cost_per_audio_token",
)
_SIZES = {price: size for size, price in SEARCH.items()}


def told_facts(key: str, known: ModelFacts, prices: Mapping[str, int] | None = None) -> JsonObject:
    """`max_input_tokens`, `max_output_tokens`, prices, `supports_*` (None where nobody says), `mode`,
    `litellm_provider`. `prices`: where they are not those of `known`."""
    info: JsonObject = {
        "key": key,
        "litellm_provider": known.provider,
        "mode": known.mode or None,
        "max_tokens": known.max_output_tokens or known.max_input_tokens,
        "max_input_tokens": known.max_input_tokens,
        "max_output_tokens": known.max_output_tokens,
        **dict.fromkeys(_ALWAYS),
    }
    searches: JsonObject = {}
    for price, rate in (known.prices if prices is None else prices).items():
        dollars = rate / int(NANO_PER_MILLION)
        field = field_of(price)
        if field is not None:
            info[field] = dollars
        elif price in _SIZES:
            searches[_SIZES[price]] = dollars
    if searches:
        info["search_context_cost_per_query"] = searches
    for field, feature in INFO_FEATURES.items():
        info[field] = True if feature in known.features else False if feature in known.lacks else None
    info["source"] = known.source or None
    return info
