from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from tollbridge.cli import main

ROOT = Path(__file__).resolve().parents[2]
SECRET = "sk-secret-0123456789abcdef"
FILE = f"""
model_list:
  - model_name: fast
    litellm_params:
      model: openai/gpt-4o
      api_key: {SECRET}
      extra_headers: {{x-tenant: a-private-word}}
general_settings: {{database_url: "postgresql://me:hunter22@db.example/tb"}}
mcp_servers:
  desk: {{url: "https://desk.example/mcp/a-key-in-the-path"}}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["config", *words])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_it_comes_to_is_shown_with_defaults_and_without_secrets(form: list[str], tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(FILE)
    said = run("show", "config.yaml", *form).output
    shown = json.loads(said) if form else yaml.safe_load(said)
    assert shown["models"][0]["model"] == "openai/gpt-4o"
    assert shown["models"][0]["api_key"] == "***"
    assert shown["router"]["retries"] == 2
    for private in (SECRET, "a-private-word", "hunter22", "a-key-in-the-path"):
        assert private not in said


def test_the_defaults_are_shown_without_a_file_and_a_broken_file_is_refused(tmp_path: Path) -> None:
    assert json.loads(run("show", "--json").output)["models"] == []
    (tmp_path / "config.yaml").write_text("router_settings: {num_retrys: 1}")
    assert "num_retries" in run("show", "config.yaml", code=2).stderr


def test_only_what_two_files_mean_differs(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("router_settings: {num_retries: 3, cooldown_time: 5}\n")
    (tmp_path / "b.yaml").write_text("# a comment\nrouter_settings:\n  cooldown_time: '5'\n  num_retries: 3\n")
    (tmp_path / "c.yaml").write_text("router_settings: {num_retries: 4}\n")
    assert run("diff", "a.yaml", "b.yaml").output == "They say the same.\n"
    assert json.loads(run("diff", "a.yaml", "b.yaml", "--json").output) == []
    said = run("diff", "a.yaml", "c.yaml", code=1).output
    assert "-  retries: 3" in said
    assert "+  retries: 4" in said
    changes = json.loads(run("diff", "a.yaml", "c.yaml", "--json", code=1).output)
    assert changes == [{"path": "router.retries", "before": 3, "after": 4}]


def test_models_are_compared_by_their_names(tmp_path: Path) -> None:
    one = "{model_name: fast, litellm_params: {model: openai/gpt-4o, api_key: sk-1%s}}"
    more = "{model_name: small, litellm_params: {model: openai/gpt-4o-mini, api_key: sk-1}}"
    (tmp_path / "a.yaml").write_text(f"model_list: [{one % ''}, {one % ', weight: 2'}]")
    (tmp_path / "b.yaml").write_text(f"model_list: [{more}, {one % ''}, {one % ', weight: 2, rpm: 3'}]")
    added = {"model_name": "small", "model": "openai/gpt-4o-mini", "api_key": "***", "passes_through": False}
    assert json.loads(run("diff", "a.yaml", "b.yaml", "--json", code=1).output) == [
        {"path": "models.fast #2.rpm", "before": None, "after": 3},
        {"path": "models.small", "before": None, "after": added},
    ]
    said = run("diff", "a.yaml", "b.yaml", code=1).output
    assert [line for line in said.splitlines()[2:] if line[0] in "+-"] == [
        *("+  small:", "+    model_name: small", "+    model: openai/gpt-4o-mini", "+    api_key: '***'"),
        *("+    passes_through: false", "+    rpm: 3"),
    ]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    made = json.loads(CliRunner().invoke(main, ["config", "schema"]).output)
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def configurations() -> list[str]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    blocks = [text for page in pages for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M)]
    return [(ROOT / "examples/config.yaml").read_text(), *blocks]


def test_the_schema_takes_each_configuration_of_the_documentation(validator: Draft202012Validator) -> None:
    found = configurations()
    assert len(found) > 10
    for text in found:
        wrong = [error.message for error in validator.iter_errors(yaml.safe_load(text))]
        assert not wrong, (text, wrong)


@pytest.mark.parametrize(
    "text",
    [
        "router_setings: {}",
        "router_settings: {num_retrys: 1}",
        "router_settings: {num_retries: [1]}",
        "general_settings: {cors: {origin: x}}",
        "model_list: [{model_name: x, litellm_params: {model: x, apikey: y}}]",
        "model_list: {}",
        "mcp_servers: {x: {command: y, argz: []}}",
    ],
)
def test_the_schema_marks_what_is_no_key_or_no_value(text: str, validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors(yaml.safe_load(text)))
