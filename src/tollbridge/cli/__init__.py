"""The command `tollbridge`. A command's module is imported when it runs, so that each starts quickly.

`tollbridge --config F --port N` without a command is `tollbridge serve --config F --port N`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import click

# name -> (module, attribute, what the list of commands says)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "serve": ("tollbridge.cli.serve", "serve", "Start the gateway."),
    "chat": ("tollbridge.cli.chat", "chat", "Talk with any model and let it use tools."),
    "run": ("tollbridge.cli.run", "run", "Ask a model one thing, with tools, and print its answer."),
    "init": ("tollbridge.cli.init", "init", "Write a config.yaml for the providers whose variables are set."),
    "doctor": (
        "tollbridge.cli.doctor",
        "doctor",
        "Find what is wrong around a gateway, and how to mend it.",
    ),
    "keys": ("tollbridge.cli.keys", "keys", "Make, look at and change keys."),
    "spend": ("tollbridge.cli.spend", "spend", "Show what was spent, by key, model, provider or day."),
    "logs": ("tollbridge.cli.logs", "logs", "Show single requests: who asked whom, what it cost, how it went."),
    "mcp": ("tollbridge.cli.mcp", "mcp", "List, call, examine and add MCP servers."),
    "check": ("tollbridge.cli.check", "check", "Say what is wrong with a configuration, and what it would serve."),
    "config": ("tollbridge.cli.config", "config", "Show, compare, export and apply configurations."),
    "db": ("tollbridge.cli.db", "db", "Look after the database: version, upgrade, backup, damage."),
    "bench": ("tollbridge.cli.bench", "bench", "Load a gateway a little, and say how long it took."),
    "providers": ("tollbridge.cli.providers", "providers", "Show the providers, their variables and what differs."),
    "models": ("tollbridge.cli.models", "models", "Show the models that the catalog knows, and what they can do."),
    "prices": ("tollbridge.cli.prices", "prices", "Show what models cost, and where that is known from."),
    "cache": ("tollbridge.cli.cache", "cache", "Say that answers are not cached, and what else is held."),
    "completion": (
        "tollbridge.cli.completion",
        "completion",
        "Print what makes a shell complete commands and options.",
    ),
}
DEFAULT = "serve"


class Commands(click.Group):
    """Commands by name, without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        named = COMMANDS.get(cmd_name)
        if named is None:
            from difflib import get_close_matches  # only on the way to an error

            near = get_close_matches(cmd_name, COMMANDS, n=1)
            ctx.fail(f"There is no command {cmd_name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        with _without_collecting():
            command: click.Command = getattr(import_module(named[0]), named[1])
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help", "--version"):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, _, told) in COMMANDS.items()])


@contextmanager
def _without_collecting() -> Iterator[None]:
    """What is imported stays: to look through it for garbage again and again is a tenth of a start, and to do it once,
    with the first object that is made after it, a twentieth."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _print_version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version  # 20 ms that other commands need not spend

        click.echo(f"tollbridge {version('tollbridge')}")
        ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Say which.")
def main() -> None:
    """One gateway between your programs and the language models that they use.

    `tollbridge --config FILE` is short for `tollbridge serve --config FILE`.
    """
