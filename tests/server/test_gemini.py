"""Gemini's dialect at the door: its paths, where its key may stand, its errors, lists, counts, and both forms of a
stream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.providers.test_google_token import SERVICE
from tests.server.accounted import Accounted, accounted
from tests.server.faults import PROVIDER_KEY, configuration, entry, error_of
from tests.server.served import KEY, Answered, Served, served
from tests.transport.upstream import Peer, Script, Upstream, answer

ASKED = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 64}}
ROOTS = ["/v1beta", "/v1", "", "/gemini/v1beta", "/gemini/v1"]
AT = "/v1beta/models/m"


def told(text: str, *, tokens: int = 4, **more: Any) -> bytes:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": tokens, "totalTokenCount": 3 + tokens}
    body = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "x", "responseId": "r-1"}
    return json.dumps(body).encode()


def answered(body: bytes, kind: str = "application/json", status: str = "200 OK") -> bytes:
    return answer(body, f"content-type: {kind}", status=status)


def telling(*answers: bytes) -> Script:
    """One after the other, on whatever connection."""
    left = list(answers)

    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(left.pop(0))

    return script


def google(port: int, name: str = "m", model: str = "gemini/gemini-2.5-flash", **params: Any) -> dict[str, Any]:
    own = {"model": model, "api_base": f"http://127.0.0.1:{port}", "api_key": PROVIDER_KEY, "max_retries": 0}
    return {"model_name": name, "litellm_params": own | params}


@pytest.fixture
async def mocked(tmp_path: Path) -> AsyncIterator[Served]:
    """Two models of the scripted upstream, one in each of the other formats."""
    async with serving() as mock:
        entries = entry("m", mock.port), entry("a/b", mock.port, "anthropic")
        async with served(configuration(*entries), tmp_path) as gateway:
            yield gateway


def texts(answer: Answered) -> str:
    chunks = answer.json()
    chunks = chunks if isinstance(chunks, list) else [chunks]
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    return "".join(part["text"] for part in parts)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("model", ["m", "a/b", "a%2Fb"])
async def test_each_path_leads_to_the_model_that_it_names(mocked: Served, root: str, model: str) -> None:
    whole = await mocked.post(f"{root}/models/{model}:generateContent", ASKED)
    assert whole.status == 200
    assert texts(whole)
    events = await mocked.post(f"{root}/models/{model}:streamGenerateContent?alt=sse", ASKED)
    assert events.headers["content-type"].startswith("text/event-stream")
    assert json.loads(events.events()[-1][1])["candidates"][0]["finishReason"] == "STOP"
    again = await mocked.post(f"{root}/models/{model}:streamGenerateContent?%24alt=sse", ASKED)
    assert again.headers["content-type"].startswith("text/event-stream")
    listed = await mocked.post(f"{root}/models/{model}:streamGenerateContent?alt=json", ASKED)
    assert listed.headers["content-type"] == "application/json"
    assert texts(listed) == texts(whole)
    counted = await mocked.post(f"{root}/models/{model}:countTokens", {"contents": ASKED["contents"]})
    assert counted.json()["totalTokens"] > 0
    assert [record.stream for record in mocked.records if record.endpoint.endswith("Content")] == [
        False,
        True,
        True,
        True,
    ]


async def test_a_body_that_names_a_stream_does_not_make_one(mocked: Served) -> None:
    answer = await mocked.post(f"{AT}:generateContent", {**ASKED, "stream": True})
    assert answer.json()["candidates"]


async def test_the_list_is_in_googles_shape_where_google_asks(mocked: Served) -> None:
    for path, headers in (("/v1beta/models", {}), ("/v1/models", {"x-goog-api-client": "google-genai-sdk/3"})):
        models = (await mocked.send("GET", path, headers=headers)).json()["models"]
        assert [model["name"] for model in models] == ["models/m", "models/a/b"]
    shown = (await mocked.send("GET", "/v1beta/models/a/b")).json()
    assert shown["name"] == "models/a/b"
    assert "generateContent" in shown["supportedGenerationMethods"]
    assert (await mocked.send("GET", "/v1/models")).json()["object"] == "list"
    lost = await mocked.send("GET", "/v1beta/models/nobody")
    assert error_of(f"{AT}:generateContent", lost.json())["status"] == "NOT_FOUND"


async def test_refusals_of_ours_are_googles_errors(mocked: Served) -> None:
    lost = await mocked.post("/v1beta/models/nobody:generateContent", ASKED)
    assert (lost.status, lost.json()["error"]["status"]) == (404, "NOT_FOUND")
    odd = await mocked.post(f"{AT}:generateContent", {"contents": 3})
    assert (odd.status, odd.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "$.contents" in odd.json()["error"]["message"]
    broken = await mocked.post(f"{AT}:streamGenerateContent", b'{"contents": [')
    assert broken.json()["error"]["code"] == 400
    assert (await mocked.send("GET", f"{AT}:generateContent")).status == 405


# Keys


async def test_the_key_may_stand_in_its_header_or_in_the_query(mocked: Served) -> None:
    for path, headers in (
        (f"{AT}:generateContent", {"x-goog-api-key": KEY}),
        (f"{AT}:generateContent?key={KEY}", {}),
        (f"{AT}:streamGenerateContent?alt=sse&key={KEY}", {}),
        (f"{AT}:generateContent?key={KEY}", {"x-goog-api-key": KEY}),
    ):
        assert (await mocked.send("POST", path, ASKED, headers, key=None)).status == 200
    assert (await mocked.send("GET", f"/v1beta/models?key={KEY}", key=None)).status == 200


@pytest.mark.parametrize("key", ["", "sk-wrong", KEY + "x", KEY[:-1], KEY.upper()])
async def test_a_wrong_key_in_the_query_is_none(mocked: Served, key: str) -> None:
    for path in (f"{AT}:generateContent?key={key}", f"{AT}:countTokens?key={key}"):
        refused = await mocked.send("POST", path, ASKED, key=None)
        assert (refused.status, refused.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    two = await mocked.send("POST", f"{AT}:generateContent?key={key}", ASKED, {"x-goog-api-key": KEY}, key=None)
    assert two.status == 400
    assert (await mocked.send("POST", f"{AT}:generateContent?key={key}&key={KEY}", ASKED, key=None)).status == 400


async def test_a_key_in_the_query_counts_on_googles_routes_alone(mocked: Served) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/models"):
        assert (
            await mocked.send("POST" if path != "/v1/models" else "GET", f"{path}?key={KEY}", asked, key=None)
        ).status == 401


async def test_a_key_of_one_request_is_not_the_next_ones(mocked: Served) -> None:
    """On one connection, with the very same headers."""
    assert (await mocked.send("POST", f"{AT}:generateContent?key={KEY}", ASKED, key=None)).status == 200
    assert (await mocked.send("POST", f"{AT}:generateContent?key={KEY[:-1]}", ASKED, key=None)).status == 401
    assert (await mocked.send("POST", f"{AT}:generateContent", ASKED, key=None)).status == 401


async def test_a_key_in_the_query_is_told_to_nobody(tmp_path: Path) -> None:
    upstream = Upstream(telling(*[answered(told("Hi", finishReason="STOP"))] * 2))
    async with upstream, accounted(configuration(google(upstream.port)), tmp_path) as gateway:
        made = (await gateway.made())["key"]
        for key in (made, made[:-1] + "~", KEY):
            answer = await gateway.send("POST", f"{AT}:generateContent?key={key}", ASKED, key=None)
            assert key not in answer.body.decode() + json.dumps(answer.headers)
        received = b"".join(upstream.requests)
        assert made.encode() not in received
        assert KEY.encode() not in received
        assert b"x-goog-api-key: " + PROVIDER_KEY.encode() in received
        shown = (await gateway.send("GET", "/metrics")).body.decode() + gateway.log.read_text()
        assert made not in shown
        assert KEY not in shown


# Relayed to Gemini itself


async def ask_google(gateway: Served, method: str, body: Any = ASKED) -> Answered:
    return await gateway.post(f"{AT}:{method}", body)


async def test_what_is_relayed_goes_out_as_it_came_and_comes_back_as_it_is(tmp_path: Path) -> None:
    answer = told("Hi", finishReason="STOP", avgLogprobs=-0.5)
    upstream = Upstream(telling(answered(answer)))
    async with upstream, served(configuration(google(upstream.port)), tmp_path) as gateway:
        odd = {**ASKED, "safetySettings": [], "labels": {"a_b": "c"}, "some_thing": {"new_field": 1}}
        got = await ask_google(gateway, "generateContent", odd)
        assert got.body == answer
        (request,) = upstream.requests
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /v1beta/models/gemini-2.5-flash:generateContent HTTP/1.1")
        assert json.loads(body) == odd
        (record,) = gateway.records
        assert (record.relayed, record.tokens["input"], record.tokens["output"]) == (True, 3, 4)
        assert record.answer_id == "r-1"
        assert record.cost_nanousd


@pytest.mark.parametrize("query", ["?alt=sse", ""])
async def test_a_relayed_stream_is_metered_in_either_form(tmp_path: Path, query: str) -> None:
    events = b"".join(b"data: %b\r\n\r\n" % item for item in (told("Hi ", tokens=1), told("you", finishReason="STOP")))
    upstream = Upstream(telling(answered(events, "text/event-stream")))
    async with upstream, served(configuration(google(upstream.port)), tmp_path) as gateway:
        got = await ask_google(gateway, f"streamGenerateContent{query}")
        if query:
            assert got.body == events
        else:
            assert texts(got) == "Hi you"
        assert b":streamGenerateContent?alt=sse HTTP/1.1" in upstream.requests[0]
        (record,) = gateway.records
        assert (record.stream, record.tokens["output"], record.outcome) == (True, 4, "ok")


@pytest.mark.parametrize("query", ["?alt=sse", ""])
async def test_a_stream_that_is_cut_ends_with_an_error(tmp_path: Path, query: str) -> None:
    upstream = Upstream(telling(answered(b"data: %b\n\n" % told("Once"), "text/event-stream")))
    async with upstream, served(configuration(google(upstream.port)), tmp_path) as gateway:
        got = await ask_google(gateway, f"streamGenerateContent{query}")
        last = json.loads(got.events()[-1][1]) if query else got.json()[-1]
        assert last["error"]["code"] == 502
        (record,) = gateway.records
        assert record.outcome == "upstream_error"


async def test_a_providers_error_keeps_its_body_in_its_own_dialect_and_its_meaning_in_others(tmp_path: Path) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
    body = {"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED", "details": details}}
    refusal = answered(json.dumps(body).encode(), status="429 Too Many Requests")
    async with Upstream(telling(*[refusal] * 3)) as upstream:
        config = configuration(google(upstream.port), router={"disable_cooldowns": True})
        async with served(config, tmp_path) as gateway:
            own = await ask_google(gateway, "generateContent")
            assert (own.status, own.json()) == (429, body)
            chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
            for path in ("/v1/chat/completions", "/v1/messages"):
                other = await gateway.post(path, chat)
                assert other.status == 429
                assert other.headers["retry-after"] == "7"
                assert error_of(path, other.json())["message"] == "Quota."


async def test_the_operators_settings_reach_into_the_body(tmp_path: Path) -> None:
    upstream = Upstream(telling(*[answered(told("Hi", finishReason="STOP"))] * 2))
    said = {"temperature": 0.2, "seed": 5, "additional_drop_params": ["top_k"]}
    async with upstream, served(configuration(google(upstream.port, **said)), tmp_path) as gateway:
        asked = {
            "contents": ASKED["contents"],
            "generationConfig": {"temperature": 0.9, "topK": 4},
            "labels": {"a": "b"},
        }
        assert (await ask_google(gateway, "generateContent", asked)).status == 200
        sent = json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2])
        assert sent == {**asked, "generationConfig": {"temperature": 0.9, "seed": 5}}
        (record,) = gateway.records
        assert record.relayed
        assert record.caveats == ("dropped_param $.generationConfig.topK",)


async def test_counting_is_asked_of_gemini_itself(tmp_path: Path) -> None:
    upstream = Upstream(telling(*[answered(b'{"totalTokens": 31, "promptTokensDetails": []}')] * 2))
    async with upstream, served(configuration(google(upstream.port)), tmp_path) as gateway:
        plain = await ask_google(gateway, "countTokens", {"contents": ASKED["contents"]})
        assert plain.json() == {"totalTokens": 31, "promptTokensDetails": []}
        assert b"models/gemini-2.5-flash:countTokens HTTP/1.1" in upstream.requests[0]
        wrapped = {"generateContentRequest": {"model": "models/m", **ASKED}}
        await ask_google(gateway, "countTokens", wrapped)
        sent = json.loads(upstream.requests[1].partition(b"\r\n\r\n")[2])
        assert sent["generateContentRequest"] == {"model": "models/gemini-2.5-flash", **ASKED}
        messages = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        assert (await gateway.post("/v1/messages/count_tokens", messages)).json()["input_tokens"] > 0
        assert len(upstream.requests) == 2  # another dialect's question is answered here


async def test_a_token_of_the_cloud_goes_along_and_is_told_to_nobody(tmp_path: Path) -> None:
    echo = {"error": {"code": 400, "message": "", "status": "INVALID_ARGUMENT"}}
    upstream = Upstream(telling(answered(json.dumps(echo).encode(), status="400 Bad Request")))
    said = {"model": "vertex_ai/gemini-2.5-flash", "vertex_credentials": json.dumps(SERVICE), "vertex_location": "eu"}
    async with upstream:
        model = google(upstream.port, **said)
        del model["litellm_params"]["api_key"]
        async with served(configuration(model), tmp_path) as gateway:
            await ask_google(gateway, "generateContent")
            (deployment,) = gateway.gateway.engine.routes.groups.resolve("m").members
    head = upstream.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST /v1/projects/acme/locations/eu/publishers/google/models/gemini-2.5-flash:")
    token = head.partition("authorization: Bearer ")[2].partition("\r\n")[0]
    assert token.count(".") == 2
    assert token in deployment.hidden


async def test_a_key_is_held_to_its_models_in_the_path(tmp_path: Path) -> None:
    upstream = Upstream(telling(*[answered(told("Hi", finishReason="STOP"))] * 2))
    async with upstream:
        config = configuration(google(upstream.port), google(upstream.port, "other"))
        async with accounted(config, tmp_path) as gateway:
            key = (await gateway.made(models=["m"]))["key"]
            assert (await send(gateway, "m", key)).status == 200
            for name in ("other", "m/../other", "nobody"):
                refused = await send(gateway, name, key)
                assert refused.status in (400, 401, 403, 404)
            listed = (await gateway.send("GET", "/v1beta/models", key=key)).json()["models"]
        assert [model["name"] for model in listed] == ["models/m"]


async def send(gateway: Accounted, model: str, key: str) -> Answered:
    return await gateway.send("POST", f"/v1beta/models/{model}:generateContent", ASKED, key=key)
