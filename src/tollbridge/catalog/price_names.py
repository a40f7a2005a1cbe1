"""The names of prices: ours, and LiteLLM's, in which configurations and their users write them.

Ours are a small grammar, `class[>tokens][@service]`: `cache_read>200000@batch` is what a token read from the cache
costs in a batch, where the request has more than 200,000 tokens. A price is an integer: nano-dollars per million units.

LiteLLM has a field for each product of class x tier x service, in dollars per unit; `class_of` reads those that can be
charged here. Others (pages, pixels, sessions, storage) are prices of tasks that are not served.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal

from tollbridge.model.json import Json

NANO_PER_MILLION = Decimal(10) ** 15

CLASSES: Mapping[str, str] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cache_read",
    "input_cost_per_token_cache_hit": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_creation_input_token_cost_above_12hr": "cache_write_12h",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "cache_read_input_audio_token_cost": "audio_cache_read",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_image_token": "image_output",
    "cache_read_input_image_token_cost": "image_cache_read",
    "input_cost_per_video_token": "video_input",
    "output_cost_per_video_token": "video_output",
    "citation_cost_per_token": "citation",
    "input_cost_per_image": "per_image_in",
    "output_cost_per_image": "per_image",
    "input_cost_per_pixel": "per_pixel_in",
    "output_cost_per_pixel": "per_pixel",
    "input_cost_per_second": "per_second_in",
    "output_cost_per_second": "per_second",
    "input_cost_per_character": "per_character_in",
    "output_cost_per_character": "per_character",
    "input_cost_per_query": "per_query",
    "input_cost_per_request": "per_request",
    "ocr_cost_per_page": "per_page",
}
SEARCH: Mapping[str, str] = {
    "search_context_size_low": "search_low",
    "search_context_size_medium": "search_medium",
    "search_context_size_high": "search_high",
}
SERVICES: Mapping[str, str] = {
    "batches": "batch",
    "priority": "priority",
    "flex": "flex",
    "ultrafast": "ultrafast",
    "balanced": "balanced",
}
CHARGED = frozenset(
    {"input", "output", "reasoning", "cache_read", "cache_write", "cache_write_1h", "audio_input", "audio_output"}
    | {"audio_cache_read", "image_input", "image_output", "image_cache_read"}
    | {"per_second", "per_second_in", "per_request", *SEARCH.values()}
    | {"per_character_in", "per_character", "per_image", "per_image_in", "per_query"}
)
"""The classes that an answer can be charged by: the rest are kept in the catalog, and nothing counts them yet."""

DEAR_NANO = {"second": 10**15, "token": 10**12}
"""A dollar a second, a tenth of a cent a token (1,000 dollars per million): no model is so dear, by far. Who writes
more has most likely written dollars per million tokens, or per thousand."""

_TABLES = frozenset({"search_context_cost_per_query", "tiered_pricing"})
_FIELD = re.compile(rf"(?P<base>.+?)(?:_above_(?P<tokens>\d+)k_tokens)?(?:_(?P<service>{'|'.join(SERVICES)}))?")


def class_of(field: str) -> str | None:
    """`input_cost_per_token_above_200k_tokens_batches` -> `input>200000@batch`; None where it is no price of ours."""
    plain = CLASSES.get(field)
    if plain is not None:
        return plain
    matched = _FIELD.fullmatch(field)
    if matched is None or matched["base"] not in CLASSES:
        return None
    tier = f">{int(matched['tokens'])}000" if matched["tokens"] else ""
    service = f"@{SERVICES[matched['service']]}" if matched["service"] else ""
    return f"{CLASSES[matched['base']]}{tier}{service}"


def field_of(price: str) -> str | None:
    """The way back: LiteLLM's name for one of our classes."""
    service = price.partition("@")[2]
    kind, _, tier = price.partition("@")[0].partition(">")
    base = _FIELD_OF.get(kind)
    if base is None or (service and service not in _SERVICE_OF):
        return None
    above = f"_above_{int(tier) // 1000}k_tokens" if tier else ""
    return base + above + (f"_{_SERVICE_OF[service]}" if service else "")


