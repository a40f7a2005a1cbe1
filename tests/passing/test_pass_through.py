"""`/{provider}/...`: the caller's key stays here, the path stays where it belongs, and what can be metered is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from aiohttp import web

from tests.server.accounted import Accounted, accounted
from tests.server.faults import PROVIDER_KEY, configuration, entry
from tests.server.served import KEY
from tests.vendor import Handler, Vendor, answered_with, reading_itself, streamed
from tollbridge.passing.endpoints import stored
from tollbridge.server.http.limits import Limits

MODEL = "gpt-4o-mini"
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": MODEL,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
}
COST = 100 * 150 + 10 * 600
"""Nano-dollars: gpt-4o-mini is 0.15 and 0.60 dollars a million."""
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 7, "output_tokens": 3},
}
ASK = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
PATH = "/openai/v1/chat/completions"


@asynccontextmanager
async def passing(
    directory: Path, handlers: dict[tuple[str, str], Handler], wire: str = "openai", **general: Any
) -> AsyncIterator[tuple[Vendor, Accounted]]:
    async with Vendor(handlers) as vendor:
        text = configuration(entry("mine", vendor.port, wire), general=general)
        async with accounted(text, directory) as gateway:
            yield vendor, gateway


async def rows(gateway: Accounted) -> list[dict[str, Any]]:
    await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
    told: list[dict[str, Any]] = (await gateway.send("GET", "/spend/logs")).json()
    return told


PASSED = {("POST", "/v1/chat/completions"): answered_with(CHAT)}


async def test_method_path_query_and_body_go_on_and_the_key_is_swapped(tmp_path: Path) -> None:
    body = b'{"model":"%b",  "messages":[], "x":1.0}' % MODEL.encode()
    handlers = {("POST", "/v1/chat/completions"): answered_with(CHAT, headers={"set-cookie": "a=b", "etag": "7"})}
    async with passing(tmp_path, handlers) as (vendor, gateway):
        answered = await gateway.send(
            "POST",
            PATH + "?beta=1&key=" + KEY,
            body,
            {"content-type": "application/json", "cookie": "c=d", "x-litellm-tags": "t", "openai-beta": "b=1"},
        )
    [asked] = vendor.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/v1/chat/completions?beta=1", body)
    assert asked.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert asked.headers["openai-beta"] == "b=1"
    assert KEY not in str(asked.headers)
    assert not {"cookie", "x-litellm-tags"} & set(asked.headers)
    assert answered.status == 200
    assert answered.json() == CHAT
    assert answered.headers["etag"] == "7"
    assert "set-cookie" not in answered.headers


async def test_a_known_endpoint_is_metered_and_priced(tmp_path: Path) -> None:
    async with passing(tmp_path, PASSED) as (_, gateway):
        made = await gateway.made(models=[])
        answered = await gateway.send("POST", PATH, ASK, key=made["key"])
        [row] = await rows(gateway)
    assert answered.headers["x-tollbridge-cost-usd"] == "0.000021"
    assert row["metadata"]["tollbridge"]["cost_nanousd"] == COST
    assert (row["prompt_tokens"], row["completion_tokens"]) == (100, 10)
    assert row["api_key"] == made["token"]
    assert [bool(record.id) for record in gateway.records if record.endpoint == "/openai/{id}"] == [True]


async def test_what_is_for_the_gateway_stays_here_and_is_told(tmp_path: Path) -> None:
    said = {"tags": ["a", "b"], "user": "u1", "team": 7}
    own = b'{"model":"%b","max_tokens":9,"messages":[{"role": "user", "content": "hi"}]' % MODEL.encode()
    body = own + b',"litellm_metadata":%b,"litellm_trace_id":"t1"}' % json.dumps(said).encode()
    async with passing(tmp_path, PASSED) as (vendor, gateway):
        await gateway.send("POST", PATH, body, {"content-type": "application/json"})
        [row] = await rows(gateway)
        headers = {"content-type": "application/json", "tags": "c, d", "x-litellm-end-user-id": "u2"}
        await gateway.send("POST", PATH, own + b"}", headers)
        [by_headers, _] = await rows(gateway)
    assert [asked.body for asked in vendor.asked] == [own + b"}", own + b"}"]
    assert "tags" not in vendor.asked[1].headers
    assert (row["request_tags"], row["end_user"], row["session_id"]) == (["a", "b"], "u1", "t1")
    assert row["metadata"]["spend_logs_metadata"] == said
    assert row["call_type"] == "pass_through_endpoint"
    assert (by_headers["request_tags"], by_headers["end_user"]) == (["c", "d"], "u2")


async def test_what_is_for_the_gateway_stays_here_on_paths_that_nobody_knows(tmp_path: Path) -> None:
    kind = {"content-type": "application/json"}
    own = b'{"name":  "x", "metadata": {"a": "b", "tags": "c"}'
    noted = own + b', "litellm_metadata": {"tags": ["t"]}, "litellm_session_id": "s1"}'
    untouched = [own + b"}", b'[{"litellm_metadata": 1}]', b'{"broken', b'{"litellm_metadata": 1}\n{"a": 2}', b""]
    path = "/openai/v1/vector_stores"
    async with passing(tmp_path, {("POST", "/v1/vector_stores"): answered_with({"id": "vs"})}) as (vendor, gateway):
        assert (await gateway.send("POST", path, noted, kind)).status == 200
        record = gateway.records[-1]
        for body in untouched:
            await gateway.send("POST", path, body, kind)
        guarded = await gateway.send("POST", path, {"litellm_metadata": {"guardrails": ["pii"]}}, kind)
    assert json.loads(vendor.asked[0].body) == json.loads(own + b"}")
    assert (record.tags, record.trace_id) == (("t",), "s1")
    assert [asked.body for asked in vendor.asked[1:]] == untouched
    assert guarded.status == 400


async def test_a_stream_goes_on_as_it_comes_and_is_metered(tmp_path: Path) -> None:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": []}
    said = {**chunk, "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}
    events = [
        b"data: %b\n\n" % json.dumps(said).encode(),
        b"data: %b\n\n" % json.dumps({**chunk, "usage": CHAT["usage"]}).encode(),
        b"data: [DONE]\n\n",
    ]
    async with passing(tmp_path, {("POST", "/v1/chat/completions"): streamed(*events)}) as (_, gateway):
        answered = await gateway.send("POST", PATH, {**ASK, "stream": True})
        [row] = await rows(gateway)
    assert answered.body == b"".join(events)
    assert row["metadata"]["tollbridge"]["cost_nanousd"] == COST


async def test_what_is_not_known_has_an_entry_without_a_cost(tmp_path: Path) -> None:
    async with passing(tmp_path, {("GET", "/v1/fine_tuning/jobs"): answered_with({"data": []})}) as (vendor, gateway):
        answered = await gateway.send("GET", "/openai/v1/fine_tuning/jobs?limit=3")
        [row] = await rows(gateway)
    assert (answered.status, answered.json()) == (200, {"data": []})
    assert vendor.asked[0].target == "/v1/fine_tuning/jobs?limit=3"
    assert row["metadata"]["tollbridge"]["cost_nanousd"] is None


COHERE = {"id": "1", "message": {"content": []}, "usage": {"billed_units": {"input_tokens": 5, "output_tokens": 3}}}
OLLAMA = {"model": "llama3.2", "message": {"content": "hi"}, "done": True, "prompt_eval_count": 7, "eval_count": 3}
CONVERSE = {"output": {"message": {"role": "assistant", "content": []}}, "usage": {"inputTokens": 1, "outputTokens": 2}}
OWN = [
    ("/cohere/v2/chat", "/v2/chat", COHERE, 200, None),
    ("/cohere/v2/rerank", "/v2/rerank", {"results": [], "meta": {}}, 200, None),
    ("/ollama/api/chat", "/api/chat", OLLAMA, 403, None),
    ("/ollama/v1/chat/completions", "/v1/chat/completions", CHAT, 200, 0),
    ("/bedrock/model/amazon.nova-lite-v1:0/converse", "/model/amazon.nova-lite-v1:0/converse", CONVERSE, 403, None),
]
"""As the page says: the path, the provider's, its answer, the status for a key, the cost in nano-dollars."""


