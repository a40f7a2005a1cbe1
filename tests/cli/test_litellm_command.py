"""`tollbridge-litellm`: LiteLLM's command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tollbridge.cli.litellm_command import INSTEAD, words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("--config c.yaml --port 4000 --detailed_debug", "--config c.yaml --port 4000 --detailed-debug"),
        ("--config=c.yaml --host 0.0.0.0", "--config c.yaml --host 0.0.0.0"),
        ("--num_workers 2 --telemetry False", "--workers 2"),
        ("--run_gunicorn --debug --open", "--detailed-debug --open"),
    ],
)
def test_options_are_said_in_the_words_of_serve(said: str, expected: str) -> None:
    assert words(said.split()) == expected.split()


@pytest.mark.parametrize("option", INSTEAD)
def test_an_option_that_is_not_there_says_what_to_do_instead(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        words([option, "x"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {option}: {INSTEAD[option]}.\n"


def test_an_option_without_its_value_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        words(["--config"])
    assert capsys.readouterr().err == "error: --config wants a value.\n"


def test_it_starts_what_serve_starts() -> None:
    command = [sys.executable, "-m", "tollbridge.cli.litellm_command", "--config", "nowhere.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr
