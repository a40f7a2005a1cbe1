"""`tollbridge keys`: make, look at and change keys, in the database itself. A gateway that runs on it hears of a change
within a second."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from tollbridge.admin.key_shape import shape
from tollbridge.admin.keys import Keys, Made
from tollbridge.cli.key_table import card, table
from tollbridge.cli.place import configured, place
from tollbridge.errors import NotFoundError, TollbridgeError
from tollbridge.model.json import JsonObject
from tollbridge.observe.audit import audited
from tollbridge.policy.pepper import check_pepper
from tollbridge.store.database import Database
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore

T = TypeVar("T")
BY = "cli"
PAGE = 100

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the HTTP routes answer.")
quietly = click.option("--quiet", "-q", "quiet", is_flag=True, help="Print the key and nothing else.")
reference = click.argument("key")

_WISHES: tuple[tuple[str, str, Any, str], ...] = (
    ("--alias", "key_alias", str, "A name for people, there once."),
    ("--model", "models", str, "A model or a pattern (openai/*) that it may ask for; may be repeated. None: all."),
    ("--model-alias", "aliases", str, "NAME=MODEL: what NAME means for this key; may be repeated."),
    ("--duration", "duration", str, "Expires after 30s, 30m, 12h, 7d, 1mo; -1 is never."),
    ("--max-budget", "max_budget", float, "Dollars that it may spend."),
    ("--budget-duration", "budget_duration", str, "The budget starts anew each 1h, 1d, 7d, 30d, 1mo (UTC)."),
    ("--rpm", "rpm_limit", int, "Requests a minute."),
    ("--tpm", "tpm_limit", int, "Tokens a minute."),
    ("--parallel", "max_parallel_requests", int, "Requests at once."),
    (
        "--estimated-output",
        "default_estimated_output_tokens",
        int,
        "Tokens that an answer is taken to have, for --tpm, where a request sets no limit.",
    ),
    ("--metadata", "metadata", str, "A JSON object that is kept with it."),
)
AUDIT = "audit.log"
_MANY = ("models", "aliases")
_LIFTED = {
    *("max_budget", "budget_duration", "rpm_limit", "tpm_limit", "max_parallel_requests", "models", "key_alias"),
    *("default_estimated_output_tokens", "default_estimated_output_tokens_per_model"),
}


def wishes(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what a key may do."""
    for option, name, kind, told in reversed(_WISHES):
        command = click.option(option, name, type=kind, multiple=name in _MANY, help=told)(command)
    return command


