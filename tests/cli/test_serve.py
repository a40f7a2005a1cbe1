"""What `tollbridge serve` says when it cannot start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tollbridge.cli import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in ("PORT", "TOLLBRIDGE_MASTER_KEY", "LITELLM_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, [*arguments])
    assert result.exit_code == 2
    return result


def test_an_address_that_is_taken_is_told_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("serve", "--open", "--log", "none", "--port", str(port)).output
    assert f"cannot listen on 127.0.0.1:{port}: something listens there already" in said
    assert "PORT" in said


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
    assert "--local-limits" in run("serve", "--workers", "2").output


def test_a_state_directory_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "file"))
    said = run("serve").output
    assert str(tmp_path / "file") in said
    assert "Set TOLLBRIDGE_HOME" in said


def test_a_command_that_is_nearly_one_is_told() -> None:
    assert "Did you mean 'serve'?" in run("sevre").output