async def test_what_the_vendors_own_formats_cost_and_who_may_is_as_the_page_says(tmp_path: Path) -> None:
    async with Vendor({("POST", path): answered_with(told) for _, path, told, *_ in OWN}) as vendor:
        base = {"api_base": f"http://127.0.0.1:{vendor.port}", "api_key": PROVIDER_KEY}
        models = [
            {"model": "cohere/command-a-03-2025", **base},
            {"model": "ollama/llama3.2", **base},
            {"model": "bedrock/amazon.nova-lite-v1:0", "aws_region_name": "eu-west-1", **base},
        ]
        text = json.dumps({"model_list": [{"model_name": one["model"], "litellm_params": one} for one in models]})
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(models=[]))["key"]
            for path, theirs, told, status, cost in OWN:
                before = len(await rows(gateway))
                answered = await gateway.send("POST", path, {"model": "command-a-03-2025", "messages": []})
                assert (answered.status, answered.json()) == (200, told), path
                assert vendor.asked[-1].target == theirs
                row, *_ = (await rows(gateway))[: -before or None]
                assert row["metadata"]["tollbridge"]["cost_nanousd"] == cost, path
                assert (await gateway.send("POST", path, {"model": "command-a-03-2025"}, key=key)).status == status


async def test_where_each_request_is_signed_there_is_no_way(tmp_path: Path) -> None:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region_name": "eu-west-1"}
    said = {"model_name": "b", "litellm_params": {"model": "bedrock/amazon.nova-lite-v1:0", **keys}}
    async with accounted(json.dumps({"model_list": [said]}), tmp_path) as gateway:
        answered = await gateway.send("POST", "/bedrock/model/amazon.nova-lite-v1:0/converse", {"messages": []})
    assert answered.status == 404


