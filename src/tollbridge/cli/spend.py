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
from tollbridge.cli.columns import aligned, harmless, printable
from tollbridge.cli.dates import day, out_of_order, shown_day
from tollbridge.cli.ending import errors_told
from tollbridge.cli.examining import journal
from tollbridge.cli.indented import indented
from tollbridge.cli.key_options import read_name
from tollbridge.cli.place import Place, configured, place
from tollbridge.cli.recompute import recompute
from tollbridge.cli.spend_names import Named, NamedSpent, by_name, dollars, in_json, written
from tollbridge.cli.spend_names import shown as shown_cost
from tollbridge.cli.texts import TEXT
from tollbridge.cli.whose import meant
from tollbridge.policy.minting import CUSTOM_PREFIX
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.keys import KeyStore
from tollbridge.store.ledger_tables import KINDS
from tollbridge.store.spend import DIMENSIONS, By, Found, SpendReader

DAYS = 30
NAMED: tuple[Named, ...] = get_args(Named)
TOOLS = "mcp"
"""The provider of calls of tools: the group is their server's, the model the tool's own name."""


class Spent(msgspec.Struct, kw_only=True):
    """What `--json` prints of a row; this shape is kept. `by`: the dimensions that were asked for. `unpriced`: requests
    whose cost is not known, nor in `cost_nanousd`, which is null in JSON where nothing of it is. `estimated`: requests
    whose tokens were counted here."""

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
    type=click.Choice([*get_args(By), *NAMED]),
    help="What to sum by; may be repeated, but for `tag` and `user`, which stand alone. Default: model.",
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
@click.option("--csv", "as_csv", is_flag=True, help="The same as --format csv.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--limit", type=click.IntRange(1), help="Show at most so many rows; `all` is still the sum of all.")
@configured
@click.pass_context
def spend(
    context: click.Context,
    dimensions: tuple[By | Named, ...],
    since: str | None,
    until: str | None,
    name: str | None,
    form: str,
    as_csv: bool,
    as_json: bool,
    limit: int | None,
    config: Path | None,
) -> None:
    """Show what was spent, by key, model, provider, group, day, tag or user. The dearest come first, days in order.

    COST is in US dollars, INPUT and OUTPUT in tokens; in JSON, costs are in nano-dollars (a billion to the dollar).
    UNPRICED counts requests whose cost is not known; it is in no sum (`tollbridge spend recompute` prices them later).
    A cost of which nothing is known is `unknown`, in CSV empty, in JSON null.
    Days are UTC. What a gateway that runs on the same database was asked within the last second may be missing.

    Exit codes: 0 done, 1 failed (no such key, no database), 2 an option that cannot be used.

    Example: tollbridge spend --by day --by key --since 2026-11-01 --format csv
    """
    if context.invoked_subcommand is not None:
        if any((dimensions, since, until, name, limit, config, as_csv, as_json)) or form != "table":
            raise click.UsageError(f"Write the options behind `{context.invoked_subcommand}`.")
        return
    by: tuple[By, ...] = tuple(dict.fromkeys(one for one in dimensions if one != "tag" and one != "user"))
    by = by or ("model",)
    named = next((one for one in NAMED if one in dimensions), None)
    if named is not None and set(dimensions) != {named}:
        raise click.BadParameter(f"`{named}` stands alone: no sums by day are kept of it", param_hint="--by")
    if as_csv and as_json:
        raise click.UsageError("Say either --csv or --json.")
    first, last = day("--since", since), day("--until", until) or shown_day(time.time())
    first = first or _days_before(last, DAYS)
    if last < first:
        raise out_of_order()
    name = None if name is None else read_name(name)
    form = "json" if as_json else "csv" if as_csv else form
    rows: Sequence[Spent] | Sequence[NamedSpent] = _read(config, named or by, first, last, name)
    if not rows and form == "table":
        click.echo(f"Nothing was asked from {first} to {last} (UTC).")
        return
    shown = rows[:limit]
    click.echo(_written(form, shown, rows, by), nl=False)
    hidden = len(rows) - len(shown)
    if hidden:
        told = "1 more row is" if hidden == 1 else f"{hidden:,} more rows are"
        click.echo(f"{told} not shown: leave --limit out.", err=True)


def _written(
    form: str,
    shown: Sequence[Spent] | Sequence[NamedSpent],
    rows: Sequence[Spent] | Sequence[NamedSpent],
    by: Sequence[By],
) -> str:
    sums = [row for row in shown if isinstance(row, Spent)]
    if len(sums) < len(shown):
        return written([row for row in shown if isinstance(row, NamedSpent)], form)
    return _FORMS[form](sums, [row for row in rows if isinstance(row, Spent)], by)


