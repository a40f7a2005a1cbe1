"""How a command of `tollbridge mcp` asks: the servers of a configuration, or a gateway that runs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from tollbridge.cli.gateway import KEY_VARIABLE, URL_VARIABLE
from tollbridge.cli.mcp_desk import Desk, local, remote
from tollbridge.errors import NotFoundError, TollbridgeError

T = TypeVar("T")


def asked(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say whom to ask."""
    options = (
        click.option(
            "--config",
            "-c",
            type=click.Path(path_type=Path),
            help="The servers of this config.yaml; none needs to run.",
        ),
        click.option("--url", help=f"A gateway that runs; else ${URL_VARIABLE}, else http://127.0.0.1:4000."),
        click.option("--key", help=f"Its key; else ${KEY_VARIABLE}, else, on this machine, the admin's."),
    )
    for option in reversed(options):
        command = option(command)
    return command


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def run(
    config: Path | None, url: str | None, key: str | None, work: Callable[[Desk], Awaitable[T]], *, kept: bool = False
) -> T:
    """What comes of it at whom the options name. `kept`: with what was approved before."""
    if config is not None and (url is not None or key is not None):
        raise click.UsageError("Say either --config, or --url and --key.")

    async def asked() -> T:
        desk: AbstractAsyncContextManager[Desk] = remote(url, key) if config is None else local(config, kept=kept)
        async with desk as open_desk:
            return await work(open_desk)

    return done(asked())


def done(work: Awaitable[T]) -> T:
    """What comes of it. Ends the process where nothing does."""

    async def awaited() -> T:
        return await work

    try:
        return asyncio.run(awaited())
    except TollbridgeError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)


def fail(error: TollbridgeError) -> NoReturn:
    click.echo(f"error: {error}", err=True)
    sys.exit(1 if isinstance(error, NotFoundError) else 2)


def written(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
