"""`tollbridge keys`: make, look at and change keys, in the database itself. A gateway that runs on it hears of a change
within a second."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from tollbridge.admin.key_shape import shape
from tollbridge.admin.keys import Keys, Made
from tollbridge.assemble.known_names import known_names
from tollbridge.cli.columns import printable
from tollbridge.cli.dates import shown_day
from tollbridge.cli.ending import errors_told
from tollbridge.cli.key_options import LIFTED, from_stdin, read_name, read_wishes, wishes
from tollbridge.cli.key_table import card, hindrance, odd_limits, table
from tollbridge.cli.place import AUDIT, Place, configured, place
from tollbridge.cli.texts import TEXT
from tollbridge.observe.audit import audited
from tollbridge.policy.pepper import check_pepper
from tollbridge.store.database import Database
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore
from tollbridge.store.mcp_servers import McpServerStore
from tollbridge.store.spend import SpendReader

T = TypeVar("T")
BY = "cli"
PAGE = 100
LIMITS = frozenset({"max_budget", "budget_duration", "rpm_limit", "tpm_limit", "max_parallel_requests"})

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the HTTP routes answer.")
quietly = click.option("--quiet", "-q", "quiet", is_flag=True, help="Print the key and nothing else.")
reference = click.argument("key", type=TEXT)


@click.group()
def keys() -> None:
    """Make, look at and change keys.

    Each change is a line of audit.log in the state directory, as a gateway writes it into its log.

    KEY is a key's id (as `keys list` shows it), its alias, or the key itself; `-` reads it from standard input, so that
    it stands in no list of processes. A running gateway on the same database obeys within a second.

    Exit codes: 0 done, 1 failed (no such key, an alias in use, no database), 2 what was given cannot be used.

    Example:

    \b
      tollbridge keys generate --alias team-a --model "openai/*" --max-budget 10
      tollbridge keys block team-a
    """


@keys.command()
@configured
@wishes
@click.option("--own", is_flag=True, help="Read the key itself from standard input instead of making one (sk-...).")
@as_json
@quietly
def generate(config: Path | None, own: bool, as_json: bool, quiet: bool, **said: Any) -> None:
    """Make a key. It is shown once. Without options it may do everything that clients do, without a limit or an end.

    It is known to the gateways on the same database alone, which is told: that of the state directory, or the one that
    the gateway's own --config names.

    Example:

    \b
      tollbridge keys generate --alias team-a --max-budget 10 --budget-duration 30d
      KEY=$(tollbridge keys generate --alias team-b --rpm 60 --quiet)
    """
    body = read_wishes(said)
    if own:
        body["key"] = from_stdin()

    async def make(database: Database, desk: Keys) -> tuple[Made, str]:
        return await desk.generate(body, BY), database.name

    made, where = _with_database(config, make)
    _print_made(made, as_json, quiet)
    if not as_json and not quiet:
        click.echo(f"{'database':<10} {printable(where)}")


@keys.command("list")
@configured
@click.option("--alias", type=TEXT, help="Only the one with this alias.")
@as_json
def list_keys(config: Path | None, alias: str | None, as_json: bool) -> None:
    """List keys, the newest first: what each may do, and what it spent since its budget last started.

    Example: tollbridge keys list --json
    """

    async def all_of_them(desk: Keys) -> list[Key]:
        found: list[Key] = []
        while True:
            page = await desk.store.list(alias=alias, descending=True, page=len(found) // PAGE + 1, size=PAGE)
            found.extend(page.keys)
            if len(page.keys) < PAGE:
                return found

    found = _run(config, all_of_them)
    if not found and alias is not None and not as_json:
        click.echo(f"No key has the alias {alias!r}.")
        return
    click.echo(_json([shape(key) for key in found]) if as_json else table(found, time.time()))


@keys.command()
@configured
@reference
@as_json
def info(config: Path | None, key: str, as_json: bool) -> None:
    """Show one key: its rights, its limits, what it spent since its budget last started.

    Example: tollbridge keys info team-a
    """

    async def looked_up(database: Database, desk: Keys) -> tuple[Key, int]:
        found = await desk.named(read_name(key))
        began = None if found.budget_began_at is None else shown_day(found.budget_began_at)
        [sums] = await SpendReader(database).sums((), since=began, key_id=found.id)
        return found, sums["unpriced"]

    found, unpriced = _with_database(config, looked_up)
    click.echo(_json(shape(found)) if as_json else card(found, time.time(), unpriced))


@keys.command()
@configured
@reference
@wishes
@click.option(
    "--no-limit",
    "lifted",
    multiple=True,
    type=click.Choice(sorted(LIFTED)),
    metavar="FIELD",
    help=f"Take this limit, or the alias, away; may be repeated. One of {', '.join(LIFTED)}.",
)
@as_json
def update(config: Path | None, key: str, lifted: tuple[str, ...], as_json: bool, **said: Any) -> None:
    """Change what is named, and nothing else. A list (--model, --model-alias, --estimated-output-of) takes the place of
    the former one.

    Example: tollbridge keys update team-a --max-budget 20 --no-limit rpm_limit
    """
    body = read_wishes(said)
    twice = next((name for name in lifted if name in body), None)
    if twice is not None:
        raise click.UsageError(f"Say either {LIFTED[twice]} or --no-limit {twice}.")
    body |= dict.fromkeys(lifted)
    if not body:
        raise click.UsageError("Say what to change; `tollbridge keys update --help` lists it.")

    async def change(desk: Keys) -> Key:
        changed, warnings = await desk.update(await desk.named(read_name(key)), body, BY)
        _warn(warnings)
        if not LIMITS.isdisjoint(body):
            _warn(odd_limits(changed))
        return changed

    _print(_run(config, change), as_json)


@keys.command()
@configured
@reference
@as_json
def block(config: Path | None, key: str, as_json: bool) -> None:
    """Let a key do nothing until it is unblocked.

    Example: tollbridge keys block team-a
    """
    before, after = _run(config, partial(_blocked, key, blocked=True))
    _say(after, "was blocked already" if before.blocked else "is blocked", as_json)


@keys.command()
@configured
@reference
@as_json
def unblock(config: Path | None, key: str, as_json: bool) -> None:
    """Let a blocked key work again. What else keeps it from working is said: an expiry, a budget that is used up.

    Example: tollbridge keys unblock team-a
    """
    before, after = _run(config, partial(_blocked, key, blocked=False))
    done, hindered = "is unblocked" if before.blocked else "was not blocked", hindrance(after, time.time())
    if hindered is None:
        _say(after, "works again" if before.blocked else "was not blocked, and works", as_json)
    else:
        _say(after, f"{done}, and does not work: {hindered}", as_json)


@keys.command()
@configured
@click.argument("names", type=TEXT, nargs=-1, required=True, metavar="KEY...")
@as_json
def delete(config: Path | None, names: tuple[str, ...], as_json: bool) -> None:
    """Delete keys: all of them, or none where one is not there. What they spent stays in the ledger.

    Example: tollbridge keys delete team-a team-b
    """

    async def gone(desk: Keys) -> tuple[Key, ...]:
        found = await desk.all_named([read_name(name) for name in names])
        await desk.delete(found, BY)
        return found

    deleted = _run(config, gone)
    if as_json:
        click.echo(_json({"deleted_keys": [key.id for key in deleted]}))
        return
    for key in deleted:
        _say(key, "is deleted")


@keys.command()
@configured
@reference
@as_json
@quietly
def regenerate(config: Path | None, key: str, as_json: bool, quiet: bool) -> None:
    """Put another secret in place of a key's. The former ends at once; the new one is shown once. Id, rights and spend
    stay.

    Example: KEY=$(tollbridge keys regenerate team-a --quiet)
    """

    async def again(desk: Keys) -> Made:
        return await desk.regenerate(await desk.named(read_name(key)), {}, BY)

    _print_made(_run(config, again), as_json, quiet)


def _run(config: Path | None, work: Callable[[Keys], Awaitable[T]]) -> T:
    """With the keys of the configured database. Ends the process where it cannot be."""
    return _with_database(config, lambda _, desk: work(desk))


def _with_database(config: Path | None, work: Callable[[Database, Keys], Awaitable[T]]) -> T:
    with errors_told():
        found = place(config, admin=False)
        database = Database.open(found.database_url)
        try:
            pepper = found.home.pepper()
            check_pepper(database, pepper)
            with audited(found.home.path / AUDIT, sys.stderr):
                return asyncio.run(_awaited(work(database, _desk(found, database, pepper))))
        finally:
            database.close()


def _desk(found: Place, database: Database, pepper: bytes) -> Keys:
    """Which names there are only the gateway's configuration tells: without one nothing is said of them."""
    store = KeyStore(database)
    if found.config.source is None:
        return Keys(store, pepper, taken=found.is_admins)
    knowing = partial(known_names, found.config, McpServerStore(database, pepper))
    return Keys(store, pepper, taken=found.is_admins, knowing=knowing)


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


async def _awaited(work: Awaitable[T]) -> T:
    return await work


async def _blocked(name: str, desk: Keys, *, blocked: bool) -> tuple[Key, Key]:
    """The key before and after."""
    key = await desk.named(read_name(name))
    return key, await desk.block(key, BY, blocked=blocked)


def _print_made(made: Made, as_json: bool, quiet: bool) -> None:
    _warn((*made.warnings, *odd_limits(made.key)))
    text = made.minted.text.reveal()
    if quiet:
        click.echo(text)
        return
    if as_json:
        click.echo(_json({"key": text, **shape(made.key)}))
        return
    click.echo(f"{'key':<10} {text}\n{'':<10} shown once and kept nowhere: copy it now\n{card(made.key, time.time())}")


def _print(key: Key, as_json: bool) -> None:
    click.echo(_json(shape(key)) if as_json else card(key, time.time()))


def _say(key: Key, what: str, as_json: bool = False) -> None:
    if as_json:
        click.echo(_json(shape(key)))
        return
    click.echo(f"{key.id} {f'({key.alias}) ' if key.alias else ''}{what}")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
