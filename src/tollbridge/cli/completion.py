"""`tollbridge completion`: what a shell is to be told, so that Tab completes commands and options."""

from __future__ import annotations

import json

import click
from click.shell_completion import get_completion_class

PROGRAM = "tollbridge"
VARIABLE = "_TOLLBRIDGE_COMPLETE"
"""By which the shell asks the program, as click names it."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--json", "as_json", is_flag=True, help='Print {"shell": ..., "script": ...}.')
def completion(shell: str, as_json: bool) -> None:
    """Print the script by which SHELL completes tollbridge's commands and options (bash 4.4 or newer).

    Exit codes: 0 printed, 2 there is none for such a shell.

    \b
    Example:
      eval "$(tollbridge completion bash)"                                          # in ~/.bashrc
      eval "$(tollbridge completion zsh)"                                           # in ~/.zshrc
      tollbridge completion fish > ~/.config/fish/completions/tollbridge.fish
    """
    from tollbridge.cli import main  # which loads this module

    made = get_completion_class(shell)
    assert made is not None  # click knows all three
    source = made(main, {}, PROGRAM, VARIABLE)
    # Not `source()`, which runs bash to ask for its version: it may not be installed where this is.
    script = source.source_template % source.source_vars()
    click.echo(json.dumps({"shell": shell, "script": script}, indent=2) if as_json else script)
