"""Lists of prices outside the package: the file that a configuration names, and LiteLLM's table.

The file is JSON, written by `tollbridge prices update`; each of its entries takes the place of the catalog's whole list
of that model:

    {"models": {"openai/gpt-4o": {"since": "2026-11-26", "source": "https://...", "prices": {"input": 2500000000}}}}

Prices are integers, nano-dollars per million units, by the names of `price_names`. `since` is the day on which the
entry was written, and what the ledger says of requests that were charged by it (`file 2026-11-26`).

A file is read whole or not at all. Of LiteLLM's table, which others write, what cannot be read is left out and told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec

from tollbridge.catalog.price_names import CLASSES, SEARCH, charged, is_price, prices_of
from tollbridge.model.json import Json, JsonObject

SUB_PROVIDERS = {
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "ollama_chat": "ollama",
    "azure_text": "azure",
    "text-completion-openai": "openai",
    "text-completion-codestral": "codestral",
    "fireworks_ai-embedding-models": "fireworks_ai",
}
"""LiteLLM's, by the provider whose account pays."""
RATE_MAX = 10**18
"""A thousand dollars for a token."""
_CLASSES = frozenset({*CLASSES.values(), *SEARCH.values()})
_PRICE = re.compile(r"(?P<kind>[a-z0-9_]+)(?:>[1-9]\d{0,9})?(?:@[a-z0-9_]+(?:\+[a-z0-9_]+)*)?")


class FiledPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model's list. `source`: the page that it is from, "" where that is not known."""

    prices: Mapping[str, int]
    since: date
    source: str = ""

    @property
    def priced(self) -> str:
        """As the ledger says whose prices these are."""
        return f"file {self.since}"


class PriceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`models`: by `provider/model`."""

    models: Mapping[str, FiledPrices] = {}


class Offered(msgspec.Struct, frozen=True):
    """What a list says. `models`: prices that an answer can be charged by, by `provider/model`. `sources`: of those
    that name a page. `left_out`: what could not be read, as sentences."""

    models: Mapping[str, Mapping[str, int]]
    sources: Mapping[str, str] = {}
    left_out: tuple[str, ...] = ()


def read_price_file(text: bytes) -> PriceFile:
    """Raises ValueError where it is none, or holds what is no price."""
    try:
        found = msgspec.json.decode(text, type=PriceFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    for model, entry in found.models.items():
        if "/" not in model:
            raise ValueError(f"{model!r}: a model is named with its provider, as in openai/gpt-4o")
        _check(model, entry.prices)
    return found


def write_price_file(file: PriceFile) -> bytes:
    """Models and prices in the order of their names, so that two versions can be compared line by line."""
    ordered = {
        model: {"since": str(one.since), "source": one.source, "prices": dict(sorted(one.prices.items()))}
        for model, one in sorted(file.models.items())
    }
    return msgspec.json.format(msgspec.json.encode({"models": ordered}), indent=2) + b"\n"


def read_offered(text: bytes) -> Offered:
    """A list in any of the shapes that there are: the file above, what `tollbridge prices --json` prints, LiteLLM's
    table. Raises ValueError where it is none of them."""
    try:
        said = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}") from error
    match said:
        case {"models": dict()}:
            filed = read_price_file(text).models
            return Offered(
                {model: _charged(one.prices) for model, one in filed.items()},
                {model: one.source for model, one in filed.items() if one.source},
            )
        case [*rows]:
            return _printed(rows)
        case dict() if any(isinstance(row, dict) and "litellm_provider" in row for row in said.values()):
            return _litellm(said)
    raise ValueError(
        "it is no price list: neither LiteLLM's table (model_prices_and_context_window.json), nor what "
        "`tollbridge prices show --json` prints, nor a prices file"
    )


def provider_of(name: str) -> str:
    """Ours, by LiteLLM's `litellm_provider`."""
    return "vertex_ai" if name.startswith("vertex_ai") else SUB_PROVIDERS.get(name, name)


def multiplied(ours: Mapping[str, int], row: JsonObject) -> dict[str, int]:
    """Anthropic's prices of speed and place are multiples of all token prices
    (https://platform.claude.com/docs/en/about-claude/pricing, seen 2026-11-21)."""
    told = row.get("provider_specific_entry") or {}
    if not isinstance(told, dict):
        raise ValueError("`provider_specific_entry` is no object")
    made: dict[str, int] = {}
    if row["litellm_provider"] != "anthropic":
        return made
    for word in ("fast", "us"):
        times = told.get(word)
        if not times:
            continue
        for price, rate in {**ours, **made}.items():
            if price.startswith(("search_", "per_")) or (word == "fast" and "@" in price):
                continue
            joined = f"{price}{'+' if '@' in price else '@'}{word}"
            made.setdefault(joined, int(rate * Decimal(times)))
    return {price: rate for price, rate in made.items() if price not in ours}


def _litellm(table: JsonObject) -> Offered:
    """A row under its provider's name stands before one under a bare name."""
    models: dict[str, Mapping[str, int]] = {}
    sources: dict[str, str] = {}
    left_out: list[str] = []
    for key, row in table.items():
        if not isinstance(row, dict) or not isinstance(row.get("litellm_provider"), str) or key == "sample_spec":
            continue
        provider = provider_of(row["litellm_provider"])
        full = f"{provider}/{key.removeprefix(provider + '/')}"
        if full in models and key != full:
            continue
        try:
            prices = prices_of({name: value for name, value in row.items() if value is not None and is_price(name)})
            prices = _charged({**prices, **multiplied(prices, row)})
            _check(key, prices)
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            left_out.append(f"{key}: {error}")
            continue
        if prices:
            models[full] = prices
            if isinstance(row.get("source"), str) and row["source"].startswith(("http://", "https://")):
                sources[full] = row["source"]
    return Offered(models, sources, tuple(left_out))


def _printed(rows: list[Json]) -> Offered:
    models: dict[str, Mapping[str, int]] = {}
    sources: dict[str, str] = {}
    for row in rows:
        match row:
            case {"name": str(name), "prices": dict(prices)} if "/" in name:
                _check(name, prices)
                if prices:
                    models[name] = _charged(prices)
                    sources[name] = str(row.get("source") or "")
            case _:
                raise ValueError("it is no price list: each of a list has a `name` (provider/model) and `prices`")
    return Offered(models, {name: source for name, source in sources.items() if source})


def _charged(prices: Mapping[str, int]) -> dict[str, int]:
    return {price: rate for price, rate in sorted(prices.items()) if charged(price)}


def _check(model: str, prices: Mapping[str, Json]) -> None:
    for price, rate in prices.items():
        named = _PRICE.fullmatch(price)
        if named is None or named["kind"] not in _CLASSES:
            raise ValueError(f"{model}: {price!r} is no name of a price")
        if isinstance(rate, bool) or not isinstance(rate, int) or not 0 <= rate <= RATE_MAX:
            raise ValueError(f"{model}: {price}: a price is a whole number of nano-dollars per million, not {rate!r}")
