"""`tollbridge prices diff` and `update`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.shared import SHARED
from tollbridge.catalog.facts import facts
from tollbridge.catalog.price_file import read_price_file
from tollbridge.cli import main, price_source

CONFIG = """
general_settings: {prices_file: prices.json}
model_list:
  - {model_name: fast, litellm_params: {model: openai/gpt-4o, api_key: k}}
  - {model_name: own, litellm_params: {model: openai/gpt-4o, api_key: k, input_cost_per_token: 7e-6}}
  - {model_name: house, litellm_params: {model: hosted_vllm/ours, api_base: "http://127.0.0.1:9/v1"}}
"""
LIST = {
    "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 2e-6, "output_cost_per_token": 1e-5},
    "gpt-4.1": {"litellm_provider": "openai", "input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6},
    "hosted_vllm/ours": {
        "litellm_provider": "hosted_vllm",
        "input_cost_per_token": 1e-6,
        "output_cost_per_token": 2e-6,
    },
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    Path("config.yaml").write_text(CONFIG)
    Path("list.json").write_text(json.dumps(LIST))


def run(*words: str, code: int = 0, given: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["prices", *words], input=given)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def found(*words: str, code: int = 0) -> Any:
    return json.loads(run(*words, "--json", code=code).stdout)


def test_what_differs_is_told_by_model_and_price() -> None:
    said = run("diff", "list.json", code=1).output
    lines = [line.split() for line in said.splitlines()]
    assert lines[:2] == [["openai/gpt-4o"], ["input", "2.5", "->", "2", "$/M", "-20", "%"]]
    assert "  not in LIST: cache read; input, batch; " in said
    assert "hosted_vllm/ours" not in said
    assert said.endswith("1 model with other prices, 1 with the same, 1 not known here (--new shows them).\n")
    assert "hosted_vllm/ours (not known here)" in run("diff", "list.json", "--new", code=1).output


def test_a_price_that_nobody_asks_is_warned_of_and_not_taken_over() -> None:
    Path("list.json").write_text(json.dumps({"gpt-4o": {**LIST["gpt-4o"], "input_cost_per_token": 2.5}}))
    said = " ".join(run("diff", "list.json", code=1).output.split())
    assert "input 2.5 -> 2500000 $/M 1,000,000 times as much warning: is $2.5 for each token" in said
    assert found("update", "list.json", "-c", "config.yaml", "--write")["models"] == []
    assert "openai/gpt-4o is not taken over" in run("update", "list.json", "-c", "config.yaml", "--write").stderr
    assert not Path("prices.json").exists()


def test_as_json_the_differences_are_exact_and_whole() -> None:
    told = found("diff", "list.json", "gpt", code=1)
    assert {name: told[name] for name in ("list", "same", "changed", "new", "left_out")} == {
        "list": "list.json",
        "same": 1,
        "changed": 1,
        "new": 0,
        "left_out": [],
    }
    assert told["changes"][0] == {
        "model": "openai/gpt-4o",
        "state": "changed",
        "price": "input",
        "before": 2_500_000_000,
        "after": 2_000_000_000,
    }


def test_the_catalogs_own_list_is_no_difference() -> None:
    known = facts("openai", "gpt-4o")
    assert known is not None
    printed = run("show", "gpt-4o", "claude-sonnet-4-5", "--json").stdout
    assert "2 with the same" in run("diff", "-", given=printed).output


def test_the_table_that_the_catalog_was_made_from_differs_only_where_the_page_says_so() -> None:
    told = found("diff", str(SHARED / "data" / "model_prices_litellm.json"), "--new", code=1)
    assert (told["new"], told["left_out"]) == (0, [])
    assert told["same"] > 4_000
    assert 0 < told["changed"] < 40


def test_nothing_is_written_before_it_is_said_and_then_the_chosen_ones_alone() -> None:
    dry = run("update", "list.json", "-c", "config.yaml")
    assert "Nothing was changed; --write does it." in dry.stderr
    assert not Path("prices.json").exists()
    told = found("update", "list.json", "4o", "-c", "config.yaml", "--write")
    assert (told["models"], told["written"]) == (["openai/gpt-4o"], True)
    entry = read_price_file(Path("prices.json").read_bytes()).models["openai/gpt-4o"]
    assert entry.prices == {"input": 2_000_000_000, "output": 10_000_000_000}
    assert Path("prices.json").stat().st_mode & 0o777 == 0o600
    assert found("update", "list.json", "-c", "config.yaml", "--write")["models"] == []
    assert "0 models with other prices, 2 with the same" in run("diff", "list.json", "-c", "config.yaml").output


def test_what_was_written_is_charged_and_other_entries_stay() -> None:
    run("update", "list.json", "-c", "config.yaml", "--write", "--new")
    Path("list.json").write_text(json.dumps({"gpt-4.1": {**LIST["gpt-4.1"], "input_cost_per_token": 3e-6}}))
    run("update", "list.json", "-c", "config.yaml", "--write")
    filed = read_price_file(Path("prices.json").read_bytes()).models
    assert set(filed) == {"openai/gpt-4o", "openai/gpt-4.1", "hosted_vllm/ours"}
    rows = {row["group"]: row for row in json.loads(run("show", "-c", "config.yaml", "--json").stdout)}
    since = filed["openai/gpt-4o"].priced
    assert since.startswith("file 20")
    assert (rows["fast"]["priced"], rows["fast"]["prices"]["input"]) == (since, 2_000_000_000)
    assert (rows["own"]["priced"], rows["own"]["prices"]["input"]) == ("config", 7_000_000_000)
    assert (rows["house"]["priced"], rows["house"]["prices"]["output"]) == (since, 2_000_000_000)
    assert "from the configuration's prices file" in run("show", "fast", "-c", "config.yaml").output


def test_a_file_that_cannot_be_read_whole_stops_the_configuration_and_is_not_overwritten() -> None:
    Path("prices.json").write_text('{"models": {"openai/gpt-4o": {"since": "2026-11-26", "prices": {"inptu": 1}}}}')
    said = run("update", "list.json", "-c", "config.yaml", "--write", code=2)
    assert "'inptu' is no name of a price" in said.stderr
    assert "inptu" in Path("prices.json").read_text()


def test_a_file_that_cannot_be_written_is_told() -> None:
    Path("config.yaml").write_text("general_settings: {prices_file: gone/prices.json}\n")
    said = run("update", "list.json", "-c", "config.yaml", "--write", code=1).stderr
    assert "prices.json cannot be written: No such file or directory. Nothing was changed." in said


def test_without_a_file_for_prices_it_says_how_to_name_one() -> None:
    Path("config.yaml").write_text("general_settings: {strict: true}\n")
    assert "`prices_file: prices.json`" in run("update", "list.json", "-c", "config.yaml", code=2).stderr
    assert "`prices_file: prices.json`" in run("update", "list.json", code=2).stderr


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("nowhere.json", "nowhere.json cannot be read: No such file"),
        ("config.yaml", "config.yaml cannot be used: it is no JSON"),
        ("http://prices.example/list.json?key=secret", "http://prices.example: prices come by https"),
        ("https://169.254.169.254/latest", "gave no list of prices"),
        ("http://127.0.0.1:1/list.json", "gave no list of prices"),
        ("https://", "URL cannot be used"),
    ],
)
def test_a_list_that_cannot_be_had_is_told_without_what_may_be_secret(source: str, why: str) -> None:
    said = run("diff", source, code=2).stderr
    assert why in said
    assert "secret" not in said


@pytest.fixture
def url() -> Iterator[str]:
    class Served(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(LIST).encode()
            status = {"/list.json": 200, "/moved": 302}.get(self.path, 404)
            self.send_response(status)
            self.send_header("location", "/list.json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Served)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_list_is_fetched_within_bounds_and_no_redirect_is_followed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("diff", f"{url}/list.json", code=1)["changed"] == 1
    assert "status 404" in run("diff", f"{url}/gone", code=2).stderr
    assert "gave no list of prices" in run("diff", f"{url}/moved", code=2).stderr
    monkeypatch.setattr(price_source, "BYTES_MAX", 64)
    assert "gave no list of prices" in run("diff", f"{url}/list.json", code=2).stderr
    assert "no list of prices is larger" in run("diff", "list.json", code=2).stderr
