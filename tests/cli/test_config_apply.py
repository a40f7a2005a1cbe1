"""`tollbridge config export` and `apply`, with a real gateway and its database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from tests.clients.running import KEY, serving
from tollbridge.cli import main
from tollbridge.cli.config_kept import written
from tollbridge.cli.config_plan import key_steps
from tollbridge.config.load import load

CONFIG = """{"mcp_servers": {"fixed": {"url": "http://127.0.0.1:9/mcp"}},
  "general_settings": {"mcp_api_hosts": ["127.0.0.1"], "mcp_api_commands": ["uvx"]}}"""
SECRET = "hunter2-hunter2-hunter2"
FILE = """
mcp_servers:
  desk:
    url: http://127.0.0.1:9/mcp
    auth_type: bearer_token
    auth_value: os.environ/DESK_TOKEN
    static_headers: {x-tenant: os.environ/DESK_TENANT}
    access_groups: [office]
    timeout: 30
    mcp_info: {logo: a.png}
    protocol_version: 2025-06-18
  time: {command: uvx, args: [os.environ/TIME_SERVER], env: {ZONE: os.environ/TIME_ZONE}}
x-keys:
  team-a: {key: os.environ/KEY_TEAM_A, models: [fast], max_budget: 10, budget_duration: 30d, metadata: {cost: centre}}
  team-b: {rpm_limit: 5, object_permission: {mcp_servers: [desk]}}