@click.group()
def keys() -> None:
    """Make, look at and change keys.

    Each change is a line of audit.log in the state directory, as a gateway writes it into its log.

    KEY is a key's id (as `keys list` shows it), its alias, or the key itself; `-` reads it from standard input, so that
    it stands in no list of processes. A running gateway on the same database obeys within a second.

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
    """Make a key. It is shown once.

    Example: KEY=$(tollbridge keys generate --alias team-a --rpm 60 --quiet)
    """
    body = _body(said)
    if own:
        body["key"] = _from_stdin()
    _print_made(_run(config, lambda desk: desk.generate(body, BY)), as_json, quiet)


@keys.command("list")
@configured
@click.option("--alias", help="Only the one with this alias.")
@as_json
def list_keys(config: Path | None, alias: str | None, as_json: bool) -> None:
    """List keys, the newest first."""

    async def all_of_them(desk: Keys) -> list[Key]:
        found: list[Key] = []
        while True:
            page = await desk.store.list(alias=alias, descending=True, page=len(found) // PAGE + 1, size=PAGE)
            found.extend(page.keys)
            if len(page.keys) < PAGE:
                return found

    found = _run(config, all_of_them)
    if not found and alias is not None and not as_json:
        click.echo("No key has this alias.")
        return
    click.echo(_json([shape(key) for key in found]) if as_json else table(found, time.time()))


@keys.command()
@configured
@reference
@as_json
def info(config: Path | None, key: str, as_json: bool) -> None:
    """Show one key: its rights, its limits, what it spent."""
    _print(_run(config, lambda desk: _found(desk, key)), as_json)


@keys.command()
@configured
@reference
@wishes
@click.option("--no-limit", "lifted", multiple=True, type=click.Choice(sorted(_LIFTED)), help="Take this limit away.")
@as_json
def update(config: Path | None, key: str, lifted: tuple[str, ...], as_json: bool, **said: Any) -> None:
    """Change what is named, and nothing else."""
    body = {**_body(said), **dict.fromkeys(lifted)}
    if not body:
        raise click.UsageError("Say what to change; `tollbridge keys update --help` lists it.")

    async def change(desk: Keys) -> Key:
        changed, _ = await desk.update(await _found(desk, key), body, BY)
        return changed

    _print(_run(config, change), as_json)


@keys.command()
@configured
@reference
def block(config: Path | None, key: str) -> None:
    """Let a key do nothing until it is unblocked."""
    _say(_run(config, partial(_blocked, key, blocked=True)), "is blocked")


@keys.command()
@configured
@reference
def unblock(config: Path | None, key: str) -> None:
    """Let a blocked key work again."""
    _say(_run(config, partial(_blocked, key, blocked=False)), "works again")


@keys.command()
@configured
@click.argument("names", nargs=-1, required=True, metavar="KEY...")
def delete(config: Path | None, names: tuple[str, ...]) -> None:
    """Delete keys: all of them, or none where one is not there. What they spent stays in the ledger."""

    async def gone(desk: Keys) -> list[Key]:
        found = [await _found(desk, name) for name in names]
        await desk.delete(found, BY)
        return found

    for key in _run(config, gone):
        _say(key, "is deleted")


@keys.command()
@configured
@reference
@as_json
@quietly
def regenerate(config: Path | None, key: str, as_json: bool, quiet: bool) -> None:
    """Put another secret in place of a key's. The former ends at once; the new one is shown once."""

    async def again(desk: Keys) -> Made:
        return await desk.regenerate(await _found(desk, key), {}, BY)

    _print_made(_run(config, again), as_json, quiet)


def _run(config: Path | None, work: Callable[[Keys], Awaitable[T]]) -> T:
    """With the keys of the configured database. Ends the process where it cannot be."""
    try:
        found = place(config)
        database = Database.open(found.database_url)
        try:
            pepper = found.home.pepper()
            check_pepper(database, pepper)
            with audited(found.home.path / AUDIT, sys.stderr):
                return asyncio.run(_awaited(work(Keys(KeyStore(database), pepper, taken=found.is_admins))))
        finally:
            database.close()
    except TollbridgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1 if isinstance(error, NotFoundError) else 2)


async def _awaited(work: Awaitable[T]) -> T:
    return await work


async def _found(desk: Keys, name: str) -> Key:
    name = _from_stdin() if name == "-" else name
    try:
        return await desk.named(name)
    except NotFoundError:
        return await desk.aliased(name)


async def _blocked(name: str, desk: Keys, *, blocked: bool) -> Key:
    return await desk.block(await _found(desk, name), BY, blocked=blocked)


def _from_stdin() -> str:
    text = sys.stdin.readline().strip()
    if not text:
        raise click.UsageError("No key came on standard input.")
    return text


def _body(said: dict[str, Any]) -> JsonObject:
    """The options as the HTTP routes' request; those that were not given say nothing."""
    body: JsonObject = {name: value for name, value in said.items() if value is not None and value != ()}
    if "models" in body:
        body["models"] = list(body["models"])
    if "aliases" in body:
        pairs = [pair.partition("=") for pair in body["aliases"]]
        if not all(name and model for name, _, model in pairs):
            raise click.BadParameter("write NAME=MODEL", param_hint="--model-alias")
        body["aliases"] = {name: model for name, _, model in pairs}
    if "metadata" in body:
        try:
            body["metadata"] = msgspec.json.decode(body["metadata"])
        except msgspec.DecodeError as error:
            raise click.BadParameter(f"is no JSON: {error}", param_hint="--metadata") from error
    return body


def _print_made(made: Made, as_json: bool, quiet: bool) -> None:
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


def _say(key: Key, what: str) -> None:
    click.echo(f"{key.id} {f'({key.alias}) ' if key.alias else ''}{what}")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
