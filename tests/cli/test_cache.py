from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tollbridge.cli import main


@pytest.mark.parametrize("words", [[], ["clear"], ["stats", "all"]])
def test_a_script_that_clears_a_cache_is_told_that_there_is_none(words: list[str]) -> None:
    said = CliRunner().invoke(main, ["cache", *words])
    assert said.exit_code == 2
    assert said.stderr.startswith("error: Answers are not cached: each request asks its provider.")
    assert "idempotent answers  under an Idempotency-Key" in said.stdout


def test_as_json_the_cache_is_null_and_what_is_held_is_named() -> None:
    said = CliRunner().invoke(main, ["cache", "--json"])
    assert said.exit_code == 2
    told = json.loads(said.stdout)
    assert (told["cache"], told["error"].startswith("Answers are not cached")) == (None, True)
    assert list(told["held"]) == ["prices", "keys", "tokens", "idempotent_answers"]
