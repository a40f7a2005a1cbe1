"""`tollbridge spend recompute`: what the ledger's requests cost at today's prices."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from tollbridge.assemble.gateway import provider_rows, transport
from tollbridge.assemble.tariffs import Tariffs
from tollbridge.cli.columns import aligned, printable
from tollbridge.cli.dates import moment, out_of_order
from tollbridge.cli.ending import FAILED, errors_told
from tollbridge.cli.indented import indented
from tollbridge.cli.place import place
from tollbridge.cli.texts import TEXT
from tollbridge.ledger.recompute import Sums
from tollbridge.ledger.recompute import recompute as recomputed
from tollbridge.model.money import show_dollars
from tollbridge.store.costs import CostStore, Span
from tollbridge.store.database import Database

HEADS = ("PROVIDER", "MODEL", "REQUESTS", "REPRICED", "UNKNOWN", "BEFORE", "AFTER")


class Recomputed(msgspec.Struct, kw_only=True):
    """What `--json` prints of a model; this shape is kept. `requests`: that were looked at, all of which cost
    `before_nanousd` (what was unknown counts as nothing) and then `after_nanousd`; `repriced` of them. `unknown`: no
    price today either."""

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
@click.option("--until", help="The last day, with all its hours, or moment. Default: now.")
@click.option("--model", type=TEXT, help="Only this model, as `spend` names it, or this group.")
@click.option("--priced", is_flag=True, help="Also what has a price: to today's.")
@click.option("--write", is_flag=True, help="Do it. Without, it is only told what would be done.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--config", "-c", "config", type=click.Path(path_type=Path), help="The config.yaml that names database and prices."
)
def recompute(
    since: str | None,
    until: str | None,
    model: str | None,
    priced: bool,
    write: bool,
    form: str,
    as_json: bool,
    config: Path | None,
) -> None:
    """Give requests whose price was not known the one of today: from the configuration, else from the catalog.

    Costs, sums by day and what keys spent change together. What has no price today either stays as it is. A gateway may
    run meanwhile; to do it again changes nothing.

    BEFORE and AFTER are in US dollars, of all the requests in the row; a cost that is not known counts as nothing. In
    JSON they are in nano-dollars (a billion to the dollar).

    Exit codes: 0 done, also where there was nothing to do; 1 failed (no request of that model, no database); 2 an
    option that cannot be used.

    Example: tollbridge spend recompute --model house --since 2026-11-01 --write
    """
    first, last = moment("--since", since), moment("--until", until, end=True)
    if first is not None and last is not None and last <= first:
        raise out_of_order()
    span = Span(since=first, until=last, model=model, unpriced=not priced)
    sums, any_there = _recomputed(config, span, write)
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
    if as_json or form == "json":
        click.echo(indented(rows))
    elif rows:
        click.echo(_table(rows), nl=False)
    else:
        click.echo(_nothing(span, any_there=any_there))
    if model is not None and not any_there:
        sys.exit(FAILED)
    for line in _after(rows, write):
        click.echo(line, err=True)


def _recomputed(path: Path | None, span: Span, write: bool) -> tuple[Sums, bool]:
    """And whether any request is of that time and model, with a price or without. Ends the process on an error."""
    with errors_told():
        found = place(path)
        config, environ = found.config, found.environ
        tariffs = Tariffs(config, environ, provider_rows(config), transport(config, environ))
        database = Database.open(found.database_url)
        try:
            return asyncio.run(_done(CostStore(database), tariffs, span, write))
        finally:
            database.close()


async def _done(store: CostStore, tariffs: Tariffs, span: Span, write: bool) -> tuple[Sums, bool]:
    sums = await recomputed(store, tariffs.of, span, write=write)
    return sums, bool(sums) or bool(await store.page(msgspec.structs.replace(span, unpriced=False)))


def _nothing(span: Span, *, any_there: bool) -> str:
    of = "" if span.model is None else f" of {span.model!r}"
    when = "" if span.since is None and span.until is None else " of that time"
    return f"Every request{of}{when} has a price." if any_there else f"No request{of}{when} is kept."


def _after(rows: Sequence[Recomputed], write: bool) -> Iterator[str]:
    """What was done, and what can be done about the others."""
    unknown, repriced = sum(row.unknown for row in rows), sum(row.repriced for row in rows)
    if unknown:
        yield (
            f"No price is known for {_counted(unknown)}: say `input_cost_per_token` and `output_cost_per_token` of the "
            "model in the configuration (`--config`), then recompute again."
        )
    if repriced and write:
        yield f"Written: {_counted(repriced)} got another cost, and so did the sums by day and what keys spent."
    elif repriced:
        yield "Nothing was changed; --write does it."
    elif rows:
        yield "Nothing was changed."


def _counted(requests: int) -> str:
    return "1 request" if requests == 1 else f"{requests:,} requests"


def _table(rows: list[Recomputed]) -> str:
    lines = [HEADS, *(_cells(printable(row.provider), printable(row.model), [row]) for row in rows)]
    if len(rows) > 1:
        lines.append(_cells("all", "", rows))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "".join(aligned(line, widths, 2) for line in lines)


def _cells(provider: str, model: str, rows: list[Recomputed]) -> tuple[str, ...]:
    counts = (sum(row.requests for row in rows), sum(row.repriced for row in rows), sum(row.unknown for row in rows))
    costs = (sum(row.before_nanousd for row in rows), sum(row.after_nanousd for row in rows))
    return (provider, model, *(f"{count:,}" for count in counts), *map(show_dollars, costs))
