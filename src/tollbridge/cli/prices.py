"""`tollbridge prices`: what models cost, in dollars per million tokens, and where that is known from."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence

import click
import msgspec

from tollbridge.catalog.facts import ModelFacts, catalog, facts
from tollbridge.catalog.near import near
from tollbridge.catalog.price_names import charged
from tollbridge.errors import NotFoundError
from tollbridge.providers.names import locate
from tollbridge.providers.table import ROWS

COLUMNS = ("input", "output", "cache_read", "cache_write")
SHOWN_MAX = 100
PER_UNIT = {
    "search_low": "a search, little context",
    "search_medium": "a search",
    "search_high": "a search, much context",
    "per_request": "a request",
}
"""Classes that are not by the token, in words."""


class Priced(msgspec.Struct, kw_only=True):
    """What `--json` prints of a model; this shape is kept. `prices`: nano-dollars per million units by
    `class[>tokens][@service]`; empty where none is known."""

    name: str
    mode: str
    max_input_tokens: int | None
    max_output_tokens: int | None
    prices: dict[str, int]
    date: str
    source: str
    listed_by: str


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--json", "as_json", is_flag=True, help="The whole lists, as JSON.")
@click.option("--all", "everything", is_flag=True, help=f"Show all that are found, also more than {SHOWN_MAX}.")
def prices(models: Sequence[str], as_json: bool, everything: bool) -> None:
    """Show what models cost, and where that is known from.

    MODEL is a name (`gpt-4o`, `groq/llama-3.3-70b-versatile`), shown with all its tiers and services, or a part of
    names. Dollars per million tokens, where nothing else is said. Exit code 1 where a MODEL is not known.

    Example: tollbridge prices claude-sonnet-4-5 mistral/
    """
    found = [(model, _found(model)) for model in models or [""]]
    if as_json:
        rows = [_as_json(known) for _, several in found for known in several]
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2))
    else:
        for model, several in found:
            click.echo("\n".join(_told(model, several, everything)))
        click.echo(f"\nPrices of {catalog().date}, from {catalog().source}.")
    if not all(several for _, several in found):
        sys.exit(1)


def _found(model: str) -> list[ModelFacts]:
    """The one of this name, or all whose names hold it."""
    exact = _exact(model) if model else None
    if exact is not None:
        return [exact]
    known = catalog()
    part = model.lower()
    names = [name for name in known.full_names() if part in name.lower()]
    return [made for name in names if (made := facts(*_split(name))) is not None]


def _exact(model: str) -> ModelFacts | None:
    provider, slash, name = model.partition("/")
    if slash and (known := facts(provider, name)) is not None:
        return known
    try:
        row, name = locate(model, ROWS)
    except NotFoundError:
        return None
    return facts(row.name, name)


def _split(name: str) -> tuple[str, str]:
    provider, _, model = name.partition("/")
    return provider, model


def _told(model: str, found: Sequence[ModelFacts], everything: bool) -> Iterable[str]:
    if not model:
        return _overview(found)
    if not found:
        close = near(model)
        return [f"{model}: no price is known" + (f"; did you mean {' or '.join(close)}?" if close else ".")]
    if len(found) == 1:
        return _in_full(found[0])
    shown = found if everything else found[:SHOWN_MAX]
    more = [f"... and {len(found) - len(shown)} more: see --all"] if len(shown) < len(found) else []
    return [*_table(shown), *more]


def _overview(found: Sequence[ModelFacts]) -> Iterable[str]:
    counts = Counter(known.provider for known in found)
    width = max(map(len, counts))
    yield f"{len(found):,} models. Name one, or a part of names, such as a provider:"
    yield from (f"  {provider + '/':<{width + 1}} {count:>6,}" for provider, count in sorted(counts.items()))


def _table(found: Sequence[ModelFacts]) -> Iterable[str]:
    width = max(len(_name(known)) for known in found)
    yield f"{'$ per million tokens':<{width}}" + "".join(f"{column:>13}" for column in COLUMNS)
    for known in found:
        cells = [_column(known, column) for column in COLUMNS] if known.prices else ["unknown"]
        yield f"{_name(known):<{width}}" + "".join(f"{cell:>13}" for cell in cells)


def _column(known: ModelFacts, price: str) -> str:
    rate = known.prices.get(price)
    return _dollars(None if rate is None else _per(price, rate))


def _in_full(known: ModelFacts) -> Iterable[str]:
    yield _name(known)
    if known.max_input_tokens:
        written = f", writes up to {known.max_output_tokens:,}" if known.max_output_tokens else ""
        yield f"  reads up to {known.max_input_tokens:,} tokens{written}"
    prices = sorted((price for price in known.prices if charged(price)), key=_place)
    if not prices:
        yield "  no price is known"
    words = {price: _in_words(price) for price in prices}
    width = max(map(len, words.values()), default=0)
    for price in prices:
        cost = _dollars(_per(price, known.prices[price]))
        yield f"  {words[price]:<{width}}  {cost:>12}{' $' if price in PER_UNIT else ' $/M'}"
    by = {"both": "litellm and genai-prices agree", "both, and they differ": "litellm and genai-prices differ"}
    yield f"  listed by {known.listed_by}" if known.listed_by not in by else f"  {by[known.listed_by]}"
    if known.source:
        yield f"  {known.source}"


def _place(price: str) -> tuple[bool, str, int, str, int]:
    """Tokens before pieces, the plain list before those of services; input and output first."""
    kind, tier, service = _apart(price)
    at = COLUMNS.index(kind) if kind in COLUMNS else len(COLUMNS)
    return kind in PER_UNIT, service, at, kind, int(tier or 0)


def _apart(price: str) -> tuple[str, str, str]:
    """Its class, its tier and its service; "" where it has none."""
    head, _, service = price.partition("@")
    kind, _, tier = head.partition(">")
    return kind, tier, service


def _in_words(price: str) -> str:
    kind, tier, service = _apart(price)
    words = PER_UNIT.get(kind, kind.replace("_", " "))
    if service:
        words += f", {service.replace('+', ', ')}"
    return words + (f", from {int(tier) + 1:,} tokens on" if tier else "")


def _per(price: str, rate: int) -> float:
    return rate / 10**15 if price in PER_UNIT else rate / 10**9


def _dollars(amount: float | None) -> str:
    if amount is None:
        return "-"
    return f"{amount:.6f}".rstrip("0").rstrip(".") if amount else "0"


def _name(known: ModelFacts) -> str:
    return f"{known.provider}/{known.name}"


def _as_json(known: ModelFacts) -> Priced:
    return Priced(
        name=_name(known),
        mode=known.mode,
        max_input_tokens=known.max_input_tokens,
        max_output_tokens=known.max_output_tokens,
        prices=dict(known.prices),
        date=catalog().date,
        source=known.source,
        listed_by=known.listed_by,
    )