async def test_anthropics_own_client_passes_through(tmp_path: Path) -> None:
    async with passing(tmp_path, {("POST", "/v1/messages"): answered_with(MESSAGE)}, "anthropic") as (vendor, gateway):
        async with anthropic.AsyncAnthropic(base_url=f"{gateway.url}/anthropic", api_key=KEY) as client:
            message = await client.messages.create(
                model="claude-haiku-4-5", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
            )
        [row] = await rows(gateway)
    assert message.usage.output_tokens == 3
    assert vendor.asked[0].headers["x-api-key"] == PROVIDER_KEY
    assert vendor.asked[0].headers["anthropic-version"] == client.default_headers["anthropic-version"]
    assert row["metadata"]["tollbridge"]["cost_nanousd"] == 7 * 1000 + 3 * 5000


async def test_openais_own_client_passes_through(tmp_path: Path) -> None:
    models = {"object": "list", "data": [{"id": "ft:x", "object": "model", "created": 1, "owned_by": "me"}]}
    async with passing(tmp_path, {("GET", "/v1/models"): answered_with(models), **PASSED}) as (_, gateway):
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/openai/v1", api_key=KEY) as client:
            listed = await client.models.list()
            said = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    assert [model.id for model in listed.data] == ["ft:x"]
    assert said.choices[0].message.content == "hi"


async def test_a_body_streams_up_and_an_answer_down(tmp_path: Path) -> None:
    """More than is ever kept, in both directions."""
    piece, count = b"x" * 65536, 2048
    got = 0

    async def echo(request: web.Request) -> web.StreamResponse:
        nonlocal got
        async for data in request.content.iter_any():
            got += len(data)
        answer = web.StreamResponse(headers={"content-type": "application/octet-stream"})
        await answer.prepare(request)
        for _ in range(count):
            await answer.write(piece)
        return answer

    async def sent() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece

    async with passing(tmp_path, {("POST", "/v1/blobs"): reading_itself(echo)}) as (_, gateway):
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/octet-stream"}
        async with gateway._session.post(gateway.url + "/openai/v1/blobs", data=sent(), headers=headers) as answer:
            size = 0
            async for data in answer.content.iter_any():
                size += len(data)
    assert got == size == len(piece) * count


