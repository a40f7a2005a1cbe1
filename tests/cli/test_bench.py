from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from tests.clients.running import KEY, serving
from tollbridge.cli import main
from tollbridge.cli.bench import shares


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = '{"model_list": [{"model_name": "demo/*", "litellm_params": {"model": "demo/*", "max_retries": 0}}]}'
    with serving(config, tmp_path_factory.mktemp("gateway")) as address:
        yield address


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["bench", "--key", KEY, *words])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_so_many_are_asked_and_their_times_told(url: str) -> None:
    told = json.loads(run("--url", url, "-n", "20", "-c", "4", "--json").output)
    assert list(told) == ["model", "requests", "at_once", "seconds", "per_second", "ms", "failures"]
    assert told["requests"] == 20
    assert list(told["ms"]) == ["p50", "p95", "p99", "max"]
    assert told["failures"] == {}
    assert "20 requests of demo/hello, 4 at once" in run("--url", url, "-n", "20", "-c", "4").output


def test_failures_are_counted_by_what_they_say(url: str) -> None:
    told = json.loads(run("--url", url, "-n", "3", "-m", "demo/error-400", "--json", code=1).output)
    assert list(told["failures"].values()) == [3]
    assert told["ms"] == {}


def test_another_machines_needs_a_word_and_nobody_is_a_failure() -> None:
    assert "say --yes" in run("--url", "https://gateway.example", code=2).output
    run("--url", "http://127.0.0.1:1", code=1)
    assert CliRunner().invoke(main, ["bench", "-n", "1000000"]).exit_code == 2


def test_a_share_is_the_time_within_which_it_was_answered() -> None:
    assert shares([float(n) for n in range(100, 0, -1)]) == {"p50": 51.0, "p95": 96.0, "p99": 100.0, "max": 100.0}
    assert shares([]) == {}