"""
VARIABLES = {
    "DESK_TOKEN": SECRET,
    "DESK_TENANT": f"{SECRET}-${{NOT_A_VARIABLE}}",
    "TIME_SERVER": "mcp-server-time",
    "TIME_ZONE": f"{SECRET}-zone",
    "KEY_TEAM_A": f"sk-own-{SECRET}",
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    directory = tmp_path_factory.mktemp("gateway")
    with serving(CONFIG, directory) as url:
        yield url, directory


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gateway: tuple[str, Path]) -> None:
    url, directory = gateway
    monkeypatch.chdir(tmp_path)
    for name, value in {**VARIABLES, "TOLLBRIDGE_URL": url, "TOLLBRIDGE_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(directory / "home"))
    Path("made.yaml").write_text(FILE)


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["config", *words])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def steps(*words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(run("apply", *words, "--json", code=code).stdout)}


def test_a_file_is_shown_then_applied_then_has_nothing_to_change_and_comes_back_without_its_secrets(
    gateway: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dry = run("apply", "made.yaml")
    assert "+ MCP server desk\n" in dry.output
    assert "    max_budget: 10\n" in dry.output
    assert "Nothing was changed; --yes does it." in dry.stderr
    assert SECRET not in dry.output
    assert {row["action"] for row in steps("made.yaml").values()} == {"add"}, "nor did --json change anything"

    done = steps("made.yaml", "--yes")
    went = {name: (row["action"], row["done"], row["error"]) for name, row in done.items()}
    assert went == dict.fromkeys(("desk", "time", "team-a", "team-b"), ("add", True, None))
    assert done["team-b"]["made_key"].startswith("sk-tb-")
    assert done["team-a"]["made_key"] is None, "it was given"
    assert SECRET not in json.dumps(done)

    again = run("apply", "made.yaml", "--yes").output
    assert (
        "= MCP server desk: as it is there  (not compared: url, auth_value, static_headers, protocol_version)" in again
    )
    assert "Nothing is to be done." in again
    assert [row["action"] for row in steps("made.yaml", "--secrets").values()] == ["change", "change", "same", "same"]

    said = run("export").output
    assert SECRET not in said
    assert "mcp-server-time" not in said
    for name in (
        "MCP_DESK_AUTH_VALUE",
        "MCP_DESK_HEADER_X_TENANT",
        "MCP_TIME_ENV_ZONE",
        "MCP_TIME_ARG_1",
        "KEY_TEAM_A",
    ):
        assert f"#   {name}{' (or a new key is made)' if name == 'KEY_TEAM_A' else ''}\n" in said
        monkeypatch.setenv(name, VARIABLES["KEY_TEAM_A"] if name == "KEY_TEAM_A" else "another")
    Path("back.yaml").write_text(said)
    back = yaml.safe_load(said)
    assert back["mcp_servers"]["desk"]["url"] == "http://127.0.0.1:9/mcp"
    assert back["x-keys"]["team-a"]["max_budget"] == 10
    assert json.loads(run("export", "--json").stdout)["x-keys"] == back["x-keys"]
    loaded = load(Path("back.yaml"), dict.fromkeys(json.loads(run("export", "--json").stdout)["variables"], "x"))
    assert (loaded.config is not None, loaded.findings) == (True, ()), "a gateway takes it as its configuration"
    monkeypatch.setenv("KEY_TEAM_B", "sk-own-unneeded-unneeded")
    assert {row["action"] for row in steps("back.yaml").values()} == {"same"}


def test_what_differs_is_changed_whole_and_the_rest_stays(gateway: tuple[str, Path]) -> None:
    run("apply", "made.yaml", "--yes")
    Path("made.yaml").write_text(
        "mcp_servers: {desk: {url: 'http://127.0.0.1:9/mcp', timeout: 20}}\nx-keys: {team-a: {models: [fast, slow]}}\n"
    )
    shown = run("apply", "made.yaml").output
    assert "    timeout: 30.0 -> 20.0\n" in shown
    assert '    mcp_access_groups: ["office"] -> -\n' in shown
    assert "    max_budget: 10.0 -> -\n" in shown
    assert '    mcp_info: {"logo":"a.png"} -> -\n' in shown
    done = steps("made.yaml", "--yes")
    assert [row["done"] for row in done.values()] == [True, True]
    assert {row["action"] for row in steps("made.yaml").values()} == {"same"}
    exported = yaml.safe_load(run("export").output)
    assert exported["mcp_servers"]["desk"] == {"url": "http://127.0.0.1:9/mcp", "timeout": 20}
    assert exported["x-keys"]["team-a"]["models"] == ["fast", "slow"]
    assert "max_budget" not in exported["x-keys"]["team-a"]
    assert {"time"} <= exported["mcp_servers"].keys()
    assert {"team-b"} <= exported["x-keys"].keys()


def test_what_cannot_be_done_is_told_and_the_rest_is_done() -> None:
    Path("made.yaml").write_text(
        "model_list: []\n"
        "mcp_servers:\n"
        "  fixed: {url: 'http://127.0.0.1:9/mcp'}\n"
        "  away: {url: 'http://10.255.0.1:9/mcp'}\n"
        "x-keys: {team-c: {}}\n"
    )
    told = steps("made.yaml", "--yes", code=1)
    assert (told["fixed"]["action"], "own configuration" in told["fixed"]["error"]) == ("refuse", True)
    assert (told["away"]["done"], "mcp_api_hosts" in told["away"]["error"]) == (False, True)
    assert told["team-c"]["done"] is True
    said = run("apply", "made.yaml", "--yes", code=1)
    assert "Not applied, a gateway reads it when it starts: model_list." in said.stderr
    assert "error: mcp server away: " in said.stderr
    assert "0 done, 1 not done: see above." in said.output


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("mcp_servers: {a: {url: os.environ/NOT_SET_HERE}}", "NOT_SET_HERE is not set"),
        ("x-keys: {a: {models: [os.environ/NOT_SET_HERE]}}", "NOT_SET_HERE is not set"),
        ("x-keys: {a: {modles: [b]}}", "Did you mean `models`"),
        ("x-keys: {a: {team_id: b}}", "would restrict the key"),
        ("x-keys: [a]", "settings by alias"),
        ("mcp_servers: {a: {url: 'http://127.0.0.1:9/mcp', auth_type: api_key, auth_value: '${A}'}}", "means nothing"),
        ("mcp_servers: {a: {uurl: 'http://127.0.0.1:9/mcp'}}", "cannot be used"),
        ("router_settings: {num_retries: 1}", "neither mcp_servers nor x-keys"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(file: str, why: str) -> None:
    Path("made.yaml").write_text(f"{file}\n")
    assert why in run("apply", "made.yaml", "--yes", code=2).stderr


def test_only_the_admin_applies_and_a_gateway_that_is_away_is_told(gateway: tuple[str, Path]) -> None:
    Path("made.yaml").write_text("x-keys: {team-d: {}}\n")
    key = steps("made.yaml", "--yes")["team-d"]["made_key"]
    assert "not the admin's" in run("apply", "made.yaml", "--yes", "--key", key, code=1).stderr
    assert "--key" in run("apply", "made.yaml", "--yes", "--key", "sk-wrong", code=1).stderr
    assert "127.0.0.1:1" in run("apply", "made.yaml", "--yes", "--url", "http://127.0.0.1:1", code=1).stderr


def test_secrets_in_free_words_become_names_of_variables_too() -> None:
    said: dict[str, Any] = {
        "url": "https://desk.example/mcp",
        "credentials": {"auth_value": SECRET},
        "token_url": f"https://login.example/token?code={SECRET}",
        "issuer": "https://login.example/tenant",
        "mcp_info": {"logo": "a.png", "upstream_password": SECRET, "list": [{"deep_token": SECRET}]},
        "tool_name_to_description": {"get_token": "Gets a token"},
        "mcp_access_groups": [],
        "server_id": "one",
    }
    shown = {"key_alias": "a b", "expires": "2027-01-01T00:00:00Z", "metadata": {"langfuse_secret_key": SECRET}}
    made = written(
        [("de-sk", said), ("de_sk", {"command": "x", "args": ["--key", SECRET]})],
        [shown, {"key_alias": None}, {"key_alias": "gone", "expires": "2026-01-01T00:00:00.000+00:00"}],
        now="2026-06-01T00:00:00.000+00:00",
    )
    assert SECRET not in str(made)
    assert made.servers["de-sk"] == {
        "url": "https://desk.example/mcp",
        "token_url": "os.environ/MCP_DE_SK_TOKEN_URL",
        "issuer": "https://login.example/tenant",
        "mcp_info": {
            "logo": "a.png",
            "upstream_password": "os.environ/MCP_DE_SK_UPSTREAM_PASSWORD",
            "list": [{"deep_token": "os.environ/MCP_DE_SK_DEEP_TOKEN"}],
        },
        "tool_name_to_description": {"get_token": "Gets a token"},
        "auth_value": "os.environ/MCP_DE_SK_AUTH_VALUE",
    }
    assert made.servers["de_sk"]["args"] == ["os.environ/MCP_DE_SK_ARG_1", "os.environ/MCP_DE_SK_ARG_2"]
    assert made.keys == {
        "a b": {
            "key": "os.environ/KEY_A_B",
            "metadata": {"langfuse_secret_key": "os.environ/KEY_A_B_LANGFUSE_SECRET_KEY"},
        }
    }
    assert [remark.split(":")[0] for remark in made.remarks] == [
        "The key a b expires at 2027-01-01T00",
        "The key gone expired at 2026-01-01T00",
        "Keys without an alias are not in here",
    ]


def test_an_empty_database_exports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "other"))
    assert run("export").output.endswith("# There is nothing.\n")


def test_a_budget_of_nothing_is_a_budget_and_what_is_secret_of_a_key_is_not_shown() -> None:
    there = [{"key_alias": "a", "token": "t", "max_budget": 100.0, "metadata": {"api_token": "was-a-secret"}}]
    entry = {"max_budget": 0, "metadata": {"api_token": "is-a-secret"}, "duration": "30d"}
    [step] = key_steps({"a": entry}, there)
    assert step.body == {"key": "t", "max_budget": 0, "metadata": {"api_token": "is-a-secret"}}
    assert [(one.field, one.before, one.after) for one in step.differences if one.field == "max_budget"] == [
        ("max_budget", 100.0, 0)
    ]
    assert "secret" not in str(step.differences)
    assert step.unseen == ("duration",)
