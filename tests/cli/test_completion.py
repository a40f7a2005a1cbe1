"""Completion in real shells, where they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from tollbridge.cli import COMMANDS, main

PROGRAMS = str(Path(sys.executable).parent)


def script(shell: str) -> str:
    said = CliRunner().invoke(main, ["completion", shell])
    assert said.exit_code == 0
    return said.output


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script("bash"))
    ask = """
    source "$1"
    complete -p tollbridge
    COMP_WORDS=(tollbridge do); COMP_CWORD=1; _tollbridge_completion tollbridge; echo "${COMPREPLY[@]}"
    COMPREPLY=()
    COMP_WORDS=(tollbridge run --mo); COMP_CWORD=2; _tollbridge_completion tollbridge; echo "${COMPREPLY[@]}"
    """
    environ = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash", "--norc", "-c", ask, "bash", str(tmp_path / "script")],
        capture_output=True, text=True, env=environ, timeout=60, check=True,
    )  # fmt: skip
    registered, command, option = ran.stdout.splitlines()
    assert registered.endswith("-F _tollbridge_completion tollbridge")
    assert command == "doctor"
    assert option == "--model"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_their_scripts(shell: str, tmp_path: Path) -> None:
    text = script(shell)
    assert f"_TOLLBRIDGE_COMPLETE={shell}_complete" in text
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(text)
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["prices", ""], ["show", "diff", "update"]),
        (["prices", "d"], ["diff"]),
        (["prices", "--j"], ["--json"]),
        (["prices", "sonnet", "--j"], ["--json"]),
        (["prices", "update", "--wr"], ["--write"]),
        (["config", "a"], ["apply"]),
        (["config", "export", "--c"], ["--config"]),
        (["logs", "r"], ["replay"]),
        (["ca"], ["cache"]),
    ],
)
def test_commands_of_commands_are_completed_too(words: list[str], completed: list[str]) -> None:
    *before, last = words
    found = BashComplete(main, {}, "tollbridge", "_TOLLBRIDGE_COMPLETE").get_completions(before, last)
    assert [item.value for item in found] == completed


def test_as_json_and_for_an_unknown_shell() -> None:
    told = json.loads(CliRunner().invoke(main, ["completion", "fish", "--json"]).output)
    assert told["shell"] == "fish"
    assert CliRunner().invoke(main, ["completion", "tcsh"]).exit_code == 2


def test_help_loads_neither_a_command_nor_rich() -> None:
    program = (
        "import sys; sys.argv = ['tollbridge', '--help']\n"
        "from tollbridge.cli import main\n"
        "main(standalone_mode=False)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] == 'rich' or name.startswith('tollbridge.')))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.splitlines()[-1] == "['tollbridge.cli']"
    assert all(f"  {name} " in ran.stdout for name in COMMANDS)
