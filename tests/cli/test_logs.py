"""`tollbridge logs`, of what a real gateway wrote into its ledger."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner, Result

from tests.clients.running import KEY, serving
from tollbridge.cli import main

CONFIG = '{"model_list": [{"model_name": "demo/*", "litellm_params": {"model": "demo/*", "max_retries": 0}}]}'


def ask(url: str, model: str) -> tuple[str, str]:
    """(id of the answer, id of the request)."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "A private word"}]}).encode()
    try:
        with urlopen(Request(f"{url}/v1/chat/completions", body, {"authorization": f"Bearer {KEY}"})) as answer:
            return json.load(answer)["id"], answer.headers["x-tollbridge-request-id"]
    except HTTPError as error:
        error.close()
        return "", error.headers["x-tollbridge-request-id"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    directory = tmp_path_factory.mktemp("gateway")
    with serving(CONFIG, directory) as url:
        yield url, directory / "home"


@pytest.fixture(scope="module")
def asked(gateway: tuple[str, Path]) -> tuple[str, str]:
    """Three requests, the second of which failed; the ids of the first."""
    url, home = gateway
    first = ask(url, "demo/one")
    ask(url, "demo/error-400")
    ask(url, "demo/three")
    until = time.monotonic() + 30
    while len(rows(home)) < 3 and time.monotonic() < until:
        time.sleep(0.05)  # they are folded into the database within a second
    return first


def run(home: Path, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["logs", *words], env={"TOLLBRIDGE_HOME": str(home)})
    assert result.exit_code == code, (result.output, result.exception)
    return result


def rows(home: Path, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(home, "tail", "--json", *words).stdout.splitlines()]


def test_the_last_are_shown_the_newest_at_the_end(gateway: tuple[str, Path], asked: tuple[str, str]) -> None:
    found = rows(gateway[1])
    assert [one["model"] for one in found] == ["one", "error-400", "three"]
    assert [one["model"] for one in rows(gateway[1], "-n", "1")] == ["three"]
    lines = run(gateway[1], "tail").output.splitlines()
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  200  master +demo/one +\d+\+\d+ +\$0", lines[0])
    assert "  400  " in lines[1]


def test_a_heading_for_people_stands_over_its_columns(
    gateway: tuple[str, Path], asked: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tollbridge.cli.logs.is_terminal", lambda stream: True)
    for columns in ("80", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        head, line, *_ = run(gateway[1], "tail").output.splitlines()
        assert head.index("key") == line.index("master")
        assert head.index("cost") + 4 == re.search(r"\$[\d.]+", line).end()  # type: ignore[union-attr]


def test_failures_keys_and_days_narrow_it(gateway: tuple[str, Path], asked: tuple[str, str]) -> None:
    assert [one["model"] for one in rows(gateway[1], "--failed")] == ["error-400"]
    assert len(rows(gateway[1], "--key", "master")) == 3
    assert rows(gateway[1], "--since", "2999-01-01") == []
    assert "--since" in run(gateway[1], "tail", "--since", "tomorrow", code=2).output
    run(gateway[1], "tail", "--key", "nobody", code=1)


def test_one_is_shown_by_the_id_of_its_answer_or_of_the_request(
    gateway: tuple[str, Path], asked: tuple[str, str]
) -> None:
    for id in asked:
        said = run(gateway[1], "show", id).output
        assert "asked    demo/one at /v1/chat/completions" in said
        assert "went     ok, status 200" in said
        assert "private" not in said
        (told,) = json.loads(run(gateway[1], "show", id, "--json").output)
        assert told["request_id"] == asked[0]
    assert "There is no request 'req_nothing'" in run(gateway[1], "show", "req_nothing", code=1).stderr


def test_those_that_come_are_followed_until_ctrl_c(gateway: tuple[str, Path], asked: tuple[str, str]) -> None:
    url, home = gateway
    program = [str(Path(sys.executable).with_name("tollbridge")), "logs", "tail", "-f", "-n", "1", "--json"]
    environ = {"PATH": os.environ["PATH"], "TOLLBRIDGE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["model"] == "three"
            ask(url, "demo/four")
            assert json.loads(process.stdout.readline())["model"] == "four"
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
