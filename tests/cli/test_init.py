from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tollbridge.cli import main
from tollbridge.providers.table import ROWS

NOTHING = {name: None for row in ROWS.values() for name in (*row.key_env, *row.base_env, *row.token_env)}
SECRET = "sk-a-secret-that-is-nowhere-1234567890"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))


def run(*words: str, code: int = 0, environ: dict[str, str] | None = None) -> Result:
    result = CliRunner().invoke(main, [*words], env={**NOTHING, **(environ or {})})
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_without_a_key_it_serves_the_demo_model_and_has_nothing_to_complain_of(tmp_path: Path) -> None:
    said = run("init").output
    assert "config.yaml is written, for demo/*." in said
    assert "No provider's variable is set" in said
    assert (tmp_path / "config.yaml").stat().st_mode & 0o077 == 0
    assert "demo/*" in run("check", "config.yaml").output


def test_the_providers_that_are_found_are_served_by_variables_and_no_secret_is_written(tmp_path: Path) -> None:
    environ = {"ANTHROPIC_API_KEY": SECRET, "OLLAMA_API_BASE": "http://127.0.0.1:11434"}
    (tmp_path / ".env").write_text(f"GROQ_API_KEY={SECRET}\n")
    said = json.loads(run("init", "team.yaml", "--json", environ=environ).output)
    assert said["file"] == "team.yaml"
    assert said["providers"]["anthropic"] == ["ANTHROPIC_API_KEY"]
    assert said["providers"]["groq"] == ["GROQ_API_KEY"]
    assert said["providers"]["ollama"] == ["OLLAMA_API_BASE"]
    text = (tmp_path / "team.yaml").read_text()
    assert "api_key: os.environ/GROQ_API_KEY" in text
    assert SECRET not in text
    assert "127.0.0.1:11434" not in text
    served = run("check", "team.yaml", environ=environ).output
    assert "groq/*" in served
    assert "0 errors, 0 warnings" in served


def test_each_provider_by_all_of_its_variables_serves_or_is_a_comment_that_says_why(tmp_path: Path) -> None:
    environ = {
        name: "http://127.0.0.1:1" if name in row.base_env else SECRET
        for row in ROWS.values()
        for name in (*row.base_env, *row.key_env, *row.token_env)
    }
    run("init", environ=environ)
    report = json.loads(run("check", "config.yaml", "--json", environ=environ, code=0).output)
    assert not report["findings"]
    assert "# This deployment of 'replicate/*' does not serve" in (tmp_path / "config.yaml").read_text()
    assert len(report["serves"]["models"]) > len(ROWS) * 0.8


def test_a_key_that_is_not_enough_is_a_comment_with_what_is_missing(tmp_path: Path) -> None:
    said = run("init", environ={"AZURE_API_KEY": SECRET}).output
    assert "Of azure something is missing beside the key" in said
    assert "config.yaml is written, for demo/*." in said
    text = (tmp_path / "config.yaml").read_text()
    assert "# This deployment of 'azure/*' does not serve: azure needs an address" in text
    assert "  #     api_key: os.environ/AZURE_API_KEY" in text
    assert "0 errors, 0 warnings" in run("check", "config.yaml", environ={"AZURE_API_KEY": SECRET}).output


def test_a_file_that_is_there_stays_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("mine")
    assert "config.yaml is there already" in run("init", code=1).output
    assert file.read_text() == "mine"
    run("init", "--force")
    assert "model_list" in file.read_text()


def test_it_is_printed_where_it_is_to_go_nowhere(tmp_path: Path) -> None:
    assert run("init", "-").output.startswith("# Tollbridge's configuration")
    assert os.listdir(tmp_path) == []
    assert "cannot be written" in run("init", "nowhere/config.yaml", code=2).output
