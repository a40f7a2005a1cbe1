from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import on_a_terminal

PROGRAM = str(Path(sys.executable).with_name("tollbridge"))


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_has_colours_unless_it_says_otherwise(
    environ: dict[str, str], coloured: bool, tmp_path: Path
) -> None:
    own = {"PATH": os.environ["PATH"], "TOLLBRIDGE_HOME": str(tmp_path / "home"), **environ}
    with on_a_terminal([PROGRAM, "run", "Hello", "-m", "demo/hello"], tmp_path, own) as terminal:
        terminal.type("\x04")
        terminal.until("tokens in")
        assert terminal.ended() == 0
    assert ("\x1b[" in terminal.raw) is coloured


def test_a_table_fits_the_terminal_and_says_all(tmp_path: Path) -> None:
    own = {"PATH": os.environ["PATH"], "TOLLBRIDGE_HOME": str(tmp_path / "home"), "COLUMNS": "60"}
    with on_a_terminal([PROGRAM, "providers", "o"], tmp_path, own) as terminal:
        terminal.until("provider ")
        terminal.until(" providers.")
        assert terminal.ended() == 0
    assert max(map(len, terminal.shown.splitlines())) <= 60
