"""What `tollbridge serve` says when it starts, and when it cannot."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.clients.running import REPOSITORY
from tollbridge.cli import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in ("PORT", "TOLLBRIDGE_MASTER_KEY", "LITELLM_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)


CONFIG = """
model_list:
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-0, api_key: os.environ/A_KEY_THAT_IS_NOT_SET}
  - model_name: written-down
    litellm_params: {model: deepgram/nova-3, api_key: k}
  - model_name: numbers
    litellm_params: {model: openai/text-embedding-3-small, api_key: k}
  - model_name: fast
    litellm_params: {model: demo/fast}
"""


def test_the_greeting_asks_a_model_that_can_answer_and_says_once_which_cannot(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    command = [str(Path(sys.executable).with_name("tollbridge")), "serve", "config.yaml", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = "".join(iter(process.stdout.readline, "Stop with Ctrl-C.\n"))
        process.terminate()
        complaints = process.stderr.read()
    assert '"model": "fast"' in said
    assert complaints.count("A_KEY_THAT_IS_NOT_SET") == 1


def run(*arguments: str, code: int = 2) -> Result:
    result = CliRunner().invoke(main, [*arguments])
    assert result.exit_code == code
    return result


def test_an_address_that_is_taken_is_told_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("serve", "--open", "--log", "none", "--port", str(port), code=1).output
    assert f"cannot listen on 127.0.0.1:{port}: something listens there already" in said
    assert "PORT" in said


def test_a_key_that_was_made_by_a_start_that_failed_is_shown_by_the_next(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run("serve", "--log", "none", "--port", str(taken.getsockname()[1]), code=1)
    key = (tmp_path / "home" / "master_key").read_text().strip()
    assert [key in greeting_of("--log", "none") for _ in range(2)] == [True, False]


def greeting_of(*options: str) -> str:
    command = [str(Path(sys.executable).with_name("tollbridge")), "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "Stop with Ctrl-C.\n"))
        process.terminate()
    return said


OF_THE_FILE = (
    "model_list: [{model_name: fast, litellm_params: {model: demo/fast}}]\ngeneral_settings: {master_key: %s}\n"
)


def test_the_greeting_shows_the_key_by_the_variable_that_the_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text(OF_THE_FILE % "os.environ/OUR_KEY")
    monkeypatch.setenv("OUR_KEY", "sk-ours-0123456789abcdef0123")
    said = greeting_of("config.yaml")
    assert '-H "Authorization: Bearer $OUR_KEY"' in said
    assert '.environ["OUR_KEY"]' in said
    assert "TOLLBRIDGE_MASTER_KEY" not in said
    assert "set OUR_KEY" not in said


@pytest.mark.parametrize(
    ("written", "dotenv", "name"),
    [
        ("sk-ours-0123456789abcdef0123", "", "TOLLBRIDGE_MASTER_KEY"),
        ("os.environ/OUR_KEY", "OUR_KEY=sk-ours-0123456789abcdef0123\n", "OUR_KEY"),
    ],
)
def test_the_greeting_says_that_a_variable_is_to_be_set_for_a_key_that_only_a_file_has(
    written: str, dotenv: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(OF_THE_FILE % written)
    (tmp_path / ".env").write_text(dotenv)
    said = greeting_of("config.yaml")
    assert f"set {name} to it where you paste what is below" in said
    assert f"Bearer ${name}" in said
    assert "sk-ours" not in said


@pytest.mark.parametrize("port", ["abc", "70000", "-1", "4000.0"])
def test_a_port_in_the_environment_that_is_none_is_an_error(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    assert f"PORT is '{port}'" in run("serve").output


def test_the_file_may_be_given_with_and_without_the_option() -> None:
    for arguments in (("nowhere.yaml",), ("--config", "nowhere.yaml")):
        assert "nowhere.yaml:1:1: error: cannot be read" in run("serve", *arguments).output


def test_a_weak_master_key_is_refused_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-1234")
    assert "LITELLM_MASTER_KEY is no key to guard a gateway" in run("serve").output


def test_open_needs_a_loopback_address() -> None:
    assert "needs a loopback address, not 0.0.0.0" in run("serve", "--open", "--host", "0.0.0.0").output


def test_several_workers_need_a_word_about_their_counts() -> None:
    told = run("serve", "--workers", "2").output
    assert "up to 2 times its limits" in told
    assert "Add --local-limits" in told


def test_a_state_directory_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "file"))
    said = run("serve").output
    assert str(tmp_path / "file") in said
    assert "Set TOLLBRIDGE_HOME" in said


def test_a_request_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    said = run("serve", "--port", "0", "--log", str(tmp_path / "missing" / "requests.log")).output
    assert "missing/requests.log: No such file" in said


def test_a_database_that_does_not_answer_is_no_fault_of_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts it again may have more luck: another exit code than for a wrong configuration."""
    monkeypatch.setenv("TOLLBRIDGE_DATABASE_URL", "postgresql://u@127.0.0.1:1/d")
    assert "cannot be reached" in run("serve", "--port", "0", "--log", "none", code=1).output


def test_a_command_that_is_nearly_one_is_told() -> None:
    assert "Did you mean 'serve'?" in run("sevre").output


def test_the_offline_demo_shows_tools_and_a_model_that_uses_them(tmp_path: Path) -> None:
    """As `make serve` starts it; the line that it prints is pasted into a shell."""
    desk = f"customer-service={sys.executable} examples/customer_service/server.py"
    key = "sk-tb-demo-0123456789-abcdef"
    environ = {"PATH": os.environ["PATH"], "TOLLBRIDGE_HOME": str(tmp_path), "TOLLBRIDGE_MASTER_KEY": key}
    command = [
        str(Path(sys.executable).with_name("tollbridge")),
        "serve",
        "--mcp",
        desk,
        "--port",
        "0",
        "--log",
        "none",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=environ) as process:
        assert process.stdout is not None
        try:
            shown = "".join(iter(process.stdout.readline, "Stop with Ctrl-C.\n"))
            assert re.search(r"^  mcp     1 server at http://127.0.0.1:\d+/mcp: customer-service$", shown, re.MULTILINE)
            line = shown.partition("or let the model use the tools of customer-service:\n\n")[2].partition("\n\n")[0]
            answered = subprocess.run(line, shell=True, capture_output=True, env=environ, check=True, timeout=60)
            answer = json.loads(answered.stdout)
        finally:
            process.terminate()
            process.stdout.close()
    message = answer["choices"][0]["message"]
    assert "last_active" in message["content"]
    assert "get_recent_customers" in json.dumps(message["provider_specific_fields"]["server_tools"])
