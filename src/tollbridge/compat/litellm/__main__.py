"""Runs a program whose `import litellm` is Tollbridge.

    python -m tollbridge.compat.litellm script.py [arguments]
    python -m tollbridge.compat.litellm -m package.module [arguments]

A `.env` in the working directory gives variables that are not set.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from tollbridge.config.environment import read_dotenv
from tollbridge.config.findings import Findings


def main() -> None:
    words = sys.argv[1:]
    as_module = words[:1] == ["-m"]
    words = words[1:] if as_module else words
    if not words or words[0].startswith("-"):
        sys.exit(__doc__)
    findings = Findings()
    for name, value in read_dotenv(os.environ, findings, Path.cwd()).items():
        os.environ.setdefault(name, value)
    for finding in findings.all():
        print(finding, file=sys.stderr)
    sys.argv = words
    if as_module:
        sys.path.insert(0, str(Path.cwd()))
        _check_module(words[0])
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        if not Path(words[0]).exists():
            _fail(f"there is no file {words[0]!r}; a module is run by `-m {words[0]}`")
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
        runpy.run_path(words[0], run_name="__main__")


def _check_module(name: str) -> None:
    """Whether it is there; what is wrong within it tells itself."""
    try:
        found = find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        found = None
    if found is None:
        _fail(f"there is no module {name!r} in this directory or in this Python")


def _fail(said: str) -> NoReturn:
    print(f"error: {said}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
