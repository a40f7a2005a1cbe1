"""`tollbridge spend`: what was spent, from the ledger's sums by day."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import get_args

import click
import msgspec

from tollbridge.cli.columns import aligned, printable
from tollbridge.cli.place import configured, place
from tollbridge.cli.recompute import recompute
from tollbridge.errors import NotFoundError, TollbridgeError
from tollbridge.ledger.report import read_date
from tollbridge.model.money import show_dollars, spell_dollars
from tollbridge.store.database import Database
from tollbridge.store.keys import KeyStore
from tollbridge.store.ledger_tables import KINDS
from tollbridge.store.spend import DIMENSIONS, By, Found, SpendReader

DAYS = 30
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: a name that begins so gets an apostrophe before it."""


class Spent(msgspec.Struct, kw_only=True):
    """What `--format json` prints of a row; this shape is kept. `by`: the dimensions that were asked for. `unpriced`:
    requests whose cost is not known, nor in `cost_nanousd`. `estimated`: requests whose tokens were counted here."""

    by: dict[str, str]
    requests: int
    failures: int
    tokens: dict[str, int]
    cost_nanousd: int
    unpriced: int
    estimated: int


@click.group(invoke_without_command=True)
@click.option(
    "--by",
    "dimensions",
    multiple=True,
    type=click.Choice(get_args(By)),
    help="What to sum by; may be repeated. Default: model.",
)
@click.option("--since", help=f"The first day (2026-11-01), UTC. Default: {DAYS} days ago.")
@click.option("--until", help="The last day. Default: today.")
@click.option("--key", "name", help="Only of this key: its id or its alias; `master` is the admin's.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--limit", type=click.IntRange(1), help="At most so many rows.")
@configured
@click.pass_context
def spend(
    context: click.Context,
    dimensions: tuple[By, ...],
    since: str | None,
    until: str | None,
    name: str | None,
    form: str,
    limit: int | None,
    config: Path | None,
) -> None:
    """Show what was spent, by key, model, provider, group or day. The dearest come first, days in their order.

    Days are UTC. What a gateway that runs on the same database was asked within the last second may be missing.

    Example: tollbridge spend --by day --by key --since 2026-11-01 --format csv
    """
    if context.invoked_subcommand is not None:
        if any((dimensions, since, until, name, limit, config)) or form != "table":
            raise click.UsageError(f"Write the options behind `{context.invoked_subcommand}`.")
        return
    by = tuple(dict.fromkeys(dimensions)) or ("model",)
    first, last = _day("--since", since), _day("--until", until)
    rows = _read(config, by, first or _days_ago(DAYS), last, name, limit)
    click.echo(_FORMS[form]([_spent(row, by) for row in rows], by), nl=False)


def _read(
    config: Path | None, by: Sequence[By], since: str, until: str | None, name: str | None, limit: int | None
) -> list[Found]:
    """`name`: of a key, which may be deleted by now. Ends the process where nobody has it, or had it in these days."""
    try:
        database = Database.open(place(config).database_url)
        try:
            return asyncio.run(_sums(database, by, since, until, name, limit))
        finally:
            database.close()
    except TollbridgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1 if isinstance(error, NotFoundError) else 2)


async def _sums(
    database: Database, by: Sequence[By], since: str, until: str | None, name: str | None, limit: int | None
) -> list[Found]:
    keys = KeyStore(database)
    aliased = None if name is None else await keys.get_by_alias(name)
    key_id = name if aliased is None else aliased.id
    found = await SpendReader(database).sums(by, since=since, until=until, key_id=key_id, limit=limit)
    if not found and name is not None and aliased is None and await keys.get(name) is None:
        raise NotFoundError("No key has this id or alias, and nothing was asked with it in these days.")
    return found


def _day(option: str, said: str | None) -> str | None:
    if said is None:
        return None
    try:
        return _shown_day(read_date(said))
    except ValueError as error:
        raise click.BadParameter(f"{option} {error}.") from error


def _days_ago(days: int) -> str:
    return _shown_day(time.time() - days * 86_400)


def _shown_day(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(epoch_s))


def _spent(row: Found, by: Sequence[By]) -> Spent:
    named: dict[str, str] = {one: row[DIMENSIONS[one]] for one in by}
    if "key" in by and row["key_alias"]:
        named["alias"] = row["key_alias"]
    return Spent(
        by=named,
        requests=row["requests"],
        failures=row["failures"],
        tokens={kind: row[f"{kind}_count"] for kind in KINDS if row[f"{kind}_count"]},
        cost_nanousd=row["cost_nanousd"],
        unpriced=row["unpriced"],
        estimated=row["estimated"],
    )


def _as_json(rows: Sequence[Spent], by: Sequence[By]) -> str:
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"


def _as_csv(rows: Sequence[Spent], by: Sequence[By]) -> str:
    """Dollars as a decimal number, all that is not zero."""
    names = _names(by)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    kinds = [f"{kind}_{'count' if kind == 'web_searches' else 'tokens'}" for kind in KINDS]
    writer.writerow([*names, "requests", "failures", *kinds, "cost_usd", "unpriced", "estimated"])
    for row in rows:
        counts = [row.tokens.get(kind, 0) for kind in KINDS]
        cost = spell_dollars(row.cost_nanousd, 2)
        cells = [harmless(row.by.get(name, "")) for name in names]
        writer.writerow([*cells, row.requests, row.failures, *counts, cost, row.unpriced, row.estimated])
    return text.getvalue()


def harmless(cell: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _as_table(rows: Sequence[Spent], by: Sequence[By]) -> str:
    if not rows:
        return "Nothing was asked in these days.\n"
    names = _names(by)
    heads = (*(name.upper() for name in names), "REQUESTS", "FAILED", "INPUT", "OUTPUT", "COST", "UNPRICED")
    lines = [heads, *(_cells(row, [printable(row.by.get(name, "")) for name in names]) for row in rows)]
    if len(rows) > 1:
        lines.append(_cells(_total(rows), ["all", *[""] * (len(names) - 1)]))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "".join(aligned(line, widths, len(names)) for line in lines)


def _names(by: Sequence[By]) -> list[str]:
    return [name for one in by for name in ((one, "alias") if one == "key" else (one,))]


def _cells(row: Spent, names: Sequence[str]) -> tuple[str, ...]:
    counts = (row.requests, row.failures, row.tokens.get("input", 0), row.tokens.get("output", 0))
    unpriced = f"{row.unpriced:,}" if row.unpriced else ""
    return (*names, *(f"{count:,}" for count in counts), show_dollars(row.cost_nanousd), unpriced)


def _total(rows: Sequence[Spent]) -> Spent:
    return Spent(
        by={},
        requests=sum(row.requests for row in rows),
        failures=sum(row.failures for row in rows),
        tokens={kind: sum(row.tokens.get(kind, 0) for row in rows) for kind in ("input", "output")},
        cost_nanousd=sum(row.cost_nanousd for row in rows),
        unpriced=sum(row.unpriced for row in rows),
        estimated=sum(row.estimated for row in rows),
    )


spend.add_command(recompute)

_FORMS: Mapping[str, Callable[[Sequence[Spent], Sequence[By]], str]] = {
    "table": _as_table,
    "csv": _as_csv,
    "json": _as_json,
}
