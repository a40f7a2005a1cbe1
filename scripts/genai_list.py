"""What PyPI's genai-prices (MIT, (c) Pydantic Services Inc.) says of a model on a day, in the catalog's words.

It keeps history (`ConditionalPrice` with a date), hours of the day, tiers and services; names are matched by patterns.
A service there changes some prices of the plain list and keeps the others, which is spelled out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from genai_prices import types
from genai_prices.data import providers

PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "baseten": "baseten",
    "bedrock": "aws",
    "cerebras": "cerebras",
    "cloudflare": "cloudflare",
    "cohere": "cohere",
    "databricks": "databricks",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "github_copilot": "github-copilot",
    "groq": "groq",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "novita": "novita",
    "openai": "openai",
    "openrouter": "openrouter",
    "ovhcloud": "ovhcloud",
    "perplexity": "perplexity",
    "together_ai": "together",
    "vertex_ai": "google",
    "voyage": "voyageai",
    "xai": "x-ai",
    "zai": "zai",
}
"""Our provider -> theirs."""

CLASSES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "output_citation_mtok": "citation",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "cache_audio_read_mtok": "audio_cache_read",
    "input_image_mtok": "image_input",
    "output_image_mtok": "image_output",
    "cache_image_read_mtok": "image_cache_read",
    "input_video_mtok": "video_input",
    "output_video_mtok": "video_output",
}
PER_THOUSAND = {"web_searches_kcount": ("search_low", "search_medium", "search_high")}
"""Not `requests_kcount`: what a request costs besides hangs on how far it searched, which that list does not ask."""
SERVICES = {"service_tier": None, "speed": None, "processing": None}
"""The conditions that name a service; others (a route, a kind of search) are no prices of the model itself."""

Prices = dict[str, int]


@dataclass(frozen=True)
class Listed:
    """`earlier`: plain lists that held before the day. `timed`: the price hangs on the hour; the dearest is taken."""

    id: str
    prices: Prices
    context_window: int | None
    url: str
    earlier: tuple[Prices, ...] = ()
    timed: bool = False
    names: tuple[str, ...] = field(default=())


@cache
def _by_id() -> dict[str, types.Provider]:
    return {provider.id: provider for provider in providers}


def find(provider: str, model: str, on: date) -> Listed | None:
    theirs = _by_id().get(PROVIDERS.get(provider, ""))
    found = None if theirs is None else theirs.find_model(model)
    return None if theirs is None or found is None else _listed(theirs, found, on)


def every(provider: str, on: date) -> Iterator[Listed]:
    theirs = _by_id()[PROVIDERS[provider]]
    return (_listed(theirs, model, on) for model in theirs.models)


def _listed(provider: types.Provider, model: types.ModelInfo, on: date) -> Listed:
    conditional = [] if isinstance(model.prices, types.ModelPrice) else model.prices
    timed = any(isinstance(price.constraint, types.TimeOfDateConstraint) for price in conditional)
    moments = [datetime.combine(on, time(hour), UTC) for hour in (range(24) if timed else [12])]
    plain = max((_prices(model.get_prices(moment)) for moment in moments), key=lambda prices: prices.get("input", 0))
    return Listed(
        id=model.id,
        prices=plain | _services(model, plain, moments[0]),
        context_window=model.context_window,
        url=(provider.pricing_urls or [""])[0],
        earlier=tuple(_prices(price.prices) for price in conditional if _prices(price.prices) != plain),
        timed=timed,
        names=tuple(dict.fromkeys([model.id, *_equals(model.match)])),
    )


def _services(model: types.ModelInfo, plain: Prices, moment: datetime) -> Prices:
    found: dict[str, Prices] = {}
    for variant in model.price_variants or ():
        ((condition, service), *others) = variant.when.items()
        if others or condition not in SERVICES or service == "default":
            continue
        if variant.constraint is None or variant.constraint.active(moment):
            changed = _prices(variant.prices)
            known = found.setdefault(service, {})
            known.update({price: rate for price, rate in changed.items() if _kind(price) not in map(_kind, known)})
    return {
        f"{price}@{service}": rate
        for service, changed in found.items()
        for price, rate in ({p: r for p, r in plain.items() if _kind(p) not in map(_kind, changed)} | changed).items()
        if changed and not price.startswith(("search_", "per_"))
    }


def _kind(price: str) -> str:
    return price.partition(">")[0]


def _prices(listed: types.ModelPrice) -> Prices:
    found: Prices = {}
    for key, price in vars(listed).items():
        if price is None:
            continue
        for kind in (CLASSES[key],) if key in CLASSES else PER_THOUSAND.get(key, ()):
            per_million = Decimal(10) ** (9 if key in CLASSES else 12)
            if isinstance(price, types.TieredPrices):
                found[kind] = _whole(price.base * per_million)
                found |= {f"{kind}>{tier.start}": _whole(tier.price * per_million) for tier in price.tiers}
            else:
                found[kind] = _whole(price * per_million)
    return found


def _whole(exact: Decimal) -> int:
    """Some of their prices are quotients with an endless fraction."""
    return int(exact.to_integral_value(ROUND_HALF_UP))


def _equals(match: object) -> Iterator[str]:
    """The names that a pattern spells out."""
    if isinstance(match, types.ClauseEquals):
        yield match.equals
    elif isinstance(match, types.ClauseOr):
        for clause in match.or_:
            yield from _equals(clause)
