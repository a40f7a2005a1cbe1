"""How this program is called in the shell that it was started from, for lines that are to be pasted."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NAME = "tollbridge"


def called(started: str | None = None) -> str:
    """`tollbridge` where PATH leads to the program that runs, else its path. `started`: the first of `sys.argv`."""
    path = Path(sys.argv[0] if started is None else started)
    if path.name != NAME:
        return f"{shlex.quote(sys.executable)} -m {NAME}"
    on_path = shutil.which(NAME)
    if on_path is not None and path.is_file() and Path(on_path).samefile(path):
        return NAME
    return shlex.quote(str(path.absolute()))
