"""`tollbridge providers`: the table of providers: where each is, which variables it reads, and in what it differs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from tollbridge.catalog.near import near
from tollbridge.cli import screen
from tollbridge.cli.ending import FAILED, errors_told
from tollbridge.cli.indented import indented
from tollbridge.providers.names import find
from tollbridge.providers.ready import lacking
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ALIASES, DEMO, ROWS
from tollbridge.providers.told import SCHEMAS, Told, differences, source, told

HEAD = ("provider", "kind", "ready", "formats", "key")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="The rows whole, as JSON.")
@click.option("--config", "-c", "config", type=click.Path(path_type=Path), help="With the rows of its `providers`.")
@click.option("--ready", is_flag=True, help="Only those that the environment is enough for.")
def providers(names: Sequence[str], as_json: bool, config: Path | None, ready: bool) -> None:
    """Show the providers that Tollbridge knows, and what it knows of them.

    NAME is a provider's name or another name for it (`together`), shown in full, or a part of names. `ready` says that
    the environment holds all that a provider needs, or what it lacks; a server of your own is ready where its address
    is set.

    Exit codes: 0 shown, 1 where there is none of a NAME, 2 an option that cannot be used.

    Example:

    \b
      tollbridge providers --ready
      tollbridge providers groq
      tollbridge providers --json | jq -r '.[] | select(.checked == "") | .name'
    """
    rows, environ = (ROWS, os.environ) if config is None else _of_config(config)
    usable = {row.name for row in rows.values() if not lacking(row, environ) and row.name != DEMO.name}
    found = [(name, [row for row in _named(name, rows) if not ready or row.name in usable]) for name in names or [""]]
    if as_json:
        whole = [told(row) for _, several in found for row in several]
        click.echo(indented(whole))
    else:
        for name, several in found:
            click.echo("\n".join(_shown(name, several, environ, usable, rows)))
    if names and not all(several for _, several in found):
        sys.exit(FAILED)


def _of_config(path: Path) -> tuple[Mapping[str, Provider], Mapping[str, str]]:
    from tollbridge.assemble.gateway import provider_rows  # most of a second that the table alone need not spend
    from tollbridge.cli.place import place

    with errors_told():
        found = place(path)
        return provider_rows(found.config), found.environ


def _named(name: str, rows: Mapping[str, Provider]) -> list[Provider]:
    """The one of this name, or all whose names hold it."""
    exact = find(name, rows) if name else None
    if exact is not None:
        return [exact]
    return sorted((row for row in rows.values() if name.lower() in row.name), key=lambda row: row.name)


def _shown(
    name: str, rows: Sequence[Provider], environ: Mapping[str, str], usable: set[str], known: Mapping[str, Provider]
) -> Iterable[str]:
    if not rows:
        if not name:
            return ["No provider is ready: set the key of one, or the address of a server of your own."]
        close = near(name, [*known, *ALIASES])
        return [f"{name}: there is no such provider" + (f"; did you mean {' or '.join(close)}?" if close else ".")]
    if name and len(rows) == 1:
        return _in_full(rows[0], lacking(rows[0], environ))
    return _table(rows, usable)


def _table(rows: Sequence[Provider], usable: set[str]) -> Iterable[str]:
    yield screen.table(HEAD, [_line(told(row), row.name in usable) for row in rows], len(HEAD))
    yield f"{len(rows)} provider{'s' if len(rows) != 1 else ''}."


def _line(row: Told, usable: bool) -> tuple[str, ...]:
    key = next(iter(row.key_variables), "none") if row.needs_key or row.key_variables else "none"
    return row.name, row.kind, "yes" if usable else "-", ", ".join(row.formats), key


def _in_full(row: Provider, lacks: str) -> Iterable[str]:
    said = told(row)
    yield f"{said.name}/<model>" + (
        f", also {', '.join(f'{alias}/' for alias in said.aliases)}" if said.aliases else ""
    )
    yield f"  ready      {f'no: {lacks}' if lacks else 'yes'}"
    yield f"  formats    {', '.join(said.formats)}"
    yield f"  address    {said.address or 'your own: pass api_base'}"
    if said.address_variables:
        yield f"             or {' or '.join(said.address_variables)}"
    optional = "" if said.needs_key else " (optional)"
    yield f"  key        {(' or '.join(said.key_variables) or 'none') + (optional if said.key_variables else '')}"
    for number, (name, variables) in enumerate(said.wants.items()):
        yield f"  {'' if number else 'wants':<10} {name}, or {' or '.join(variables)}"
    if said.kind != "alone":
        yield f"  schema     {SCHEMAS[said.schema]}"
    for words in differences(row):
        yield f"  differs    {words}"
    for rule in said.models:
        yield f"  models     {rule.models}"
        for words in _of_rule(rule.lacks, rule.drops, rule.thinking):
            yield f"               {words}"
    yield f"  source     {source(row)}"
    yield f"  compared   {said.checked or 'no'}"


def _of_rule(lacks: Sequence[str], drops: Sequence[str], thinking: str) -> Iterable[str]:
    if lacks:
        yield f"lacks {', '.join(lacks)}"
    if drops:
        yield f"without {', '.join(drops)}"
    if thinking:
        yield f"thinking: {thinking}"
