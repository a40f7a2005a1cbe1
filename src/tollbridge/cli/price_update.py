"""`tollbridge prices diff` and `update`: in what another list of prices differs, and taking its prices over.

Prices that are taken over go into the file that the configuration names (`prices_file`). What was asked before keeps
the cost that it had: the ledger is not touched.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click
import msgspec

from tollbridge.catalog.price_file import FiledPrices, Offered, PriceFile, write_price_file
from tollbridge.catalog.price_names import dear
from tollbridge.cli.columns import printable
from tollbridge.cli.dates import shown_day
from tollbridge.cli.ending import FAILED, end, errors_told
from tollbridge.cli.indented import indented
from tollbridge.cli.place import Place, place
from tollbridge.cli.price_changes import Change, Compared, compared
from tollbridge.cli.price_words import exact, in_words, unit_of
from tollbridge.cli.replacing import replace
from tollbridge.cli.screen import painted
from tollbridge.errors import APIError, ConfigError

SHOWN_MAX = 40
LEFT_OUT_MAX = 5
WIDTH_MAX = 120
NAME_IT = (
    "names no file for prices. Add below `general_settings`: `prices_file: prices.json` (beside the configuration; it "
    "need not be there yet)."
)


class Differing(msgspec.Struct, kw_only=True):
    """What `--json` prints of `diff`; this shape is kept. `same`, `changed`, `new`: numbers of models; `changes` holds
    those that are new only where they were asked for."""

    list: str
    same: int
    changed: int
    new: int
    left_out: Sequence[str]
    changes: Sequence[Change]


class Updated(Differing, kw_only=True):
    """And of `update`. `models`: whose entries are written, or would be."""

    prices_file: str
    models: Sequence[str]
    written: bool


def _listed(command: Callable[..., Any]) -> Callable[..., Any]:
    """What both commands take."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="As JSON, in nano-dollars per million units."),
        click.option("--all", "everything", is_flag=True, help=f"Show all that differ, also more than {SHOWN_MAX}."),
        click.option("--new", "with_new", is_flag=True, help="Also models of which no price is known yet."),
        click.option(
            "--config", "-c", type=click.Path(path_type=Path), help="The config.yaml that names a prices_file."
        ),
        click.argument("models", nargs=-1, metavar="[MODEL]..."),
        click.argument("source", metavar="LIST"),
    ):
        command = option(command)
    return command


@click.command()
@_listed
def diff(
    source: str, models: tuple[str, ...], config: Path | None, with_new: bool, everything: bool, as_json: bool
) -> None:
    """Show in what the prices of LIST differ from those in use.

    In use are the catalog's, with --config over them those of its prices_file. What LIST leaves out of a model whose
    prices differ is shown as well: taken over, it would have no price, or that of its direction.

    LIST is a file, `-` or a URL (https): LiteLLM's model_prices_and_context_window.json, what `tollbridge prices show
    --json` prints, or a prices file. MODEL is a part of names. US dollars per million tokens, where nothing else is
    said.

    Exit codes: 0 they are the same, 1 they differ, 2 LIST cannot be had or read.

    Example:

    \b
      tollbridge prices diff model_prices_and_context_window.json openai/ mistral/
      tollbridge prices diff https://prices.example/list.json --new --json
    """
    with errors_told():
        found = place(config)
        offer = _offered(source, found)
        differing = compared(offer, found.config.general.prices_file.models, models)
    chosen = _chosen(differing, with_new)
    if as_json:
        click.echo(indented(Differing(**_numbers(source, offer, differing, chosen))))
    else:
        _tell(offer, differing, chosen, everything)
    sys.exit(FAILED if chosen else 0)


