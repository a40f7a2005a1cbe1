"""Lines that somebody types: edited, with those of before, and with /commands that Tab completes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from tollbridge.cli.screen import takes_colour

HISTORY = "chat_history"
HISTORY_MAX = 1_000


def edited_lines(history: Path | None, commands: Sequence[str]) -> Iterator[str]:
    """Until Ctrl-D. A line that ends in a backslash goes on in the next. `history`: the directory of the file that
    keeps what was typed, readable by its owner alone; None keeps nothing."""
    file = None if history is None else history / HISTORY
    _begin(file, commands)
    try:
        while True:
            try:
                yield _line()
            except KeyboardInterrupt:
                click.echo("\n(Ctrl-D leaves)", err=True)
            except EOFError:
                click.echo()
                return
    finally:
        if file is not None:
            _keep(file)


@contextmanager
def unechoed() -> Iterator[None]:
    """What is typed meanwhile, Ctrl-C too, is not written into what is drawn; it waits for the next line."""
    import termios  # of systems with terminals

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def _line() -> str:
    bold, plain = ("\001\033[1m\002", "\001\033[0m\002") if takes_colour(sys.stdout) else ("", "")
    line = input(f"\n{bold}> {plain}")
    while line.endswith("\\"):
        line = line[:-1] + "\n" + input(f"{bold}. {plain}")
    return line


def _begin(file: Path | None, commands: Sequence[str]) -> None:
    import readline as editor  # makes `input` an editor; a system without it has no terminal such as this

    def completed(text: str, state: int) -> str | None:
        found = [f"/{name} " for name in commands if f"/{name}".startswith(text)] if text.startswith("/") else []
        return found[state] if state < len(found) else None

    editor.set_completer_delims(" ")
    editor.set_completer(completed)
    editor.parse_and_bind("bind ^I rl_complete" if "libedit" in (editor.__doc__ or "") else "tab: complete")
    editor.set_history_length(HISTORY_MAX)
    if file is not None and file.is_file():
        try:
            editor.read_history_file(file)
        except OSError as error:
            click.echo(f"warning: {file} cannot be read: {error.strerror or error}", err=True)


def _keep(file: Path) -> None:
    import readline as editor  # as in `_begin`

    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        editor.write_history_file(file)
    except OSError as error:
        click.echo(f"warning: {file} cannot be written: {error.strerror or error}", err=True)
