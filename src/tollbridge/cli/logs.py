"""`tollbridge logs`: single requests, from the ledger. What was asked and answered is kept nowhere."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from tollbridge.admin.keys import Keys
from tollbridge.cli.columns import printable
from tollbridge.cli.dates import moment
from tollbridge.cli.ending import errors_told
from tollbridge.cli.key_options import read_name
from tollbridge.cli.logs_replay import replay
from tollbridge.cli.place import Place, configured, place
from tollbridge.cli.screen import is_terminal, painted
from tollbridge.cli.texts import TEXT
from tollbridge.cli.whose import meant
from tollbridge.errors import NotFoundError
from tollbridge.ledger.report import spend_log
from tollbridge.model.money import show_dollars
from tollbridge.store.database import Database
from tollbridge.store.keys import KeyStore
from tollbridge.store.spend import Found, SpendReader, Wanted

PAGE = 1_000
PAGES_MAX = 100
"""Of those that are looked through for failures."""
EVERY_S = 1.0
LATE_S = 60.0
"""An entry may come into the database that much after one that is younger than it: there are several processes."""
KEY_WIDTH, MODEL_WIDTH = 14, 30
NARROW, NARROW_KEY, NARROW_MODEL = 100, 10, 16
"""On a terminal of fewer columns a line has no year, and shorter names."""
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /spend/logs has it.")


@click.group()
def logs() -> None:
    """Show single requests: who asked whom, when, what it used and cost, how it went.

    They are the ledger's, which keeps no prompt and no answer: to be asked again, a request comes from a file. One that
    asked no provider (a wrong key) is in the log of `serve` alone.

    Exit codes: 0 done, 1 there is no such request, or no database, 2 what was given cannot be used.

    Example:

    \b
      tollbridge logs tail --follow
      tollbridge logs show chatcmpl-2f1c
      tollbridge logs replay chatcmpl-2f1c --file request.json
    """


logs.add_command(replay)


@logs.command()
@click.option(
    "--lines", "-n", "count", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@click.option("--failed", is_flag=True, help=f"Only those that failed, of the last {PAGE * PAGES_MAX:,}.")
@click.option("--key", type=TEXT, help="Only those of this key: its id, its alias, or `master`.")
@click.option("--since", help="Only from this day (2026-11-01) or moment on, UTC.")
@configured
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each, as GET /spend/logs has it.")
def tail(
    count: int, follow: bool, failed: bool, key: str | None, since: str | None, config: Path | None, as_json: bool
) -> None:
    """Show the last requests, the newest at the end. What was asked within the last second may be missing.

    Exit codes: 0 shown, 1 no such key, or no database, 2 an option that cannot be used.

    Example: tollbridge logs tail --failed --lines 50 --key team-a
    """
    first = moment("--since", since)
    with errors_told():
        found = place(config, admin=False)
        database = Database.open(found.database_url)
        try:
            asyncio.run(_tail(found, database, count, first, key, follow=follow, failed=failed, as_json=as_json))
        except KeyboardInterrupt:
            pass  # how one leaves it
        finally:
            database.close()


@logs.command()
@click.argument("id", type=TEXT)
@configured
@as_json
def show(id: str, config: Path | None, as_json: bool) -> None:
    """Show one request with its attempts. ID is the one in its answer, that of its header x-tollbridge-request-id, or
    the ledger's.

    Exit codes: 0 shown, 1 there is none, or no database.

    Example: tollbridge logs show req_813110f9c700000001
    """
    with errors_told():
        database = Database.open(place(config, admin=False).database_url)
        try:
            rows = asyncio.run(SpendReader(database).named(id))
        finally:
            database.close()
        if not rows:
            raise NotFoundError(f"There is no request {id!r} in the ledger: it is too old, or asked no provider.")
    if as_json:
        click.echo(json.dumps([spend_log(row) for row in rows], indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join("\n".join(_card(row)) for row in rows))


async def _tail(
    place: Place,
    database: Database,
    count: int,
    since: float | None,
    key: str | None,
    *,
    follow: bool,
    failed: bool,
    as_json: bool,
) -> None:
    reader, key_id = SpendReader(database), None
    if key is not None:
        name = read_name(key)
        key_id = await meant(name, Keys(KeyStore(database), place.home.pepper(), taken=place.is_admins), reader)
    shown = await _last(reader, count, since, key_id, failed=failed)
    if is_terminal(sys.stdout) and not as_json and (shown or follow):
        click.echo(painted(_head(), sys.stdout, bold=True))
    _print(shown, as_json)
    if not shown and not follow:
        click.echo("There is no such request in the ledger.", err=True)
    seen = {row["id"] for row in shown}
    began = time.time()
    while follow:
        await asyncio.sleep(EVERY_S)
        rows = await reader.entries(Wanted(key_id=key_id, since=max(began, time.time() - LATE_S), limit=PAGE))
        new = [row for row in reversed(rows) if row["id"] not in seen and (not failed or row["outcome"] != "ok")]
        _print(new, as_json)
        seen = {row["id"] for row in rows} | {row["id"] for row in new}


async def _last(
    reader: SpendReader, count: int, since: float | None, key_id: str | None, *, failed: bool
) -> list[Found]:
    """The oldest first."""
    found: list[Found] = []
    after = None
    for _ in range(PAGES_MAX):
        size = PAGE if failed else min(PAGE, count - len(found))
        rows = await reader.entries(Wanted(key_id=key_id, since=since, after=after, limit=size))
        found += [row for row in rows if not failed or row["outcome"] != "ok"]
        if len(found) >= count or len(rows) < size:
            break
        after = rows[-1]["id"]
    return found[:count][::-1]


def _print(rows: Sequence[Found], as_json: bool) -> None:
    for row in rows:
        click.echo(json.dumps(spend_log(row), ensure_ascii=False) if as_json else _line(row))


def _is_narrow() -> bool:
    return is_terminal(sys.stdout) and shutil.get_terminal_size().columns < NARROW


def _head() -> str:
    """For people: what is piped has a line for each request and no other."""
    narrow = _is_narrow()
    key_width, model_width = (NARROW_KEY, NARROW_MODEL) if narrow else (KEY_WIDTH, MODEL_WIDTH)
    at = f"{'ended (UTC)':<{14 if narrow else 19}}"
    return f"{at}  {'':3}  {'key':<{key_width}}  {'answered by':<{model_width}}  {'tokens':>9}  {'cost':>9}  took"


def _line(row: Found) -> str:
    narrow = _is_narrow()
    key_width, model_width = (NARROW_KEY, NARROW_MODEL) if narrow else (KEY_WIDTH, MODEL_WIDTH)
    ended = time.gmtime(row["started_at"] + row["duration_ms"] / 1000)
    at = time.strftime("%m-%d %H:%M:%S" if narrow else "%Y-%m-%d %H:%M:%S", ended)
    key = _cut(row["key_alias"] or row["key_id"] or "-", key_width)
    model = _cut(f"{row['provider']}/{row['model'] or row['model_requested']}", model_width)
    used = f"{row['input_tokens'] or 0:,}+{row['output_tokens'] or 0:,}"
    went = "" if row["outcome"] == "ok" else f"  {printable(row['error_class'] or row['outcome'])}"
    line = (
        f"{at}  {row['status']:>3}  {key:<{key_width}}  {model:<{model_width}}  {used:>9}"
        f"  {_dollars(row['cost_nanousd']):>9}  {row['duration_ms']:,.0f} ms{went}"
    )
    return painted(line, sys.stdout, fg="red") if went else line


def _card(row: Found) -> list[str]:
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(row["started_at"]))
    tokens = f"{row['input_tokens'] or 0:,} in, {row['output_tokens'] or 0:,} out"
    parts = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in (row["parts"] or {}).items())
    told = {
        "request": row["request_id"],
        "answer": row["answer_id"],
        "ledger": row["id"],
        "began": f"{at}, took {row['duration_ms']:,.0f} ms"
        + (f", first piece after {row['ttft_ms']:,.0f} ms" if row["ttft_ms"] else ""),
        "key": f"{row['key_id']} ({row['key_alias']})" if row["key_alias"] else row["key_id"],
        "asked": f"{row['model_requested']} at {row['endpoint']}" + (", as a stream" if row["stream"] else ""),
        "by": f"{row['provider']}/{row['model']}, deployment {row['deployment']}",
        "went": f"{row['outcome']}, status {row['status']}" + (f", {row['error_class']}" if row["error_class"] else ""),
        "tokens": tokens + (f" ({parts})" if parts else "") + (", estimated" if row["estimated"] else ""),
        "cost": _dollars(row["cost_nanousd"]),
        "user": row["end_user"] or "",
        "tags": ", ".join(row["tags"]),
    }
    lines = [f"{name:<8} {printable(str(said))}" for name, said in told.items() if said]
    for one in row["tried"]:
        why = f", {one['error_class']}" if one["error_class"] else ""
        lines.append(printable(f"attempt  {one['provider']}/{one['model']}, status {one['status']}{why}"))
    return lines


def _dollars(nanousd: int | None) -> str:
    return "unknown" if nanousd is None else show_dollars(nanousd)


def _cut(text: str, width: int) -> str:
    text = printable(text)
    return text if len(text) <= width else f"{text[: width - 3]}..."
