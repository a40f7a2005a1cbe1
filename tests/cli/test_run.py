"""`tollbridge run`, with a provider and with a gateway in a process of its own, before a real MCP server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.clients.running import KEY, serving
from tests.mcp.serving import LEGACY_STDIO
from tollbridge.cli import main
from tollbridge.cli.partner import Partner

GATEWAY = {
    "model_list": [
        {
            "model_name": "house",
            "litellm_params": {"model": "demo/house", "input_cost_per_token": 0.25, "output_cost_per_token": 0},
        },
        {"model_name": "*", "litellm_params": {"model": "demo/*"}},
    ],
    "mcp_servers": {"old": {**LEGACY_STDIO.configured(), "allow_all_keys": True}},
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in ("TOLLBRIDGE_URL", "TOLLBRIDGE_KEY", "TOLLBRIDGE_MODEL", "LITELLM_MASTER_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(json.dumps(GATEWAY), tmp_path_factory.mktemp("gateway")) as url:
        yield url


@pytest.fixture(scope="module")
def server() -> str:
    said = LEGACY_STDIO.configured()
    return " ".join([said["command"], *said["args"]])


def run(*words: str, code: int = 0, stdin: str = "") -> Result:
    result = CliRunner().invoke(main, ["run", *words], input=stdin)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def told(*words: str) -> Any:
    return json.loads(run(*words, "--json").stdout)


def test_the_answer_alone_is_on_stdout_and_what_it_cost_on_stderr() -> None:
    said = run("Hello", "-m", "demo/hello")
    assert said.stdout == "This is Tollbridge's offline demo model. You said: Hello\n"
    assert said.stderr == "demo/hello, 2 tokens in, 14 out, $0\n"
    assert run("Hello", "-m", "demo/hello", "--quiet").stderr == ""


def test_what_is_piped_follows_the_prompt() -> None:
    assert run("Say this:", "-m", "demo/hello", stdin="one\ntwo\n").stdout.endswith("You said: Say this:\n\none\ntwo\n")
    assert run("-", "-m", "demo/hello", stdin="one\n").stdout.endswith("You said: one\n")


def test_calls_of_tools_are_told_with_arguments_and_results(server: str) -> None:
    said = run("Call echo for A-7", "-m", "demo/hello", "--mcp", server)
    assert "-> echo {" in said.stderr
    assert "<- echo " in said.stderr
    assert "1 call in 2 rounds" in said.stderr
    assert "->" not in said.stdout


def test_the_json_has_answer_calls_usage_and_cost(server: str) -> None:
    found = told("Call echo for A-7", "-m", "demo/hello", "--mcp", server, "--param", "seed=7")
    assert list(found) == [
        "model", "answer", "finish_reason", "rounds", "calls", "usage", "cost_usd", "caveats",
    ]  # fmt: skip
    (called,) = found["calls"]
    assert list(called) == ["name", "arguments", "result", "is_error", "cost_usd"]
    assert called["name"] == "echo"
    assert not called["is_error"]
    assert found["rounds"] == 2
    assert found["usage"]["output_tokens"] > 0
    assert found["cost_usd"] == 0


def test_a_gateway_answers_at_its_own_prices_with_its_own_tools(gateway: str) -> None:
    found = told("Hello", "-m", "house", "--gateway", gateway, "--key", KEY)
    assert found["cost_usd"] == found["usage"]["input_tokens"] * 0.25
    found = told("Call echo for A-7", "-m", "demo/x", "--gateway", f"{gateway}/v1", "--key", KEY, "--mcp", "/mcp/old")
    assert [one["name"] for one in found["calls"]] == ["echo"]


def test_a_key_that_the_gateway_refuses_is_told_from_one_that_a_provider_does(gateway: str) -> None:
    refused = run("Hello", "-m", "house", "--gateway", gateway, "--key", "sk-none", code=2).stderr
    assert f"the gateway {gateway} refused the key that it was asked with (--key, or TOLLBRIDGE_KEY): " in refused
    refused = run("Hello", "-m", "error-401", "--gateway", gateway, "--key", KEY, code=2).stderr
    assert f"demo refused the key of the gateway {gateway}, which asked it, and not the caller's: " in refused


def test_a_gateway_that_a_variable_names_is_told_to_people(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLBRIDGE_URL", gateway)
    monkeypatch.setenv("TOLLBRIDGE_KEY", KEY)
    told_of = f"asking the gateway {gateway}, as TOLLBRIDGE_URL says"
    assert told_of in run("Hello", "-m", "house").stderr
    assert told_of not in run("Hello", "-m", "house", "--json").stderr
    assert told_of not in run("Hello", "-m", "house", "--gateway", gateway).stderr


def test_a_gateways_key_is_shown_to_the_gateway_alone() -> None:
    partner = Partner("http://127.0.0.1:4000", KEY)
    inside, other, command = partner.sources(["/mcp", "http://127.0.0.1:4001/mcp", "/mcpserver --all"])
    assert KEY in json.dumps(inside)
    assert other == "http://127.0.0.1:4001/mcp"
    assert command == "/mcpserver --all"


def test_rounds_are_bounded(server: str) -> None:
    said = run("Call echo for A-7", "-m", "demo/hello", "--mcp", server, "--max-rounds", "1", code=1)
    assert "still calls tools after 1 rounds: see --max-rounds" in said.stderr
    assert said.stdout == ""


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["Hello"], 2, "Say which model"),
        (["-m", "demo/hello"], 2, "There is no prompt"),
        (["Hello", "-m", "openai/gpt-4o"], 2, "OPENAI_API_KEY"),
        (["Hello", "-m", "nobody/x"], 2, "nobody"),
        (["Hello", "-m", "demo/hello", "--param", "seed"], 2, "write NAME=VALUE"),
        (["Hello", "-m", "demo/hello", "--param", "stream=true"], 2, "not a field to be set here"),
        (["Hello", "-m", "demo/hello", "--key", "k"], 2, "say --gateway too"),
        (["Hello", "-m", "demo/error-401"], 2, "401"),
        (["Hello", "-m", "demo/error-503", "--param", "num_retries=0"], 1, "503"),
        (["Hello", "-m", "demo/hello", "--mcp", "nowhere.json"], 2, "nowhere.json"),
        (["Hello", "-m", "demo/hello", "--mcp", "http://127.0.0.1:1/mcp"], 1, "127_0_0_1"),
        (["Hello", "-m", "x", "--gateway", "http://127.0.0.1:1", "--param", "num_retries=0"], 1, "127.0.0.1"),
    ],
)
def test_what_cannot_be_is_said_with_its_exit_code(words: list[str], code: int, why: str) -> None:
    assert why in run(*words, code=code).stderr


def test_a_dotenv_beside_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOLLBRIDGE_MODEL=demo/from-a-file\n")
    program = [str(Path(sys.executable).with_name("tollbridge")), "run", "Hello", "--json"]
    environ = {"PATH": os.environ["PATH"], "TOLLBRIDGE_HOME": str(tmp_path / "home")}
    ran = subprocess.run(program, capture_output=True, cwd=tmp_path, env=environ, check=True, stdin=subprocess.DEVNULL)
    assert json.loads(ran.stdout)["model"] == "demo/from-a-file"
