"""`tollbridge doctor`, before real listeners, a real database and a real MCP server."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.mcp.serving import LEGACY_STDIO
from tollbridge.cli import main
from tollbridge.cli.examining import Found, libraries
from tollbridge.providers.table import ROWS
from tollbridge.store.database import Database

doctor_command = import_module("tollbridge.cli.doctor")  # the package's `doctor` may be the command
NOTHING = {name: None for row in ROWS.values() for name in (*row.key_env, *row.base_env, *row.token_env)}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in (*NOTHING, "PORT", "TOLLBRIDGE_DATABASE_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def run(*words: str, code: int) -> Result:
    result = CliRunner().invoke(main, ["doctor", *words])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def told(*words: str, code: int) -> dict[str, list[dict[str, Any]]]:
    """By what was looked at."""
    report = json.loads(run(*words, "--json", code=code).stdout)
    assert list(report) == ["errors", "warnings", "found"]
    by: dict[str, list[dict[str, Any]]] = {}
    for one in report["found"]:
        assert list(one) == ["about", "state", "said", "mend"]
        assert (one["mend"] == "") == (one["state"] == "good")
        by.setdefault(one["about"], []).append(one)
    return by


@contextmanager
def upstream(clock_s: float = 0.0) -> Iterator[tuple[str, list[str]]]:
    """A server whose clock is off by so many seconds, and the targets that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers.get('authorization')}")
            self.send_response_only(404)
            self.send_header("date", formatdate(time.time() + clock_s, usegmt=True))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def configured(directory: Path, base: str, **more: Any) -> str:
    params = {"model": "openai/gpt-4o", "api_base": base, "api_key": "sk-secret-of-the-provider"}
    file = directory / "config.yaml"
    file.write_text(json.dumps({"model_list": [{"model_name": "x", "litellm_params": params}], **more}))
    return str(file)


def test_all_is_well_where_nothing_is_wrong(free_port: str) -> None:
    said = run("--port", free_port, code=0).stdout
    assert said.endswith("\nAll is well.\n")
    assert "demo/*" in said
    assert "is made at the first start" in said


def test_a_providers_host_is_reached_without_its_key_and_a_clock_that_is_wrong_is_told(
    tmp_path: Path, free_port: str
) -> None:
    with upstream(clock_s=600.0) as (url, asked):
        found = told("--config", configured(tmp_path, url), "--port", free_port, code=1)
    assert asked == ["/ None"]
    (reached,) = found["network"]
    assert reached["state"] == "good"
    assert "(x)" in reached["said"]
    (clock,) = found["clock"]
    assert clock["state"] == "warning"
    assert "s behind theirs" in clock["said"]


