"""`tollbridge prices`: what models cost, in dollars per million tokens, and where that is known from.

`tollbridge prices NAME` is `tollbridge prices show NAME`.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import click
import msgspec
from click.shell_completion import CompletionItem

from tollbridge.catalog.facts import ModelFacts, catalog
from tollbridge.catalog.near import near
from tollbridge.catalog.price_names import charged
from tollbridge.cli.ending import FAILED, errors_told
from tollbridge.cli.indented import indented
from tollbridge.cli.price_lookup import EACH, Listed, in_catalog
from tollbridge.cli.price_words import COLUMNS, in_words, per, place_of, unit_of
from tollbridge.cli.screen import is_terminal

SHOWN_MAX = 100
_TIMED = {"per_second", "per_second_in"}

HEAD = "$ per million tokens"
CELL = 13
GIVE_ONE = "Give it one in the configuration: input_cost_per_token and output_cost_per_token."
SHORT = {"local": "nothing", "provider": "told", EACH: "of each", "": "unknown"}
LONG = {
    "local": "costs nothing: it is local. A configuration may give it a price (input_cost_per_token ..., or "
    "input_cost_per_second).",
    "provider": "no list: its provider says with each answer what it charged, and that counts.",
    EACH: "each model costs what the catalog says of it.",
    "": f"no price is known. {GIVE_ONE}",
}
"""What is said in place of a list, by whose prices count."""


class Priced(msgspec.Struct, kw_only=True):
    """What `--json` prints of a model; this shape is kept. `prices`: nano-dollars per million units by
    `class[>tokens][@service]`; empty where none is known. `priced`: whose prices these are, as the ledger says it: the
    catalog's date, `config`, `file` and a day (of the prices file), `local` (it costs nothing), `provider` (which tells
    the cost of each answer), `each` for a wildcard, or "" where nobody knows. `group`: its name in the
    configuration."""

    group: str
    name: str
    priced: str
    mode: str
    max_input_tokens: int | None
    max_output_tokens: int | None
    prices: dict[str, int]
    date: str
    source: str
    listed_by: str


LATER = ("diff", "update")


class Showing(click.Group):
    """A word that is none of its commands is a model's name, and options belong to `show`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["show", *LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in LATER:
            return super().get_command(ctx, cmd_name)
        from tollbridge.cli import price_update  # reads configurations: time that `show` need not spend

        command: click.Command = getattr(price_update, cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = args and (args[0] in ("-h", "--help") or args[0] in self.list_commands(ctx))
        if not own and not (ctx.resilient_parsing and not args):  # a shell that completes may still get a command
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        shown = self.commands["show"]
        own = {item.value: item for item in super().shell_complete(ctx, incomplete)}
        for item in shown.shell_complete(click.Context(shown), incomplete):
            own.setdefault(item.value, item)
        return list(own.values())


@click.group(cls=Showing)
def prices() -> None:
    """Show what models cost, compare lists of prices, and take new ones over.

    `tollbridge prices MODEL` is short for `tollbridge prices show MODEL`.

    Exit codes: 0 done, 1 where nothing is known of a MODEL, or two lists differ, 2 what was given cannot be used.

    Example:

    \b
      tollbridge prices claude-sonnet-4-5 mistral/
      tollbridge prices diff model_prices_and_context_window.json
      tollbridge prices update prices.json --config config.yaml --write
    """


@prices.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--config", "-c", "config", type=click.Path(path_type=Path), help="Show what its models cost instead.")
@click.option("--json", "as_json", is_flag=True, help="The whole lists, as JSON, in nano-dollars per million units.")
@click.option("--all", "everything", is_flag=True, help=f"Show all that are found, also more than {SHOWN_MAX}.")
def show(models: Sequence[str], config: Path | None, as_json: bool, everything: bool) -> None:
    """Show what models cost, and where that is known from.

    MODEL is a name (`gpt-4o`, `groq/llama-3.3-70b-versatile`), shown with all its tiers and services, or a part of
    names. US dollars per million tokens, where nothing else is said.

    With --config, MODEL is a name in its model_list, and its own prices count; discounts and margins are not in them.

    Exit codes: 0 shown, 1 where nothing is known of a MODEL, 2 an option or a configuration that cannot be used.

    Example:

    \b
      tollbridge prices show claude-sonnet-4-5 mistral/
      tollbridge prices show --config config.yaml
    """
    look = in_catalog if config is None else _in_config(config)
    found = [(model, look(model)) for model in models or [""]]
    if as_json:
        rows = [_as_json(one) for _, several in found for one in several]
        click.echo(indented(rows))
    else:
        for model, several in found:
            click.echo("\n".join(_told(model, several, everything, own=config is not None)))
        click.echo(f"\nPrices of {catalog().date}, from {catalog().source}.")
    if not all(several for _, several in found):
        sys.exit(FAILED)


def _in_config(path: Path) -> Callable[[str], list[Listed]]:
    from tollbridge.cli.own_prices import in_config  # most of a second that the catalog alone need not spend
    from tollbridge.cli.place import place

    with errors_told():
        found = place(path)
    return partial(in_config, found.config, found.environ)


def _told(model: str, found: Sequence[Listed], everything: bool, *, own: bool) -> Iterable[str]:
    if not model and not own:
        return _overview(found)
    if not found and own:
        return [f"{model}: the configuration has no such model." if model else "The configuration has no model_list."]
    if not found:
        close = near(model)
        return [f"{model}: no price is known" + (f"; did you mean {' or '.join(close)}?" if close else f". {GIVE_ONE}")]
    if len(found) == 1:
        return _in_full(found[0])
    shown = found if everything else found[:SHOWN_MAX]
    more = [f"... and {len(found) - len(shown)} more: see --all"] if len(shown) < len(found) else []
    return [*_table(shown), *more]


def _overview(found: Sequence[Listed]) -> Iterable[str]:
    counts = Counter(one.known.provider for one in found)
    width = max(map(len, counts))
    yield f"{len(found):,} models. Name one, or a part of names, such as a provider:"
    yield from (f"  {provider + '/':<{width + 1}} {count:>6,}" for provider, count in sorted(counts.items()))


def _table(found: Sequence[Listed]) -> Iterable[str]:
    """On a terminal that is too narrow a long name has a line for itself."""
    width = max(len(HEAD), *(len(_name(one)) for one in found))
    if is_terminal(sys.stdout):
        width = max(len(HEAD), min(width, shutil.get_terminal_size().columns - CELL * len(COLUMNS)))
    yield f"{HEAD:<{width}}" + "".join(f"{column:>{CELL}}" for column in COLUMNS)
    for one in found:
        name = _name(one)
        if len(name) > width:
            yield name
            name = ""
        yield f"{name:<{width}}" + "".join(f"{cell:>{CELL}}" for cell in _row(one))


def _row(one: Listed) -> Sequence[str]:
    if one.priced in SHORT:
        return [SHORT[one.priced]]
    cells = [_column(one.known, column) for column in COLUMNS]
    timed = [rate for price, rate in one.known.prices.items() if price in _TIMED]
    return [*cells, f"{_dollars(sum(timed) / 10**15)} $/s"] if timed else cells


def _column(known: ModelFacts, price: str) -> str:
    rate = known.prices.get(price)
    return _dollars(None if rate is None else per(price, rate))


def _in_full(one: Listed) -> Iterable[str]:
    known = one.known
    yield _name(one)
    if known.max_input_tokens:
        written = f", writes up to {known.max_output_tokens:,}" if known.max_output_tokens else ""
        yield f"  reads up to {known.max_input_tokens:,} tokens{written}"
    prices = sorted((price for price in known.prices if charged(price)), key=place_of)
    if one.priced in LONG:
        yield f"  {LONG[one.priced]}"
        return
    words = {price: in_words(price) for price in prices}
    width = max(map(len, words.values()), default=0)
    for price in prices:
        cost = _dollars(per(price, known.prices[price]))
        yield f"  {words[price]:<{width}}  {cost:>12} {unit_of(price)}"
    if one.told:
        yield "  what the provider says that it charged counts instead"
    if one.priced == "config":
        yield "  priced by the configuration"
        return
    by = {"both": "litellm and genai-prices agree", "both, and they differ": "litellm and genai-prices differ"}
    by["prices_file"] = "from the configuration's prices file"
    yield f"  listed by {known.listed_by}" if known.listed_by not in by else f"  {by[known.listed_by]}"
    if known.source:
        yield f"  {known.source}"


def _dollars(amount: float | None) -> str:
    if amount is None:
        return "-"
    return f"{amount:.6f}".rstrip("0").rstrip(".") if amount else "0"


def _name(one: Listed) -> str:
    full = f"{one.known.provider}/{one.known.name}"
    return f"{one.group} ({full})" if one.group else full


def _as_json(one: Listed) -> Priced:
    known = one.known
    return Priced(
        group=one.group,
        name=f"{known.provider}/{known.name}",
        priced=one.priced,
        mode=known.mode,
        max_input_tokens=known.max_input_tokens,
        max_output_tokens=known.max_output_tokens,
        prices=dict(known.prices),
        date=catalog().date,
        source=known.source,
        listed_by=known.listed_by,
    )
