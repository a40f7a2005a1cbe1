"""`tollbridge cache`: there is none. It says so, and what is held in the place of one."""

from __future__ import annotations

import json
import sys

import click

from tollbridge.cli.ending import UNUSABLE

ABSENT = (
    "Answers are not cached: each request asks its provider. `cache` in a configuration has no effect, which "
    "`tollbridge check` says."
)
HELD = {
    "prices": "of the package and the prices_file, read when it starts",
    "keys": "those used last, in memory; their changes are heard of",
    "tokens": "of clouds, and exchanged ones, in memory until they end",
    "idempotent_answers": "under an Idempotency-Key, in the database for a day",
}
"""What a gateway keeps for a while although nobody calls it a cache. None of it needs to be cleared by hand."""


@click.command()
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.option("--json", "as_json", is_flag=True, help='Print {"cache": null, "error": ..., "held": {...}}.')
def cache(words: tuple[str, ...], as_json: bool) -> None:
    """Say that answers are not cached, and what else is held for a while.

    Whatever COMMAND one may look for (`clear`, `stats`), the answer is the same.

    Exit codes: 2, always: a script that clears a cache is told that there is none.

    Example: tollbridge cache --json
    """
    if as_json:
        click.echo(json.dumps({"cache": None, "error": ABSENT, "held": HELD}, indent=2))
    else:
        click.echo(f"error: {ABSENT}", err=True)
        click.echo("What a gateway holds for a while, and clears by itself:")
        width = max(map(len, HELD))
        for name, told in HELD.items():
            click.echo(f"  {name.replace('_', ' '):<{width}}  {told}")
    sys.exit(UNUSABLE)