def test_a_host_that_does_not_answer_is_wrong_within_the_timeout(tmp_path: Path, free_port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = told("-c", configured(tmp_path, url), "--port", free_port, "--timeout", "0.2", code=2)
    (silence,) = found["network"]
    assert "within 0.2 s" in silence["said"]
    assert not told("-c", configured(tmp_path, url), "--port", free_port, "--offline", code=0).get("network")


def test_what_the_environment_says_of_a_proxy_is_honoured(
    tmp_path: Path, free_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with upstream() as (proxy, asked):
        monkeypatch.setenv("http_proxy", proxy)
        found = told("-c", configured(tmp_path, "http://provider.example"), "--port", free_port, code=0)
    assert asked == ["http://provider.example/ None"]
    assert "through the proxy" in found["network"][0]["said"]


def test_the_state_directory_and_the_database_in_it_are_looked_at(tmp_path: Path, free_port: str) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    Database.open(f"sqlite:///{home / 'tollbridge.db'}").close()
    found = told("--port", free_port, "--offline", code=1)
    assert f"chmod 700 {home}" in found["state directory"][0]["mend"]
    assert found["database"][0]["state"] == "good"
    home.chmod(0o700)
    with sqlite3.connect(home / "tollbridge.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_of_tomorrow'")
    connection.close()
    found = told("--port", free_port, "--offline", code=2)
    assert "does not know" in found["database"][0]["said"]
    (home / "tollbridge.db").write_bytes(b"this is no database" * 100)
    assert "is not a SQLite database" in told("--port", free_port, "--offline", code=2)["database"][0]["said"]


def test_an_empty_database_is_new_and_another_programs_is_not_ours(tmp_path: Path, free_port: str) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    file = home / "tollbridge.db"
    os.close(os.open(file, os.O_CREAT, 0o600))
    found = told("--port", free_port, "--offline", code=0)["database"]
    assert found[0]["said"] == f"{file} is new: the first start makes its tables"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.close()
    found = told("--port", free_port, "--offline", code=2)["database"]
    assert "is not a Tollbridge database" in found[0]["said"]


def test_a_state_directory_that_cannot_be_made_is_wrong(
    tmp_path: Path, free_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "file" / "home"))
    found = told("--port", free_port, "--offline", code=2)
    assert "Set TOLLBRIDGE_HOME" in found["state directory"][0]["mend"]


def test_a_port_in_use_is_a_warning() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (port,) = told("--port", str(taken.getsockname()[1]), "--offline", code=1)["port"]
    assert "in use" in port["said"]


def test_what_check_finds_is_told_and_a_broken_file_ends_it_there(tmp_path: Path, free_port: str) -> None:
    file = configured(tmp_path, "http://127.0.0.1:1", router_settings={"num_retrys": 1})
    found = told("-c", file, "--port", free_port, code=2)
    assert "num_retries" in found["configuration"][0]["said"]
    assert "database" not in found
    file = configured(tmp_path, "os.environ/NOT_SET_ANYWHERE")
    said = run("-c", file, "--port", free_port, "--offline", code=1).output
    assert "NOT_SET_ANYWHERE is not set" in said
    assert "secret-of-the-provider" not in said


def test_of_what_is_mended_alike_some_are_shown_the_errors_first_and_the_mend_once(
    tmp_path: Path, free_port: str
) -> None:
    settings = "".join(f"  {name}: 1\n" for name in ("max_budget", "max_user_budget", "max_end_user_budget"))
    settings += "".join(f"  {name}: [x]\n" for name in ("success_callback", "failure_callback", "input_callback"))
    file = tmp_path / "config.yaml"
    file.write_text(f"litellm_settings:\n{settings}  guardrails: [x]\n")
    shown = run("--config", str(file), "--port", free_port, "--offline", code=2).stdout
    assert shown.count(f"tollbridge check {file}") == 1
    assert shown.count("WARN") == 4
    assert shown.index("WRONG") < shown.index("WARN")
    assert "and 2 more\n" in shown
    assert shown.endswith("1 wrong, 6 to be warned of.\n")


def test_mcp_servers_are_asked_how_they_are(tmp_path: Path, free_port: str) -> None:
    servers = {"old": LEGACY_STDIO.configured(), "gone": {"command": "/nowhere/to/be/found"}}
    with upstream() as (url, _):
        found = told("-c", configured(tmp_path, url, mcp_servers=servers), "--port", free_port, code=2)
    states = {one["said"].split()[0].rstrip(":"): one["state"] for one in found["mcp"]}
    assert states == {"old": "good", "gone": "error"}


def test_the_libraries_of_this_environment_are_those_that_are_asked_for() -> None:
    found = list(libraries())
    assert [one.state for one in found] == ["good"]
    assert os.sep not in found[0].said


def test_what_is_long_goes_on_in_its_column_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_command, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "60")
    (line, *more) = doctor_command._lines([Found(about="port", state="warning", said="a word " * 12, mend="mend it")])
    assert line.startswith("WARN   port  a word")
    assert all(one.startswith(" " * 13) and len(one) <= 60 for one in more[:-2])