def _read(
    config: Path | None, by: Sequence[By] | Named, since: str, until: str, name: str | None
) -> list[Spent] | list[NamedSpent]:
    """`name`: of a key, which may be deleted by now. Ends the process where nobody has it, or ever
    had it."""
    with errors_told():
        found = place(config, admin=False)
        database = Database.open(found.database_url)
        try:
            for one in journal(found.home, EntryStore(database).known):
                click.echo(f"{one.said}. {one.mend}", err=True)
            return asyncio.run(_sums(found, database, by, since, until, name))
        finally:
            database.close()


async def _sums(
    found: Place, database: Database, by: Sequence[By] | Named, since: str, until: str, name: str | None
) -> list[Spent] | list[NamedSpent]:
    reader, key_id = SpendReader(database), None
    if name is not None:
        pepper = found.home.pepper() if name.startswith(CUSTOM_PREFIX) else b""  # needed for nothing else
        key_id = await meant(name, Keys(KeyStore(database), pepper, taken=found.is_admins), reader)
    if isinstance(by, str):
        return await by_name(reader, by, since, until, key_id)
    if "model" not in by:
        return [_spent(row, by) for row in await reader.sums(by, since=since, until=until, key_id=key_id)]
    finer = tuple(dict.fromkeys((*by, "provider", "group")))
    rows = await reader.sums(finer, since=since, until=until, key_id=key_id)
    return _folded([_of_server(row, by) for row in rows], by)


def _of_server(row: Found, by: Sequence[By]) -> Spent:
    """A tool is told with its server's name before it: two servers may have one of the same name."""
    spent = _spent(row, by)
    if row["provider"] == TOOLS:
        spent.by["model"] = f"{row['model_group']}/{row['model']}"
    return spent


def _folded(rows: Sequence[Spent], by: Sequence[By]) -> list[Spent]:
    """Those of the same names as one: days in their order, else the dearest first."""
    same: dict[tuple[str, ...], list[Spent]] = {}
    for row in rows:
        same.setdefault(tuple(row.by.values()), []).append(row)
    found = [_total(some, some[0].by) for some in same.values()]
    return sorted(found, key=lambda row: (row.by["day"] if "day" in by else "", -row.cost_nanousd, *row.by.values()))


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
    return indented([in_json(row, row.cost_nanousd, row.unpriced) for row in shown]) + "\n"


def _as_csv(shown: Sequence[Spent], rows: Sequence[Spent], by: Sequence[By]) -> str:
    """Dollars as a decimal number, all that is not zero; empty where nothing of a cost is known."""
    names = _names(by)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    kinds = [f"{kind}_{'count' if kind == 'web_searches' else 'tokens'}" for kind in KINDS]
    writer.writerow([*names, "requests", "failures", *kinds, "cost_usd", "unpriced", "estimated"])
    for row in shown:
        counts = [row.tokens.get(kind, 0) for kind in KINDS]
        cost = dollars(row.cost_nanousd, row.unpriced)
        cells = [harmless(row.by.get(name, "")) for name in names]
        writer.writerow([*cells, row.requests, row.failures, *counts, cost, row.unpriced, row.estimated])
    return text.getvalue()


def _as_table(shown: Sequence[Spent], rows: Sequence[Spent], by: Sequence[By]) -> str:
    """Below those that are `shown` the sum of all."""
    names = _names(by)
    heads = (*(name.upper() for name in names), "REQUESTS", "FAILED", "INPUT", "OUTPUT", "COST", "UNPRICED")
    lines = [heads, *(_cells(row, [printable(row.by.get(name, "")) for name in names]) for row in shown)]
    if len(rows) > 1:
        lines.append(_cells(_total(rows, {}), ["all", *[""] * (len(names) - 1)]))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "".join(aligned(line, widths, len(names)) for line in lines)


def _names(by: Sequence[By]) -> list[str]:
    return [name for one in by for name in ((one, "alias") if one == "key" else (one,))]


def _cells(row: Spent, names: Sequence[str]) -> tuple[str, ...]:
    counts = (row.requests, row.failures, row.tokens.get("input", 0), row.tokens.get("output", 0))
    unpriced = f"{row.unpriced:,}" if row.unpriced else ""
    cost = shown_cost(row.cost_nanousd, row.unpriced)
    return (*names, *(f"{count:,}" for count in counts), cost, unpriced)


def _total(rows: Sequence[Spent], by: dict[str, str]) -> Spent:
    kinds = [kind for kind in KINDS if any(kind in row.tokens for row in rows)]
    return Spent(
        by=by,
        requests=sum(row.requests for row in rows),
        failures=sum(row.failures for row in rows),
        tokens={kind: sum(row.tokens.get(kind, 0) for row in rows) for kind in kinds},
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