@pytest.mark.parametrize("told", [True, False])
async def test_json_of_which_nothing_need_be_known_may_be_larger_than_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """Its length is told, or found out on the way."""
    whole = b'{"audio":"' + b"x" * 400_000 + b'"}'

    async def sent() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), 65536):
            yield whole[at : at + 65536]

    monkeypatch.setattr("tests.server.accounted.limits", lambda config: Limits(body_bytes=100_000))
    async with passing(tmp_path, {("POST", "*"): answered_with({"id": "x"})}) as (vendor, gateway):
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        for path, status in (("/openai/v1/unknown/thing", 200), (PATH, 413)):
            body = whole if told else sent()
            async with gateway._session.post(gateway.url + path, data=body, headers=headers) as answer:
                assert answer.status == status, path
    assert [asked.body for asked in vendor.asked] == [whole]


async def test_what_another_api_calls_guardrails_is_its_own(tmp_path: Path) -> None:
    body = b'{"metadata": {"guardrails": ["a"]}, "model": "x"}'
    async with passing(tmp_path, {("POST", "*"): answered_with({"id": "x"})}) as (vendor, gateway):
        kind = {"content-type": "application/json"}
        assert (await gateway.send("POST", "/openai/v1/unknown/thing", body, kind)).status == 200
        assert (await gateway.send("POST", PATH, body, kind)).json()["error"]["code"] == "guards_not_built"
    assert [asked.body for asked in vendor.asked] == [body]


STRAYS = [
    "/openai/..%2fadmin",
    "/openai/v1/../../admin",
    "/openai/%2e%2e/admin",
    "/openai/%252e%252e/admin",
    "/openai/v1/..;/admin",
    "/openai//evil.example/x",
    "/openai/https://evil.example/x",
    "/openai/https:%2f%2fevil.example/x",
    "/openai/v1%5c..%5cadmin",
    "/openai/./v1/models",
    "/openai/v1/x%00",
    "/openai/v1/x%0d%0aHost:%20evil",
]


async def test_s22_a_path_that_leads_out_is_refused(tmp_path: Path) -> None:
    async with passing(tmp_path, {}) as (vendor, gateway):
        for path in STRAYS:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode())
            line = await reader.readline()
            writer.close()
            assert line.split()[1] == b"400", path
    assert vendor.asked == []


async def test_an_operators_prefix_stays_in_front(tmp_path: Path) -> None:
    async with Vendor({("GET", "*"): answered_with({})}) as vendor:
        said = entry("mine", vendor.port)
        said["litellm_params"]["api_base"] += "/team/v1"
        async with accounted(configuration(said), tmp_path) as gateway:
            for path in ("/openai/v1/files2", "/openai/models", "/openai/v2/x", "/openai/admin"):
                await gateway.send("GET", path)
    targets = [asked.target for asked in vendor.asked]
    assert targets == ["/v1/team/v1/files2", "/v1/team/v1/models", "/v1/team/v2/x", "/v1/team/v1/admin"]


async def test_s15_a_redirect_is_not_followed(tmp_path: Path) -> None:
    away = answered_with(b"", 302, {"location": "http://169.254.169.254/latest"})
    async with passing(tmp_path, {("GET", "/v1/x"): away}) as (vendor, gateway):
        answered = await gateway.send("GET", "/openai/v1/x")
    assert answered.status == 502
    assert answered.json()["error"]["code"] == "upstream_redirect"
    assert len(vendor.asked) == 1


async def test_an_error_goes_on_without_the_credential_and_costs_nothing(tmp_path: Path) -> None:
    told = {"error": {"message": f"Incorrect API key provided: {PROVIDER_KEY}", "type": "x", "code": "invalid"}}
    async with passing(tmp_path, {("POST", "/v1/chat/completions"): answered_with(told, 418)}) as (_, gateway):
        answered = await gateway.send("POST", PATH, ASK)
        [row] = await rows(gateway)
    assert answered.status == 418
    assert answered.json()["error"]["code"] == "invalid"
    assert PROVIDER_KEY.encode() not in answered.body
    assert row["metadata"]["tollbridge"]["cost_nanousd"] == 0


