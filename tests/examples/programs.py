"""Runs the example programs as a newcomer does, but in this process: they start quicker, and say the same."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
"""On which `python` is the one that has all of it."""


class Desk:
    """Runs a program with its arguments, as `python examples/...` would, and tells what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, printed: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._printed = printed

    def run(self, program: str, *arguments: str, **environ: str) -> str:
        file = EXAMPLES / program
        with self._monkeypatch.context() as patched:
            patched.setattr(sys, "argv", [str(file), *arguments])
            patched.syspath_prepend(str(file.parent))
            patched.chdir(REPOSITORY)
            for name, value in {"PATH": PATH, **environ}.items():
                patched.setenv(name, value)
            self._printed.readouterr()
            runpy.run_path(str(file), run_name="__main__")
            return self._printed.readouterr().out