@click.command()
@_listed
@click.option("--write", is_flag=True, help="Do it. Without, it is only shown what would be written.")
def update(
    source: str,
    models: tuple[str, ...],
    config: Path | None,
    with_new: bool,
    everything: bool,
    as_json: bool,
    write: bool,
) -> None:
    """Take prices of LIST over into the configuration's prices_file.

    Those that differ are, of models whose names hold a MODEL, else of all. `tollbridge prices diff` says what LIST is.

    An entry there is the model's whole list, in the place of the catalog's; the others stay. A gateway reads it when it
    starts. What requests cost that were asked before is not changed. A model of which LIST has a price that nobody asks
    (most likely in other units) is told and left as it is.

    Exit codes: 0 done, also where nothing differs; 1 the file could not be written; 2 LIST or the configuration cannot
    be used.

    Example: tollbridge prices update model_prices_and_context_window.json openai/ --config config.yaml --write
    """
    with errors_told():
        found = place(config)
        filed = found.config.general.prices_file
        if filed.path is None:
            raise ConfigError(f"{config or 'Without --config the configuration'} {NAME_IT}")
        offer = _offered(source, found)
        differing = compared(offer, filed.models, models)
    chosen = _chosen(differing, with_new)
    odd = dict.fromkeys(one.model for one in chosen if one.after is not None and dear(one.price, one.after) is not None)
    named = [model for model in dict.fromkeys(change.model for change in chosen) if model not in odd]
    written = bool(write and named)
    if written:
        today = date.fromisoformat(shown_day(time.time()))
        taken = {one: FiledPrices(offer.models[one], today, offer.sources.get(one, "")) for one in named}
        try:
            replace(filed.path, write_price_file(PriceFile({**filed.models, **taken})))
        except OSError as error:
            end(APIError(f"{filed.path} cannot be written: {error.strerror or error}. Nothing was changed."))
    if as_json:
        numbers = _numbers(source, offer, differing, chosen)
        click.echo(indented(Updated(**numbers, prices_file=str(filed.path), models=named, written=written)))
        return
    _tell(offer, differing, chosen, everything)
    for model in odd:
        click.echo(f"warning: {printable(model)} is not taken over: nobody asks such a price", err=True)
    if written:
        click.echo(f"{_models(len(named))} written into {filed.path}. A gateway charges by it from its next start on.")
    elif named:
        click.echo("Nothing was changed; --write does it.", err=True)


def _offered(source: str, found: Place) -> Offered:
    from tollbridge.cli.price_source import offered  # a network, most of a second that `show` need not spend

    return offered(source, found.config, found.environ)


def _chosen(differing: Compared, with_new: bool) -> list[Change]:
    changes = [change for several in differing.changes.values() for change in several]
    return [change for change in changes if with_new or change.state != "new"]


def _numbers(source: str, offer: Offered, differing: Compared, chosen: Sequence[Change]) -> dict[str, Any]:
    return {
        "list": source,
        "same": differing.same,
        "changed": differing.changed,
        "new": differing.new,
        "left_out": offer.left_out,
        "changes": chosen,
    }


def _tell(offer: Offered, differing: Compared, chosen: Sequence[Change], everything: bool) -> None:
    for why in offer.left_out[:LEFT_OUT_MAX]:
        click.echo(f"warning: left out: {printable(why)}", err=True)
    if len(offer.left_out) > LEFT_OUT_MAX:
        click.echo(f"warning: and {len(offer.left_out) - LEFT_OUT_MAX} more that could not be read", err=True)
    names = list(dict.fromkeys(change.model for change in chosen))
    shown = names if everything else names[:SHOWN_MAX]
    for name in shown:
        click.echo("\n".join(_told(name, differing.changes[name])))
    if len(shown) < len(names):
        click.echo(f"... and {_models(len(names) - len(shown))} more: see --all")
    counts = f"{_models(differing.changed)} with other prices, {differing.same:,} with the same"
    hidden = differing.new and not any(change.state == "new" for change in chosen)
    click.echo(f"{counts}, {differing.new:,} not known here{' (--new shows them)' if hidden else ''}.")


def _told(name: str, changes: Sequence[Change]) -> Iterable[str]:
    yield painted(printable(name), sys.stdout, bold=True) + (" (not known here)" if changes[0].state == "new" else "")
    named = [one for one in changes if one.after is not None]
    rows = [(in_words(one.price), exact(one.price, one.before), exact(one.price, one.after)) for one in named]
    words, before, after = (max(map(len, column)) for column in zip(*rows, strict=True))
    for one, (price, was, becomes) in zip(named, rows, strict=True):
        unit = unit_of(one.price)
        line = f"  {price:<{words}}  {was:>{before}} -> {becomes:>{after}} {unit}  {_how(one)}".rstrip()
        yield painted(line, sys.stdout, fg=_COLOURS[_direction(one)])
        odd = None if one.after is None else dear(one.price, one.after)
        if odd is not None:
            yield from _wrapped(f"warning: {odd}")
    left_out = [in_words(one.price) for one in changes if one.after is None]
    if left_out:
        yield from _wrapped(f"not in LIST: {'; '.join(left_out)}")


def _wrapped(text: str) -> Sequence[str]:
    width = min(shutil.get_terminal_size().columns, WIDTH_MAX)
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_long_words=False)


def _how(change: Change) -> str:
    if change.before is None:
        return "" if change.state == "new" else "not known here"
    if not change.before or not change.after:
        return "was free" if not change.before else "free"
    times = change.after / change.before
    if times >= 100:
        return f"{times:,.0f} times as much"
    return f"{times:.3g} times as much" if times >= 2 else f"{(times - 1) * 100:+.3g} %"


_COLOURS = {-1: "green", 0: "reset", 1: "red"}


def _direction(change: Change) -> int:
    if change.before is None or change.after is None:
        return 0
    return 1 if change.after > change.before else -1


def _models(count: int) -> str:
    return f"{count:,} model{'' if count == 1 else 's'}"