async def test_s64_a_key_reaches_the_models_that_it_may_ask_for_and_no_others(tmp_path: Path) -> None:
    async with passing(tmp_path, PASSED) as (vendor, gateway):
        for models in (["mine"], ["openai/gpt-4.1"], ["no-default-models"], ["anthropic/*"], [MODEL]):
            key = (await gateway.made(models=models))["key"]
            answered = await gateway.send("POST", PATH, ASK, key=key)
            assert (answered.status, answered.json()["error"]["code"]) == (403, "key_model_access_denied"), models
        assert vendor.asked == []
        for models in ([], ["openai/*"], [f"openai/{MODEL}"], ["*"], ["openai/gpt-4o*"]):
            key = (await gateway.made(models=models))["key"]
            assert (await gateway.send("POST", PATH, ASK, key=key)).status == 200, models


async def test_a_group_of_the_operators_counts_by_its_name(tmp_path: Path) -> None:
    async with passing(tmp_path, PASSED) as (_, gateway):
        key = (await gateway.made(models=["mine"]))["key"]
        assert (await gateway.send("POST", PATH, {**ASK, "model": "mine"}, key=key)).status == 200


ACCOUNT = [
    ("GET", "/openai/v1/models"),
    ("GET", "/openai/v1/vector_stores"),
    ("DELETE", "/openai/v1/models/ft:x"),
    ("GET", "/openai/v1/responses/resp_1"),
    ("POST", "/openai/v1/threads"),
    ("POST", "/openai/v1/organization/users"),
]


async def test_s61_what_the_account_keeps_is_the_admins(tmp_path: Path) -> None:
    async with passing(tmp_path, {}) as (vendor, gateway):
        key = (await gateway.made(models=[]))["key"]
        for method, path in ACCOUNT:
            answered = await gateway.send(method, path, {} if method == "POST" else None, key=key)
            assert (answered.status, answered.json()["error"]["code"]) == (403, "pass_through_account"), path
        assert vendor.asked == []
        for method, path in ACCOUNT:
            await gateway.send(method, path, {} if method == "POST" else None)
    assert len(vendor.asked) == len(ACCOUNT)


async def test_the_operator_may_open_it_to_keys_that_may_ask_for_all(tmp_path: Path) -> None:
    handlers = {("GET", "/v1/models"): answered_with({})}
    async with passing(tmp_path, handlers, pass_through_account=True) as (_, gateway):
        wide, narrow = [(await gateway.made(models=models))["key"] for models in ([], [f"openai/{MODEL}"])]
        assert (await gateway.send("GET", "/openai/v1/models", key=wide)).status == 200
        assert (await gateway.send("GET", "/openai/v1/models", key=narrow)).status == 403


POINTS: list[dict[str, Any]] = [
    {"previous_response_id": "resp_1"},
    {"conversation": {"id": "conv_1"}},
    {"prompt": {"id": "pmpt_1"}},
    {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]},
    {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
    {"background": True},
]


async def test_s61_a_key_does_not_point_at_what_the_account_keeps(tmp_path: Path) -> None:
    async with passing(tmp_path, PASSED) as (vendor, gateway):
        key = (await gateway.made(models=[]))["key"]
        for points in POINTS:
            answered = await gateway.send("POST", PATH, {**ASK, **points}, key=key)
            assert (answered.status, answered.json()["error"]["code"]) == (403, "pass_through_account"), points
    assert vendor.asked == []


async def test_words_of_the_callers_own_point_at_nothing(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"file_id": {"type": "string"}}, "required": ["file_id"]}
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    parts = [{"type": "file", "file": {"file_data": "data:;base64,AA", "filename": "a"}}, {"type": "text", "text": "x"}]
    async with passing(tmp_path, PASSED) as (_, gateway):
        key = (await gateway.made(models=[]))["key"]
        body = {**ASK, "tools": tools, "messages": [{"role": "user", "content": parts}]}
        assert (await gateway.send("POST", PATH, body, key=key)).status == 200


def form(*fields: tuple[str, str], file: bytes = b"RIFF") -> tuple[bytes, dict[str, str]]:
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    sent = "".join(parts).encode()
    sent += b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + file + b"\r\n--b--\r\n"
    return sent, {"content-type": "multipart/form-data; boundary=b"}


