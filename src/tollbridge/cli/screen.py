"""A terminal, where there is one: its width, whether it takes colours, tables that fit into it.

What is piped, goes to a file, or is read where NO_COLOR is set (https://no-color.org, seen 2026-11-26) or the terminal
is `dumb` has no colour and no escape at all. `rich` is the extra `cli`; without it the same is shown as plain text.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, TextIO

import click

from tollbridge.cli.columns import aligned

if TYPE_CHECKING:
    from rich.console import Console

EXTRA = "pip install 'tollbridge[cli]'"


def is_terminal(stream: TextIO) -> bool:
    """Somebody looks at it, who may be shown what moves."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def takes_colour(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    return is_terminal(stream) and not environ.get("NO_COLOR")


def has_rich() -> bool:
    return find_spec("rich") is not None


def console(stream: TextIO) -> Console:
    """Of rich, which is installed."""
    from rich.console import Console  # the extra `cli`, and a tenth of a second

    return Console(file=stream, force_terminal=is_terminal(stream), no_color=not takes_colour(stream), highlight=False)


def painted(text: str, stream: TextIO, **style: bool | str) -> str:
    """In click's words for a style."""
    return click.style(text, **style) if takes_colour(stream) else text  # type: ignore[arg-type]  # as click has them


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], names: int) -> str:
    """Lines for stdout. The first `names` columns are to the left, the others, numbers, to the right. On a terminal
    that is too narrow what is long goes on in a second line of its cell."""
    widths = [max(len(line[column]) for line in (heads, *rows)) for column in range(len(heads))]
    room = shutil.get_terminal_size().columns
    if not is_terminal(sys.stdout) or not has_rich():
        return "".join(aligned(line, widths, names) for line in (heads, *rows)).rstrip("\n")
    return _fitted(heads, rows, range(names), room)


def _fitted(heads: Sequence[str], rows: Sequence[Sequence[str]], names: Collection[int], room: int) -> str:
    from rich.console import Console  # as in `console`
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column, head in enumerate(heads):
        is_name = column in names
        shown.add_column(head, justify="left" if is_name else "right", no_wrap=not is_name, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))  # what was named by others is no markup
    written = StringIO()
    drawn = Console(file=written, width=room, force_terminal=True, no_color=not takes_colour(sys.stdout))
    drawn.print(shown)
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip("\n").split("\n"))
