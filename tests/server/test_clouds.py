"""Clouds with tokens, addresses and answers of their own, before a serving gateway, in every dialect."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.clouds import Asked, Told, cloud, sse
from tests.server.faults import configuration, error_of
from tests.server.served import Answered, Served, served

SECRET = "lasting-secret-canary-0123456789"
TOKEN = "token-of-an-hour-0123456789"
EVENTS = {"content-type": "text/event-stream"}
PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1beta/models/m:generateContent"]
IDS = ["chat", "messages", "responses", "gemini"]
dialects = pytest.mark.parametrize("path", PATHS, ids=IDS)
streams = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def entry(model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": "m", "litellm_params": {"model": model, "max_retries": 0, **params}}


async def ask(gateway: Served, path: str, *, stream: bool = False, text: str = "hi") -> Answered:
    if path.endswith("Content"):
        path = path.replace(":generate", ":streamGenerate") + "?alt=sse" if stream else path
        return await gateway.post(path, {"contents": [{"role": "user", "parts": [{"text": text}]}]})
    turns = [{"role": "user", "content": text}]
    body = {"input": turns} if path.endswith("responses") else {"messages": turns, "max_tokens": 64}
    return await gateway.post(path, {"model": "m", **body, **({"stream": True} if stream else {})})


def text_of(path: str, answered: Answered, stream: bool) -> str:
    """What the model said, in whatever dialect; a stream is put together."""
    assert answered.status == 200, answered.body
    told = [json.loads(data) for _, data in answered.events() if data != "[DONE]"] if stream else [answered.json()]
    found: list[str] = []
    for one in told:
        match one:
            case {"choices": [{"delta": {"content": str(text)}}, *_]} | {
                "choices": [{"message": {"content": str(text)}}]
            }:
                found.append(text)
            case {"type": "content_block_delta", "delta": {"text": str(text)}}:
                found.append(text)
            case {"type": "message", "content": [{"text": str(text)}]}:
                found.append(text)
            case {"type": "response.output_text.delta", "delta": str(text)}:
                found.append(text)
            case {"object": "response", "output": [{"content": [{"text": str(text)}]}]}:
                found.append(text)
            case {"candidates": [{"content": {"parts": [{"text": str(text)}, *_]}}]}:
                found.append(text)
    return "".join(found)


# watsonx


def watsonx(asked: Asked) -> Told:
    if asked.path == "/identity/token":
        return Told({"access_token": TOKEN, "expires_in": 3600, "expiration": 4_000_000_000})
    head = {"id": "chatcmpl-w", "model_id": "ibm/granite", "model": "ibm/granite", "created": 1700000000}
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    if "chat_stream" in asked.path:
        return Told(
            sse(
                *(
                    ("message", {**head, "choices": [{"index": 0, "finish_reason": finish, "delta": delta}]})
                    for delta, finish in (
                        ({"role": "assistant", "content": ""}, None),
                        ({"content": "Ci"}, None),
                        ({"content": "ao"}, None),
                        ({"content": ""}, "stop"),
                    )
                ),
                ("message", {**head, "choices": [], "usage": usage}),
            ),
            headers=EVENTS,
        )
    message = {"role": "assistant", "content": "Ciao"}
    return Told({**head, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})


def granite(url: str, **params: Any) -> str:
    own = {"api_base": url, "api_key": SECRET, "project_id": "p-1", "watsonx_iam_url": f"{url}/identity/token"}
    return configuration(entry("watsonx/ibm/granite", **{**own, **params}))


@dialects
@streams
async def test_watsonx_is_asked_with_a_token_in_exchange_for_the_key(path: str, stream: bool, tmp_path: Path) -> None:
    with cloud(watsonx) as ibm:
        async with served(granite(ibm.url), tmp_path) as gateway:
            for _ in range(2):
                assert text_of(path, await ask(gateway, path, stream=stream), stream) == "Ciao"
        (exchanged,) = ibm.of("/identity/token")
        assert f"apikey={SECRET}" in exchanged.body.decode()
        first, second = ibm.of("/ml/v1")
        assert first.path == f"/ml/v1/text/chat{'_stream' if stream else ''}?version=2024-03-13"
        assert first.headers["authorization"] == second.headers["authorization"] == f"Bearer {TOKEN}"
        sent = first.json()
        assert (sent["model_id"], sent["project_id"]) == ("ibm/granite", "p-1")
        assert not {"model", "stream", "stream_options"} & set(sent)
        assert [(record.tokens or {})["output"] for record in gateway.records if not record.estimated] == [2, 2]


async def test_usage_that_the_client_did_not_ask_for_is_not_in_its_stream(tmp_path: Path) -> None:
    with cloud(watsonx) as ibm:
        async with served(granite(ibm.url), tmp_path) as gateway:
            body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
            plain = await gateway.post("/v1/chat/completions", body)
            asked = await gateway.post("/v1/chat/completions", {**body, "stream_options": {"include_usage": True}})
        assert b'"prompt_tokens"' not in plain.body
        assert b'"prompt_tokens"' in asked.body


@dialects
async def test_a_key_that_ibm_does_not_know_is_the_operators_and_is_not_shown(path: str, tmp_path: Path) -> None:
    def refusing(asked: Asked) -> Told:
        return Told({"errorCode": "BXNIM0415E", "errorMessage": f"Provided API key {SECRET} could not be found."}, 400)

    with cloud(refusing) as ibm:
        async with served(granite(ibm.url), tmp_path) as gateway:
            answered = await ask(gateway, path)
        assert answered.status == 401
        assert "IBM's IAM gave no token" in error_of(path, answered.json())["message"]
        assert SECRET.encode() not in answered.body
        assert ibm.of("/ml/") == []


@dialects
@pytest.mark.parametrize(("status", "retries"), [(400, False), (429, True), (500, True)])
async def test_watsonx_errors_keep_their_meaning(path: str, status: int, retries: bool, tmp_path: Path) -> None:
    def failing(asked: Asked) -> Told:
        if asked.path == "/identity/token":
            return watsonx(asked)
        said = {
            "errors": [{"code": "invalid_input", "message": "Json field type error"}],
            "trace": "t",
            "status_code": status,
        }
        return Told(said, status, {"retry-after": "7"} if status == 429 else {})

    with cloud(failing) as ibm:
        async with served(granite(ibm.url), tmp_path) as gateway:
            answered = await ask(gateway, path)
        assert answered.status == status
        assert "Json field type error" in error_of(path, answered.json())["message"]
        assert answered.headers.get("retry-after") == ("7" if status == 429 else None)


# Replicate


class Replicate:
    """One prediction: under way for a while, then what it is told to be."""

    def __init__(self, ends: dict[str, Any], *, polls: int = 2, streamed: Callable[[], bytes] | None = None) -> None:
        self.ends = ends
        self.left = polls
        self.streamed = streamed
        self.url = ""

    def __call__(self, asked: Asked) -> Told:
        if asked.path.endswith("/cancel"):
            return Told({"status": "canceled"})
        if asked.path.startswith("/stream/"):
            assert self.streamed is not None
            return Told(self.streamed(), headers=EVENTS)
        links = {"get": f"{self.url}/v1/predictions/p1", "cancel": f"{self.url}/v1/predictions/p1/cancel"}
        if self.streamed is not None and asked.method == "POST" and asked.json().get("stream"):
            links["stream"] = f"{self.url}/stream/p1"
        known = {
            "id": "p1",
            "model": "meta/llama",
            "urls": links,
            "created_at": "2026-11-26T08:00:00.5Z",
            "error": None,
        }
        if asked.method == "POST":
            return Told({**known, "status": "starting", "output": None}, 201)
        if self.left:
            self.left -= 1
            return Told({**known, "status": "processing", "output": ["Ci"]})
        return Told({**known, **self.ends})


DONE = {
    "status": "succeeded",
    "output": ["Ci", "ao", "\nbella"],
    "metrics": {"input_token_count": 5, "output_token_count": 3, "predict_time": 0.2},
}


def pieces() -> bytes:
    return sse(("output", "Ci"), ("logs", "x"), ("output", "ao"), ("output", "\nbella"), ("done", {}))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollbridge.calls.follow.FIRST_PAUSE_S", 0.001)


def llama(url: str, **params: Any) -> str:
    return configuration(entry("replicate/meta/llama", **{"api_base": f"{url}/v1", "api_key": SECRET, **params}))


@dialects
@streams
async def test_a_prediction_is_asked_for_until_it_ended_or_streamed(path: str, stream: bool, tmp_path: Path) -> None:
    script = Replicate(DONE, streamed=pieces)
    with cloud(script) as place:
        script.url = place.url
        async with served(llama(place.url), tmp_path) as gateway:
            answered = await ask(gateway, path, stream=stream)
        assert text_of(path, answered, stream) == "Ciao\nbella"
    created, *then = place.asked
    assert (created.method, created.path) == ("POST", "/v1/models/meta/llama/predictions")
    assert created.json()["input"]["prompt"] == "hi"
    assert created.headers.get("prefer") == (None if stream else "wait")
    assert [one.path for one in then] == (["/stream/p1"] if stream else ["/v1/predictions/p1"] * 3)
    assert all(one.method == "GET" and one.headers["authorization"] == f"Bearer {SECRET}" for one in then)
    assert then[-1].headers["accept"] == ("text/event-stream" if stream else "application/json")
    if not stream:
        assert [(record.tokens or {})["output"] for record in gateway.records if not record.estimated] == [3]


@dialects
async def test_a_model_without_streams_is_waited_for_and_told_as_one(path: str, tmp_path: Path) -> None:
    script = Replicate(DONE)
    with cloud(script) as place:
        script.url = place.url
        async with served(llama(place.url), tmp_path) as gateway:
            assert text_of(path, await ask(gateway, path, stream=True), True) == "Ciao\nbella"


@dialects
@streams
async def test_a_prediction_that_failed_says_why(path: str, stream: bool, tmp_path: Path) -> None:
    def broken() -> bytes:
        return sse(("error", {"detail": "CUDA out of memory"}))

    script = Replicate({"status": "failed", "error": "CUDA out of memory", "output": None}, streamed=broken)
    with cloud(script) as place:
        script.url = place.url
        async with served(llama(place.url), tmp_path) as gateway:
            answered = await ask(gateway, path, stream=stream)
        assert answered.status == 502
        assert (
            "CUDA out of memory" in error_of(path.replace(":generate", ":streamGenerate"), answered.json())["message"]
        )


@streams
async def test_a_model_at_replicate_is_told_of_tools_in_words_and_calls_one(stream: bool, tmp_path: Path) -> None:
    call = '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>'
    ends = {"status": "succeeded", "output": [call[:20], call[20:]]}
    script = Replicate(ends, streamed=lambda: sse(("output", call[:20]), ("output", call[20:]), ("done", {})))
    with cloud(script) as place:
        script.url = place.url
        async with served(llama(place.url), tmp_path) as gateway:
            tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
            turns = [{"role": "user", "content": "Weather in Oslo?"}]
            body = {"model": "m", "messages": turns, "tools": [tool], **({"stream": True} if stream else {})}
            answered = await gateway.post(PATHS[0], body)
        assert answered.status == 200
        assert b'"tool_calls"' in answered.body
        assert rb"{\"city\":" in answered.body.replace(b" ", b"")
        assert "weather" in place.asked[0].json()["input"]["system_prompt"]


async def test_a_stream_that_is_cut_is_no_short_success(tmp_path: Path) -> None:
    script = Replicate(DONE, streamed=lambda: sse(("output", "Ci")))
    with cloud(script) as place:
        script.url = place.url
        async with served(llama(place.url), tmp_path) as gateway:
            answered = await ask(gateway, PATHS[0], stream=True)
        assert b"[DONE]" not in answered.body
        assert b'"error"' in answered.body


@dialects
@pytest.mark.parametrize(("status", "told"), [(401, 401), (402, 402), (422, 422), (429, 429)])
async def test_replicates_errors_keep_their_meaning(path: str, status: int, told: int, tmp_path: Path) -> None:
    def failing(asked: Asked) -> Told:
        said = {"title": "No", "detail": "Request was throttled. Expected available in 3 seconds.", "status": status}
        return Told(said, status)

    with cloud(failing) as place:
        async with served(llama(place.url), tmp_path) as gateway:
            answered = await ask(gateway, path)
        assert answered.status == told
        assert "throttled" in error_of(path, answered.json())["message"]
        if status == 429:
            assert answered.headers["retry-after"] == "3"


async def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    script = Replicate(DONE)
    with cloud(script) as place, cloud(script) as elsewhere:
        script.url = elsewhere.url
        async with served(llama(place.url), tmp_path) as gateway:
            answered = await ask(gateway, PATHS[0])
        assert answered.status == 502
        assert "not its own" in answered.json()["error"]["message"]
        assert elsewhere.asked == []


# Tokens for other clouds


def messages(asked: Asked) -> Told:
    if asked.path.endswith("/token"):
        return Told({"access_token": TOKEN, "expires_in": 3600})
    return Told(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": "Ciao"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 2},
        }
    )


@dialects
async def test_claude_in_foundry_speaks_anthropics_format_with_an_entra_token(path: str, tmp_path: Path) -> None:
    with cloud(messages) as azure:
        params = {"tenant_id": "t-1", "client_id": "app", "client_secret": SECRET, "azure_authority_host": azure.url}
        config = configuration(entry("azure_ai/claude-sonnet-4-5", api_base=azure.url, **params))
        async with served(config, tmp_path) as gateway:
            assert text_of(path, await ask(gateway, path), False) == "Ciao"
        (exchanged,) = azure.of("/t-1/oauth2/v2.0/token")
        assert "grant_type=client_credentials" in exchanged.body.decode()
        (asked,) = azure.of("/anthropic/v1/messages")
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        assert asked.headers["anthropic-version"] == "2023-06-01"
        assert "x-api-key" not in asked.headers
        assert asked.json()["model"] == "claude-sonnet-4-5"


async def test_one_token_serves_both_formats_of_an_azure_deployment(tmp_path: Path) -> None:
    def azure_openai(asked: Asked) -> Told:
        if "/responses" in asked.path:
            said = [{"type": "output_text", "text": "Ciao", "annotations": []}]
            item = {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": said}
            head = {"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m"}
            return Told({**head, "output": [item], "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}})
        return messages(asked) if asked.path.endswith("/token") else watsonx(Asked("POST", "/chat", {}, b""))

    with cloud(azure_openai) as azure:
        params = {"tenant_id": "t-1", "client_id": "app", "client_secret": SECRET, "azure_authority_host": azure.url}
        async with served(configuration(entry("azure/d", api_base=azure.url, **params)), tmp_path) as gateway:
            for path in PATHS:
                assert text_of(path, await ask(gateway, path), False) == "Ciao"
        assert len(azure.of("/oauth2/v2.0/token")) == 1
        asked = [one.path.partition("?")[0] for one in azure.of("/openai/")]
        chat = "/openai/deployments/d/chat/completions"
        assert asked == [chat, chat, "/openai/responses", chat]
        assert {one.headers["authorization"] for one in azure.of("/openai/")} == {f"Bearer {TOKEN}"}


async def test_databricks_is_asked_as_a_service_principal_in_the_clients_own_format(tmp_path: Path) -> None:
    def workspace(asked: Asked) -> Told:
        if "chat/completions" in asked.path:
            return watsonx(Asked("POST", "/ml/v1/text/chat", {}, b""))
        return messages(asked)

    with cloud(workspace) as databricks:
        params = {"client_id": "sp", "client_secret": SECRET, "api_base": f"{databricks.url}/serving-endpoints"}
        async with served(configuration(entry("databricks/databricks-claude-sonnet-4", **params)), tmp_path) as gateway:
            for path in PATHS:
                assert text_of(path, await ask(gateway, path), False) == "Ciao"
        (exchanged,) = databricks.of("/oidc/v1/token")
        assert exchanged.headers["authorization"].startswith("Basic ")
        asked = [one.path.removeprefix("/serving-endpoints") for one in databricks.of("/serving-endpoints")]
        assert asked == ["/chat/completions", "/anthropic/v1/messages", "/chat/completions", "/chat/completions"]
        assert {one.headers["authorization"] for one in databricks.of("/serving-endpoints")} == {f"Bearer {TOKEN}"}


async def test_a_token_that_is_slow_to_come_holds_up_nobody_else(tmp_path: Path) -> None:
    """Of two deployments one waits for its token; the other is answered meanwhile."""
    open_again = threading.Event()

    def slow(asked: Asked) -> Told:
        if asked.path == "/identity/token":
            assert open_again.wait(10)
        return watsonx(asked)

    with cloud(slow) as ibm:
        waiting = json.loads(granite(ibm.url))["model_list"][0]
        other = {"model_name": "other", "litellm_params": {"model": "openai/x", "api_base": ibm.url, "api_key": SECRET}}
        async with served(configuration(waiting, other), tmp_path) as gateway:
            held = asyncio.create_task(ask(gateway, PATHS[0]))
            turns = [{"role": "user", "content": "hi"}]
            answered = await gateway.post(PATHS[0], {"model": "other", "messages": turns})
            assert answered.status == 200
            assert not held.done()
            open_again.set()
            assert (await held).status == 200


# What else they say when they refuse

REFUSALS = [
    ("databricks/databricks-claude-sonnet-4", 429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Exceeded QPS"}),
    ("databricks/databricks-dbrx", 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such endpoint"}),
    ("snowflake/claude-sonnet-4-6", 401, {"code": "390144", "message": "JWT token is invalid."}),
    ("snowflake/llama3.1-8b", 403, {"message": "Model not allowed", "request_id": "r"}),
    (
        "cloudflare/@cf/meta/llama",
        400,
        {"success": False, "errors": [{"code": 7000, "message": "No route for that URI"}]},
    ),
    ("huggingface/a/b", 402, {"error": "You have exceeded your monthly included credits"}),
    ("azure_ai/grok-3", 404, {"error": {"code": "unknown_model", "message": "Unknown model: grok-3", "details": ""}}),
    ("azure/d", 404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}),
]


@pytest.mark.parametrize(("model", "status", "said"), REFUSALS, ids=[f"{one[0]}-{one[1]}" for one in REFUSALS])
async def test_a_refusal_keeps_its_status_and_its_words_in_each_dialect(
    model: str, status: int, said: dict[str, Any], tmp_path: Path
) -> None:
    words = said.get("message") or (said.get("errors") or [{}])[0].get("message") or said.get("error")
    words = words["message"] if isinstance(words, dict) else words
    with cloud(lambda asked: Told(said, status, {"retry-after": "9"} if status == 429 else {})) as place:
        config = configuration(entry(model, api_base=place.url, api_key=SECRET), router={"disable_cooldowns": True})
        async with served(config, tmp_path) as gateway:
            for path in PATHS:
                answered = await ask(gateway, path)
                assert answered.status == status, path
                assert words.encode() in answered.body
                assert "error" in answered.json()
                assert answered.headers.get("retry-after") == ("9" if status == 429 else None)
