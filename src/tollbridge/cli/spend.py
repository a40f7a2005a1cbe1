"""`tollbridge spend`: what was spent, from the ledger's sums by day."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import get_args

import click
import msgspec

from tollbridge.admin.key_names import ADMIN
from tollbridge.admin.keys import Keys
from tollbridge.admin.whose import ledger_id
from tollbridge.cli.columns import aligned, printable
from tollbridge.cli.dates import day, out_of_order, shown_day
from tollbridge.cli.ending import errors_told
from tollbridge.cli.indented import indented
from tollbridge.cli.key_options import read_name
from tollbridge.cli.place import Place, configured, place
from tollbridge.cli.recompute import recompute
from tollbridge.cli.texts import TEXT
from tollbridge.model.money import show_dollars, spell_dollars
from tollbridge.policy.minting import CUSTOM_PREFIX
from tollbridge.store.database import Database
from tollbridge.store.keys import KeyStore
from tollbridge.store.ledger_tables import KINDS
from tollbridge.store.spend import DIMENSIONS, By, Found, SpendReader

DAYS = 30
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: a name that begins so gets an apostrophe before it."""


class Spent(msgspec.Struct, kw_only=True):
    """What `--json` prints of a row; this shape is kept. `by`: the dimensions that were asked for. `unpriced`: requests
    whose cost is not known, nor in `cost_nanousd`. `estimated`: requests whose tokens were counted here."""

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
@click.option("--since", help=f"The first day (2026-11-01), UTC. Default: {DAYS} days before the last.")
@click.option("--until", help="The last day, with all its hours. Default: today.")
@click.option(
    "--key",
    "name",
    type=TEXT,
    help=f"Only of this key: its id, its alias or the key (`-`: from standard input); `{ADMIN}`: the admin's.",
)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--limit", type=click.IntRange(1), help="Show at most so many rows; `all` is still the sum of all.")
@configured
@click.pass_context
def spend(
    context: click.Context,
    dimensions: tuple[By, ...],
    since: str | None,
    until: str | None,
    name: str | None,
    form: str,
    as_json: bool,
    limit: int | None,
    config: Path | None,
) -> None:
    """Show what was spent, by key, model, provider, group or day. The dearest come first, days in their order.

    COST is in US dollars, INPUT and OUTPUT in tokens; in JSON, costs are in nano-dollars (a billion to the dollar).
    UNPRICED counts requests whose cost is not known; it is in no sum (`tollbridge spend recompute` prices them later).
    Days are UTC. What a gateway that runs on the same database was asked within the last second may be missing.

    Exit codes: 0 done, 1 failed (no such key, no database), 2 an option that cannot be used.

    Example: tollbridge spend --by day --by key --since 2026-11-01 --format csv
    """
    if context.invoked_subcommand is not None:
        if any((dimensions, since, until, name, limit, config, as_json)) or form != "table":
            raise click.UsageError(f"Write the options behind `{context.invoked_subcommand}`.")
        return
    by = tuple(dict.fromkeys(dimensions)) or ("model",)
    first, last = day("--since", since), day("--until", until) or shown_day(time.time())
    first = first or _days_before(last, DAYS)
    if last < first:
        raise out_of_order()
    name = None if name is None else read_name(name)
    rows = [_spent(row, by) for row in _read(config, by, first, last, name)]
    if not rows and form == "table" and not as_json:
        click.echo(f"Nothing was asked from {first} to {last} (UTC).")
        return
    shown = rows[:limit]
    click.echo(_FORMS["json" if as_json else form](shown, rows, by), nl=False)
    hidden = len(rows) - len(shown)
    if hidden:
        told = "1 more row is" if hidden == 1 else f"{hidden:,} more rows are"
        click.echo(f"{told} not shown: leave --limit out.", err=True)


def _read(config: Path | None, by: Sequence[By], since: str, until: str, name: str | None) -> list[Found]:
    """`name`: of a key, which may be deleted by now. Ends the process where nobody has it, or ever had it."""
    with errors_told():
        found = place(config)
        database = Database.open(found.database_url)
        try:
            return asyncio.run(_sums(found, database, by, since, until, name))
        finally:
            database.close()


async def _sums(
    found: Place, database: Database, by: Sequence[By], since: str, until: str, name: str | None
) -> list[Found]:
    reader, key_id = SpendReader(database), None
    if name is not None:
        pepper = found.home.pepper() if name.startswith(CUSTOM_PREFIX) else b""  # needed for nothing else
        key_id = await ledger_id(name, Keys(KeyStore(database), pepper, taken=found.is_admins), reader)
    return await reader.sums(by, since=since, until=until, key_id=key_id)


def _days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


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


def _as_json(shown: Sequence[Spent], rows: Sequence[Spent], by: Sequence[By]) -> str:
    return indented(shown) + "\n"


def _as_csv(shown: Sequence[Spent], rows: Sequence[Spent], by: Sequence[By]) -> str:
    """Dollars as a decimal number, all that is not zero."""
    names = _names(by)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    kinds = [f"{kind}_{'count' if kind == 'web_searches' else 'tokens'}" for kind in KINDS]
    writer.writerow([*names, "requests", "failures", *kinds, "cost_usd", "unpriced", "estimated"])
    for row in shown:
        counts = [row.tokens.get(kind, 0) for kind in KINDS]
        cost = spell_dollars(row.cost_nanousd, 2)
        cells = [harmless(row.by.get(name, "")) for name in names]
        writer.writerow([*cells, row.requests, row.failures, *counts, cost, row.unpriced, row.estimated])
    return text.getvalue()


def harmless(cell: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _as_table(shown: Sequence[Spent], rows: Sequence[Spent], by: Sequence[By]) -> str:
    """Below those that are `shown` the sum of all."""
    names = _names(by)
    heads = (*(name.upper() for name in names), "REQUESTS", "FAILED", "INPUT", "OUTPUT", "COST", "UNPRICED")
    lines = [heads, *(_cells(row, [printable(row.by.get(name, "")) for name in names]) for row in shown)]
    if len(rows) > 1:
        lines.append(_cells(_total(rows), ["all", *[""] * (len(names) - 1)]))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "".join(aligned(line, widths, len(names)) for line in lines)


def _names(by: Sequence[By]) -> list[str]:
    return [name for one in by for name in ((one, "alias") if one == "key" else (one,))]


def _cells(row: Spent, names: Sequence[str]) -> tuple[str, ...]:
    counts = (row.requests, row.failures, row.tokens.get("input", 0), row.tokens.get("output", 0))
    unpriced = f"{row.unpriced:,}" if row.unpriced else ""
    cost = "unknown" if row.unpriced and not row.cost_nanousd else show_dollars(row.cost_nanousd)
    return (*names, *(f"{count:,}" for count in counts), cost, unpriced)


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

_FORMS: Mapping[str, Callable[[Sequence[Spent], Sequence[Spent], Sequence[By]], str]] = {
    "table": _as_table,
    "csv": _as_csv,
    "json": _as_json,
}