_FIELD_OF = {kind: field for field, kind in reversed(list(CLASSES.items()))}
_BY_THE_PIECE = frozenset(kind for kind in CLASSES.values() if kind.startswith("per_") and "second" not in kind) | {
    *SEARCH.values()
}
_SERVICE_OF = {ours: theirs for theirs, ours in SERVICES.items()}


USUAL_PRICES = tuple(
    f"{base}{end}"
    for base in CLASSES
    for end in ("", "_above_200k_tokens", "_batches", "_priority", "_flex")
    if base in ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost") or not end
)
"""LiteLLM's names that people write, for near names of what they mistyped."""


def dear(price: str, rate: int) -> str | None:
    """What is odd about a price that nobody asks; None of one that somebody might."""
    kind = re.split("[>@]", price, maxsplit=1)[0]
    if kind in _BY_THE_PIECE:
        return None
    unit = "second" if kind.startswith("per_second") else "token"
    if rate <= DEAR_NANO[unit]:
        return None
    dollars = _plain(Decimal(rate) / NANO_PER_MILLION)
    if unit == "second":
        return f"is ${dollars} for each second, ${_plain(Decimal(rate) * 3600 / NANO_PER_MILLION)} an hour"
    meant = _plain(Decimal(rate) / NANO_PER_MILLION / 1_000_000)
    return (
        f"is ${dollars} for each token, ${_plain(Decimal(rate) / 10**9)} per million: prices are in dollars per token. "
        f"For ${dollars} per million write {meant}"
    )


def _plain(number: Decimal) -> str:
    """Without an exponent, and without zeros at its end."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_price(field: str) -> bool:
    """Whether `prices_of` looks at it."""
    return field in _TABLES or class_of(field) is not None


def charged(price: str) -> bool:
    return re.split("[>@]", price, maxsplit=1)[0] in CHARGED


def nano(dollars: float | Decimal | str) -> int:
    """Dollars per unit, as they are written (text that spells a number is one) -> nano-dollars per million units, half
    up. Raises ValueError for what is no price: negative, infinite, or less than a nano-dollar per million."""
    try:
        exact = Decimal(str(dollars)) * NANO_PER_MILLION
    except ArithmeticError as error:
        raise ValueError(f"{dollars!r} is no price: a number of dollars per unit is") from error
    whole = int(exact.to_integral_value(ROUND_HALF_UP)) if exact.is_finite() else -1
    if whole < 0 or exact < 0:
        raise ValueError(f"{dollars!r} is no price: a number of dollars per unit, not negative, is")
    if whole == 0 and exact != 0:
        raise ValueError(f"{dollars!r} is no price: it is less than a nano-dollar for a million units")
    return whole


def prices_of(fields: Mapping[str, Json]) -> dict[str, int]:
    """What LiteLLM's fields among these say, in our names. Raises ValueError that names the field."""
    found: dict[str, int] = {}
    for field, value in fields.items():
        if field == "search_context_cost_per_query" and isinstance(value, Mapping):
            found.update(_prices(((size, SEARCH.get(size)), price) for size, price in value.items()))
        elif field == "tiered_pricing" and isinstance(value, list):
            found.update(_tiers(value))
        else:
            found.update(_prices([((field, class_of(field)), value)]))
    return dict(sorted(found.items()))


def _prices(named: Iterable[tuple[tuple[str, str | None], Json]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for (field, price), value in named:
        if price is None or value is None:
            continue
        if isinstance(value, bool):
            raise ValueError(f"{field}: {value!r} is no price")
        try:
            found[price] = nano(value)
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from error
    return found


def _start(said: Json) -> int:
    first = said[0] if isinstance(said, list) and said else None
    if isinstance(first, bool) or not isinstance(first, int | float | Decimal) or not 0 <= first < 1e12:
        raise ValueError(f"tiered_pricing: {said!r} is no range: two numbers of tokens are")
    return int(first)


def _tiers(listed: list[Json]) -> dict[str, int]:
    """Tiers by input length: the first starts at 0 and is the plain price."""
    found: dict[str, int] = {}
    for tier in listed:
        start = _start(tier["range"]) if "range" in tier else 0
        for field, kind in CLASSES.items():
            if field in tier:
                found[f"{kind}>{start}" if start else kind] = nano(tier[field])
    return found
