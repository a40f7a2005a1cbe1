"""`tollbridge spend recompute`: what the ledger's requests cost at today's prices."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
import msgspec

from tollbridge.assemble.gateway import provider_rows, transport
from tollbridge.assemble.tariffs import Tariffs
from tollbridge.cli.columns import aligned, printable
from tollbridge.cli.place import place
from tollbridge.errors import TollbridgeError
from tollbridge.ledger.recompute import Sums
from tollbridge.ledger.recompute import recompute as recomputed
from tollbridge.ledger.report import read_date
from tollbridge.model.money import show_dollars
from tollbridge.store.costs import CostStore, Span
from tollbridge.store.database import Database

HEADS = ("PROVIDER", "MODEL", "REQUESTS", "REPRICED", "UNKNOWN", "COST", "NOW")


class Recomputed(msgspec.Struct, kw_only=True):
    """What `--format json` prints of a model; this shape is kept. `requests`: that were looked at; `repriced` of them,
    from `before_nanousd` (what was unknown counts as nothing) to `after_nanousd`. `unknown`: no price today either."""

    provider: str
    model: str
    requests: int
    repriced: int
    unknown: int
    before_nanousd: int
    after_nanousd: int
    written: bool


@click.command(short_help="Give requests today's price where theirs was not known.")
@click.option("--since", help="The first day (2026-11-01) or moment, UTC. Default: all that is kept.")
@click.option("--until", help="The last day or moment.")
@click.option("--model", help="Only this model, as `spend` names it, or this group.")
@click.option("--priced", is_flag=True, help="Also what has a price: to today's.")
@click.option("--write", is_flag=True, help="Do it. Without, it is only told what would be done.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option(
    "--config", "-c", "config", type=click.Path(path_type=Path), help="The config.yaml that names database and prices."
)
def recompute(
    since: str | None, until: str | None, model: str | None, priced: bool, write: bool, form: str, config: Path | None
) -> None:
    """Give requests whose price was not known the one of today: from the configuration, else from the catalog.

    Costs, sums by day and what keys spent change together. What has no price today either stays as it is. A gateway may
    run meanwhile; to do it again changes nothing.

    Example: tollbridge spend recompute --model house --since 2026-11-01 --write
    """
    span = Span(
        since=_moment("--since", since), until=_moment("--until", until, end=True), model=model, unpriced=not priced
    )
    sums = _recomputed(config, span, write)
    rows = [
        Recomputed(
            provider=provider,
            model=model,
            requests=one.looked_at,
            repriced=one.changed,
            unknown=one.unknown,
            before_nanousd=one.before_nanousd,
            after_nanousd=one.after_nanousd,
            written=write,
        )
        for (provider, model), one in sorted(sums.items())
    ]
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2))
    else:
        click.echo(_table(rows), nl=False)
    if not write and any(row.repriced for row in rows):
        click.echo("Nothing was changed; --write does it.", err=True)


def _recomputed(path: Path | None, span: Span, write: bool) -> Sums:
    try:
        found = place(path)
        config, environ = found.config, found.environ
        tariffs = Tariffs(config, environ, provider_rows(config), transport(config, environ))
        database = Database.open(found.database_url)
        try:
            return asyncio.run(recomputed(CostStore(database), tariffs.of, span, write=write))
        finally:
            database.close()
    except TollbridgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)


def _moment(option: str, said: str | None, *, end: bool = False) -> float | None:
    try:
        return None if said is None else read_date(said, end=end)
    except ValueError as error:
        raise click.BadParameter(f"{option} {error}.") from error


def _table(rows: list[Recomputed]) -> str:
    if not rows:
        return "Every request of that time has a price.\n"
    lines = [
        HEADS,
        *(
            (
                printable(row.provider),
                printable(row.model),
                *(f"{count:,}" for count in (row.requests, row.repriced, row.unknown)),
                *map(show_dollars, (row.before_nanousd, row.after_nanousd)),
            )
            for row in rows
        ),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "".join(aligned(line, widths, 2) for line in lines)