async def test_the_model_of_a_form_is_looked_at_too(tmp_path: Path) -> None:
    path = "/openai/v1/audio/transcriptions"
    async with passing(tmp_path, {("POST", "/v1/audio/transcriptions"): answered_with({"text": "hi"})}) as (
        vendor,
        gateway,
    ):
        key = (await gateway.made(models=["openai/whisper-1"]))["key"]
        for fields, status in (
            ([("model", "whisper-1")], 200),
            ([("model", "gpt-4o-transcribe")], 403),
            ([("model", "whisper-1"), ("model", "gpt-4o-transcribe")], 400),
            ([], 400),
        ):
            body, headers = form(*fields)
            assert (await gateway.send("POST", path, body, headers, key=key)).status == status
    assert len(vendor.asked) == 1
    assert vendor.asked[0].body == form(("model", "whisper-1"))[0]


async def test_s63_limits_and_budgets_hold(tmp_path: Path) -> None:
    async with passing(tmp_path, PASSED) as (_, gateway):
        slow = (await gateway.made(rpm_limit=1))["key"]
        first, second = [await gateway.send("POST", PATH, ASK, key=slow) for _ in range(2)]
        poor = (await gateway.made(max_budget=0))["key"]
        third = await gateway.send("POST", PATH, ASK, key=poor)
        fourth = await gateway.send("POST", "/openai/v1/moderations", {"model": "m", "input": "x"}, key=poor)
        assert gateway.accounts.book.held == 0
        assert gateway.accounts.limiter.flying == 0
    assert [first.status, second.status, third.status, fourth.status] == [200, 429, 429, 429]
    assert third.json()["error"]["code"] == fourth.json()["error"]["code"] == "budget_exceeded"


async def test_where_nothing_is_served_without_a_price_nothing_unknown_is_passed(tmp_path: Path) -> None:
    async with Vendor(PASSED) as vendor:
        text = configuration(entry("mine", vendor.port), litellm={"block_requests_for_models_without_pricing": True})
        async with accounted(text, tmp_path) as gateway:
            answered = [
                await gateway.send("POST", path, {**ASK, "model": model})
                for path, model in ((PATH, MODEL), (PATH, "nobody-knows"), ("/openai/v1/ocr", MODEL))
            ]
    assert [one.status for one in answered] == [200, 403, 403]


async def test_a_client_that_leaves_takes_the_providers_connection_with_it(tmp_path: Path) -> None:
    gone, began = asyncio.Event(), asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        raise AssertionError

    async with passing(tmp_path, {("GET", "/v1/x"): hang}) as (_, gateway):
        asking = asyncio.create_task(gateway.send("GET", "/openai/v1/x"))
        await began.wait()
        asking.cancel()
        await gone.wait()
        while not gateway.records:
            await asyncio.sleep(0.01)
    assert (gateway.records[-1].status, gateway.records[-1].outcome) == (499, "cancelled")


async def test_paths_of_the_operators_own(tmp_path: Path) -> None:
    async with Vendor(
        {("POST", "/api/search"): answered_with({"ok": 1}), ("GET", "/api/search/7"): answered_with({})}
    ) as (vendor):
        own = {
            "path": "/search",
            "target": f"{vendor.url}/api/search",
            "headers": {"Authorization": "bearer os.environ/SEARCH_KEY", "x-fixed": "1"},
            "include_subpath": True,
            "cost_per_request": 0.002,
        }
        text = configuration(general={"pass_through_endpoints": [own]})
        async with accounted(text, tmp_path, environ={"SEARCH_KEY": "s-1"}) as gateway:
            key, other = [(await gateway.made(models=models))["key"] for models in ([], ["m"])]
            assert (await gateway.send("POST", "/search", {"q": "x"}, key=key)).status == 200
            assert (await gateway.send("GET", "/search/7", key=key)).status == 200
            assert (await gateway.send("POST", "/search", {"q": "x"}, key=other)).status == 403
            assert (await gateway.send("POST", "/search", {"q": "x"}, key=None)).status == 401
            told = await rows(gateway)
    assert [asked.target for asked in vendor.asked] == ["/api/search", "/api/search/7"]
    assert (vendor.asked[0].headers["x-fixed"], vendor.asked[0].headers["authorization"]) == ("1", "bearer s-1")
    assert [row["metadata"]["tollbridge"]["cost_nanousd"] for row in told] == [2_000_000, 2_000_000]


