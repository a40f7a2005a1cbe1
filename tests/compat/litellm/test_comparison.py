"""LiteLLM's names and the keys of its configuration, one by one: what our own cases see, beside what they saw there
(`comparison/kept`). A difference that is not listed with its reason fails, and so does one that is none any more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.compat.litellm.comparison.compare import differences, kept, known

ROOT = Path(__file__).resolve().parents[3]
NAMES = kept("names")["cases"]
KEYS = kept("keys")["cases"]
WHAT = ("names", "keys")


@cache
def begun() -> dict[str, subprocess.Popen[str]]:
    """Both at once, each in a process of its own: the shim takes the name `litellm`, and settings are global."""
    command = [sys.executable, "-m", "tests.compat.litellm.comparison"]
    environ = {"PATH": os.environ["PATH"]}
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "cwd": ROOT, "env": environ}
    return {what: subprocess.Popen([*command, what, "tollbridge"], **piped) for what in WHAT}


@cache
def ours(what: str) -> dict[str, Any]:
    """What our cases see."""
    process = begun()[what]
    told, _ = process.communicate()
    assert process.returncode == 0, f"run `python -m tests.compat.litellm.comparison {what} tollbridge`"
    found: dict[str, Any] = json.loads(told)["cases"]
    return found


def check(what: str, case: str) -> None:
    found = {one.at: one for one in differences(case, kept(what)["cases"][case], ours(what)[case])}
    listed = {at for name, at in known(what) if name == case}
    assert found.keys() <= listed, [one for at, one in found.items() if at not in listed]
    assert listed <= found.keys(), f"no longer a difference: {sorted(listed - found.keys())}"


@pytest.mark.parametrize("case", NAMES)
def test_a_name_does_what_it_does_there_or_the_difference_is_listed(case: str) -> None:
    check("names", case)


def test_every_listed_difference_is_of_a_case_and_every_case_was_run_on_both_sides() -> None:
    for what in WHAT:
        assert kept(what)["program"].startswith("litellm ")
        assert kept(what)["cases"].keys() == ours(what).keys()
        assert {case for case, _ in known(what)} <= kept(what)["cases"].keys()


@pytest.mark.parametrize("case", KEYS)
def test_a_key_does_what_it_does_there_or_the_difference_is_listed(case: str) -> None:
    check("keys", case)


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 60
    assert len(KEYS) >= 40


def test_the_page_is_what_its_script_writes() -> None:
    command = [sys.executable, "-m", "scripts.litellm_comparison", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
