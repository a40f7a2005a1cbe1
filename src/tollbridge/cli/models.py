"""`tollbridge models`: what the catalog knows of models, and whether a provider's row reaches them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import click
import msgspec

from tollbridge.catalog.facts import ModelFacts, catalog, facts
from tollbridge.catalog.near import near
from tollbridge.cli.ending import FAILED
from tollbridge.cli.indented import indented
from tollbridge.cli.price_lookup import named_by_row
from tollbridge.providers.names import find
from tollbridge.providers.table import DEMO, ROWS

SHOWN_MAX = 100
HEAD = ("model", "mode", "reads", "writes", "can")
UNITS = "`reads` and `writes` are tokens at most."
CHAT = "chat"


class Model(msgspec.Struct, kw_only=True):
    """What `--json` prints of a model; this shape is kept. `name`: `provider/model`, as a request names it. `mode`:
    chat, embedding, responses, ...; "" where the catalog does not say. `max_input_tokens`, `max_output_tokens`: null
    where unknown. `features`, `lacks`: what it is known to do and not to do. `served`: the provider has a row here.
    `priced`: the catalog has a price. `date`: the catalog's."""

    name: str
    provider: str
    mode: str
    max_input_tokens: int | None
    max_output_tokens: int | None
    features: list[str]
    lacks: list[str]
    served: bool
    priced: bool
    date: str


@click.command()
@click.argument("models", nargs=-1, metavar="[PROVIDER|PATTERN]...")
@click.option("--json", "as_json", is_flag=True, help="All that is known of them, as JSON.")
@click.option("--mode", help=f"Only those of this mode, such as {CHAT} or embedding; a wrong word shows all.")
@click.option("--all", "everything", is_flag=True, help=f"Show all that are found, also more than {SHOWN_MAX}.")
def models(models: Sequence[str], as_json: bool, mode: str | None, everything: bool) -> None:
    """Show the models that the catalog knows: how much they read and write, and what they can do.

    PROVIDER is a provider's name (`groq`), PATTERN has stars (`*sonnet-4*`) or is a part of names. A model that is not
    here is reached all the same: only its limits and prices are unknown. What a running gateway serves,
    `GET /v1/models` tells, and `tollbridge check` what a configuration would.

    Exit codes: 0 shown, 1 where nothing is known of one, 2 an option that cannot be used.

    Example:

    \b
      tollbridge models groq
      tollbridge models 'anthropic/*opus*' --json
      tollbridge models --mode embedding voyage
    """
    _check(mode)
    found = [(name, [one for one in _found(name) if mode is None or one.mode == mode]) for name in models or [""]]
    if as_json:
        rows = [_as_json(one) for _, several in found for one in several]
        click.echo(indented(rows))
    else:
        for name, several in found:
            click.echo("\n".join(_told(name, several, everything, mode)))
        told = f"{UNITS} " if any(several for name, several in found if name) else ""
        click.echo(f"\n{told}As of {catalog().date}, from {catalog().source}.")
    if not all(several for _, several in found):
        sys.exit(FAILED)


def _check(mode: str | None) -> None:
    """One that no model has is a word that somebody mistyped."""
    modes = _modes("")
    if mode is None or mode in modes:
        return
    close = near(mode, modes)
    told = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
    raise click.BadParameter(f"there is no mode {mode!r}{told} There are: {', '.join(modes)}.", param_hint="'--mode'")


def _modes(name: str) -> list[str]:
    return sorted({one.mode for one in _found(name) if one.mode})


def _found(name: str) -> list[ModelFacts]:
    wanted = named_by_row(name.lower()).rstrip("/")
    known = (facts(*_split(full)) for full in catalog().full_names())
    several = [one for one in known if one is not None]
    if wanted and any(one.provider == wanted for one in several):
        return [one for one in several if one.provider == wanted]
    if "*" in wanted or "?" in wanted:
        return [one for one in several if fnmatchcase(_name(one).lower(), wanted)]
    return [one for one in several if wanted in _name(one).lower()]


def _told(name: str, found: Sequence[ModelFacts], everything: bool, mode: str | None) -> Iterable[str]:
    others = _modes(name) if mode is not None and not found else []
    if others:
        return [f"{name}: no model of the mode {mode!r} is known; there are: {', '.join(others)}."]
    if not found and find(name, ROWS) is DEMO:
        return [f"{name}: any name works, `{DEMO.name}/hello`; it answers offline."]
    if not found:
        close = near(name)
        return [f"{name}: no model is known" + (f"; did you mean {' or '.join(close)}?" if close else ".")]
    if not name:
        return _overview(found)
    shown = found if everything else found[:SHOWN_MAX]
    more = [f"... and {len(found) - len(shown)} more: see --all"] if len(shown) < len(found) else []
    return [*_table(shown), *more]


def _overview(found: Sequence[ModelFacts]) -> Iterable[str]:
    counts = Counter(one.provider for one in found)
    width = max(map(len, counts))
    yield f"{len(found):,} models. Name a provider, a pattern with stars, or a part of names:"
    for provider, count in sorted(counts.items()):
        reached = "" if find(provider, ROWS) is not None else "   no row: not reached by that name"
        yield f"  {provider:<{width}} {count:>6,}{reached}"


def _table(found: Sequence[ModelFacts]) -> Iterable[str]:
    lines = [HEAD, *map(_line, found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for name, mode, reads, writes, can in lines:
        cells = (name.ljust(widths[0]), mode.ljust(widths[1]), reads.rjust(widths[2]), writes.rjust(widths[3]), can)
        yield "  ".join(cells).rstrip()


def _line(one: ModelFacts) -> tuple[str, ...]:
    return _name(one), one.mode or "-", _tokens(one.max_input_tokens), _tokens(one.max_output_tokens), _can(one)


def _tokens(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _can(one: ModelFacts) -> str:
    return ", ".join(sorted(one.features))


def _name(one: ModelFacts) -> str:
    return f"{one.provider}/{one.name}"


def _split(name: str) -> tuple[str, str]:
    provider, _, model = name.partition("/")
    return provider, model


def _as_json(one: ModelFacts) -> Model:
    return Model(
        name=_name(one),
        provider=one.provider,
        mode=one.mode,
        max_input_tokens=one.max_input_tokens,
        max_output_tokens=one.max_output_tokens,
        features=sorted(one.features),
        lacks=sorted(one.lacks),
        served=find(one.provider, ROWS) is not None,
        priced=bool(one.prices),
        date=catalog().date,
    )