async def test_without_a_credential_there_is_no_way(tmp_path: Path) -> None:
    async with accounted(configuration(), tmp_path) as gateway:
        assert (await gateway.send("GET", "/openai/v1/models")).status == 404
    async with accounted(configuration(), tmp_path / "b", environ={"GROQ_API_KEY": "gsk-x"}) as gateway:
        paths = {route.path for route in gateway.app._routes.routes}
    assert "/groq/{id}" in paths
    assert "/openai/{id}" not in paths


CALLS: list[Any] = [
    {"messages": [{"content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"file": "src/main.py"}}]}]},
    {"messages": [{"content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {"file_id": "a"}}}]}]},
    {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {"file": "a.txt"}}}]}]},
    {"toolConfig": {"tools": [{"toolSpec": {"inputSchema": {"json": {"properties": {"file": ["x"]}}}}}]}},
]
KEPT: list[Any] = [
    {"input": [{"type": "message", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
    {"messages": [{"content": [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}]},
    {"contents": [{"parts": [{"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a"}}]}]},
]


@pytest.mark.parametrize("body", CALLS)
def test_what_tools_are_given_and_say_points_at_nothing_that_is_kept(body: Any) -> None:
    assert stored(body) is None


@pytest.mark.parametrize("body", KEPT)
def test_what_is_kept_is_found_wherever_it_stands(body: Any) -> None:
    assert stored(body) is not None


async def test_an_access_group_gives_the_models_of_its_entries_and_not_the_account(tmp_path: Path) -> None:
    paths = {**PASSED, ("GET", "/v1/vector_stores"): answered_with({"data": []})}
    async with Vendor(paths) as vendor:
        entries = [
            entry("openai/*", vendor.port, info={"access_groups": ["default"]}, model="openai/*"),
            entry("openai/o1-*", vendor.port, info={"access_groups": ["restricted"]}, model="openai/o1-*"),
        ]
        text = configuration(*entries, general={"pass_through_account": True})
        async with accounted(text, tmp_path) as gateway:
            default, listed = [(await gateway.made(models=[name]))["key"] for name in ("default", "openai/*")]
            statuses = [
                (await gateway.send("POST", PATH, {**ASK, "model": model}, key=default)).status
                for model in (MODEL, "o1-mini")
            ]
            account = [
                (await gateway.send("GET", "/openai/v1/vector_stores", key=key)).status for key in (default, listed)
            ]
    assert (statuses, account) == ([200, 403], [403, 200])


@pytest.mark.parametrize(
    "named",
    [
        {"fallbacks": [{"model": "claude-opus-4-8"}]},
        {"fallbacks": "default"},
        {"tools": [{"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-8"}]},
    ],
    ids=str,
)
async def test_a_key_reaches_no_model_by_naming_it_beside_its_own(tmp_path: Path, named: dict[str, Any]) -> None:
    handlers = {("POST", "/v1/messages"): answered_with(MESSAGE)}
    body = {**ASK, "model": "claude-haiku-4-5", **named}
    async with passing(tmp_path, handlers, "anthropic") as (vendor, gateway):
        bound, free = [
            (await gateway.made(models=models))["key"] for models in (["anthropic/claude-haiku-4-5"], ["anthropic/*"])
        ]
        refused = await gateway.send("POST", "/anthropic/v1/messages", body, key=bound)
        assert not vendor.asked
        answered = await gateway.send("POST", "/anthropic/v1/messages", body, key=free)
    assert (refused.status, answered.status) == (403, 200)
    assert refused.json()["error"]["type"] == "permission_error"
    assert f"`$.{next(iter(named))}" in refused.json()["error"]["message"]


async def test_of_two_names_in_a_body_the_one_that_is_checked_is_sent(tmp_path: Path) -> None:
    body = b'{"model": "gpt-dear", "tools": [{"type": "x", "model": "gpt-dear"}], "model": "%b", "tools": []}'
    async with passing(tmp_path, PASSED) as (vendor, gateway):
        key = (await gateway.made(models=[f"openai/{MODEL}"]))["key"]
        answered = await gateway.send("POST", PATH, body % MODEL.encode(), key=key)
    assert answered.status == 200
    [asked] = vendor.asked
    assert b"gpt-dear" not in asked.body
