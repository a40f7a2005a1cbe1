"""`tollbridge logs replay`, of a request that a real gateway answered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner, Result

from tests.clients.running import KEY, serving
from tollbridge.cli import logs_replay, main
from tollbridge.cli.kept_request import made_again
from tollbridge.cli.logs_replay import Went, request_of
from tollbridge.errors import BadRequestError

CONFIG = """{"model_list": [
  {"model_name": "demo/*", "litellm_params": {"model": "demo/*", "max_retries": 0}},
  {"model_name": "dear", "litellm_params": {"model": "demo/hello", "input_cost_per_token": 1e-6,
    "output_cost_per_token": 2e-6}}]}"""
BODY: dict[str, Any] = {"messages": [{"role": "user", "content": "A private word"}], "max_tokens": 20}
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(CONFIG, tmp_path_factory.mktemp("gateway")) as url:
        yield url


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gateway: str) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {"TOLLBRIDGE_URL": gateway, "TOLLBRIDGE_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    Path("request.json").write_text(json.dumps({"model": "forgotten", **BODY}))


def ask(url: str, path: str, body: dict[str, Any]) -> tuple[str, str]:
    """(the id of the request, what was answered)."""
    said = json.dumps({"model": "dear", **body}).encode()
    with urlopen(Request(url + path, said, {"authorization": f"Bearer {KEY}"})) as answer:
        return str(answer.headers["x-tollbridge-request-id"]), answer.read().decode()


@pytest.fixture(scope="module")
def asked(gateway: str) -> tuple[str, str, str]:
    """A whole answer, a stream, and a response that is kept (the second of a conversation), which the ledger has."""
    first, _ = ask(gateway, CHAT, BODY)
    streamed, _ = ask(gateway, MESSAGES, {**BODY, "stream": True})
    _, begun = ask(gateway, RESPONSES, {"input": "A word"})
    more = {"previous_response_id": json.loads(begun)["id"], "temperature": 0.25, "instructions": "Be short"}
    _, gone_on = ask(gateway, RESPONSES, {"input": "A private word, and more", **more})
    wanted = Request(f"{gateway}/spend/logs", headers={"authorization": f"Bearer {KEY}"})
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with urlopen(wanted) as answer:
            if len(json.load(answer)) == 4:
                return first, streamed, json.loads(gone_on)["id"]
        time.sleep(0.05)  # they are folded into the database within a second
    raise AssertionError("the ledger does not have them")


@pytest.fixture
def first(asked: tuple[str, str, str]) -> str:
    return asked[0]


@pytest.fixture
def streamed(asked: tuple[str, str, str]) -> str:
    return asked[1]


@pytest.fixture
def kept(asked: tuple[str, str, str]) -> str:
    return asked[2]


def run(*words: str, code: int = 0, given: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["logs", "replay", *words], input=given)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_the_same_is_asked_again_and_both_stand_beside_each_other(streamed: str) -> None:
    said = run(streamed, "-f", "request.json", "-o", "answer").output
    lines = [line.split() for line in said.splitlines()]
    assert lines[0][0] == "UTC"
    assert ["asked", "for", "dear", "dear"] in lines
    assert ["answered", "by", "demo/hello", "demo/hello"] in lines
    assert ["went", "200", "ok", "200", "ok"] in lines
    [cost] = [line for line in lines if line[0] == "cost"]
    assert cost[1] == cost[2] != "$0.00"
    assert "private" not in said
    assert b"event: message_stop" in Path("answer").read_bytes(), "a stream again, in its own dialect"


def test_another_model_may_be_asked_and_what_fails_is_shown_too(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(run(first, "-f", "request.json", "-m", "demo/error-400", "--json", code=1).stdout)
    before, after = told["before"], told["after"]
    assert (before["request_id"], before["id"] != after["id"]) == (first, True)
    assert (before["model_requested"], after["model_requested"]) == ("dear", "demo/error-400")
    assert (before["status"], after["status"], after["error_class"]) == (200, 400, "BadRequestError")
    assert (after["endpoint"], after["stream"]) == (CHAT, False)
    monkeypatch.setattr(logs_replay, "WRITTEN_S", 0.5)
    assert "no-such-model" in run(first, "-f", "request.json", "-m", "no-such-model", code=1).stderr


def test_a_response_that_the_gateway_keeps_is_asked_again_without_a_file(gateway: str, kept: str) -> None:
    told = json.loads(run(kept, "-o", "answer", "--json").stdout)
    before, after = told["before"], told["after"]
    assert (before["answer_id"], before["endpoint"]) == (kept, RESPONSES)
    assert (before["input_tokens"], before["cost_nanousd"]) == (after["input_tokens"], after["cost_nanousd"])
    again = json.loads(Path("answer").read_bytes())
    assert "A private word, and more" in again["output"][0]["content"][0]["text"]
    assert (again["temperature"], again["instructions"], again["store"]) == (0.25, "Be short", False)
    assert run(kept.replace("resp_tb", "resp_tb0"), code=1).stderr.startswith("error: There is no request")


def test_a_request_is_made_again_from_what_differs_from_the_formats_defaults() -> None:
    response = {
        "id": "resp_tb1",
        "model": "m",
        "output": [],
        "temperature": 1.0,
        "top_p": 0.5,
        "tool_choice": "auto",
        "tools": [{"type": "function", "name": "f"}],
        "reasoning": {"effort": "low", "summary": None},
        "text": {"format": {"type": "text"}, "verbosity": None},
        "service_tier": "default",
        "user": None,
        "metadata": {},
        "usage": {"input_tokens": 1},
        "previous_response_id": "resp_tb0",
    }
    items: list[dict[str, Any]] = [
        {"type": "message", "id": "msg_tb1", "role": "user", "content": "a"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "id": "fc_tb1", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    assert made_again(response, items) == {
        "input": [
            {"type": "message", "role": "user", "content": "a"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        ],
        "top_p": 0.5,
        "tools": [{"type": "function", "name": "f"}],
        "reasoning": {"effort": "low"},
        "store": False,
    }


def test_without_a_body_it_says_why_and_what_to_do(first: str) -> None:
    id = first
    assert "no setting makes it keep them: say --file" in run(id, code=2).stderr
    assert "nowhere.json cannot be read" in run(id, "-f", "nowhere.json", code=2).stderr
    assert "is no body of a request" in run(id, "-f", "-", code=2, given="[1]").stderr
    assert "There is no request 'req_nothing'" in run("req_nothing", "-f", "request.json", code=1).stderr
    assert "127.0.0.1:1" in run(id, "-f", "request.json", "--url", "http://127.0.0.1:1", code=1).stderr


def went(endpoint: str, *, stream: bool = False) -> Went:
    return Went(
        id="e",
        request_id="r",
        answer_id="a",
        at="2026-11-26T00:00:00.000Z",
        model_requested="a/b c",
        provider="p",
        model="m",
        endpoint=endpoint,
        stream=stream,
        status=200,
        outcome="ok",
        error_class=None,
        attempts=1,
        input_tokens=1,
        output_tokens=1,
        parts={},
        estimated=False,
        cost_nanousd=None,
        priced=None,
        duration_ms=1,
        ttft_ms=None,
    )


def test_the_request_is_that_of_then() -> None:
    said = {"model": "x", "stream": True, "stream_options": {"include_usage": True}, "input": "i"}
    assert request_of(went(CHAT), said, None) == (CHAT, {"model": "a/b c", "stream": False, "input": "i"})
    assert request_of(went(CHAT, stream=True), said, "n") == (CHAT, {**said, "model": "n"})
    assert request_of(went("/v1/embeddings"), {"input": "i"}, None)[1] == {"model": "a/b c", "input": "i"}
    path = "/v1beta/models/{id}:generateContent"
    assert request_of(went(path), {"contents": []}, None) == (
        "/v1beta/models/a/b%20c:generateContent",
        {"contents": []},
    )
    for form in ("/v1/audio/transcriptions", "/mcp", "/v1/realtime"):
        with pytest.raises(BadRequestError, match="is not asked again"):
            request_of(went(form), said, None)
