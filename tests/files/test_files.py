"""Files: kept by a provider, known under an id that is one tenant's alone (S61)."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from aiohttp import web

from tests.files.vendors import MODEL, AnthropicVendor, OpenAIVendor, anthropic_entry, openai_entry, serving
from tests.server.accounted import accounted
from tests.server.served import KEY
from tests.vendor import answered_with, reading_itself

CHAT = ("POST", "/v1/chat/completions")
SAID = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": MODEL,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def form(*fields: tuple[str, str | None, bytes]) -> tuple[bytes, dict[str, str]]:
    parts = []
    for name, filename, value in fields:
        file = "" if filename is None else f'; filename="{filename}"'
        parts.append(f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + value + b"\r\n")
    return b"".join(parts) + b"--b--\r\n", {"content-type": "multipart/form-data; boundary=b"}


async def test_openais_client_keeps_a_file(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=[]))["key"]
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key) as client:
            made = await client.files.create(file=("a b.txt", b"hello\r\n--x"), purpose="user_data")
            again = await client.files.retrieve(made.id)
            content = await client.files.content(made.id)
            listed = [file async for file in client.files.list()]
            none = [file async for file in client.files.list(purpose="batch")]
            deleted = await client.files.delete(made.id)
            gone = [file async for file in client.files.list()]
    assert again == made
    assert made.filename == "a b.txt"
    assert made.id.startswith("file-tb1.")
    assert content.content == b"hello\r\n--x"
    assert [file.id for file in listed] == [made.id]
    assert (none, gone) == ([], [])
    assert (deleted.id, deleted.deleted) == (made.id, True)
    assert vendor.files == {}
    assert "file-0000" not in made.to_json()


async def test_a_large_file_streams_through(tmp_path: Path) -> None:
    """Larger than any body that is kept."""
    size, got = 96 * 1024 * 1024, 0

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n'
        for _ in range(size // 65536):
            yield b"x" * 65536
        yield b"\r\n--b--\r\n"

    async def count(request: web.Request) -> web.StreamResponse:
        nonlocal got
        async for data in request.content.iter_any():
            got += data.count(b"x")
        return web.json_response({"id": "file-1", "object": "file", "bytes": got})

    async with (
        OpenAIVendor({("POST", "/v1/files"): reading_itself(count)}) as vendor,
        accounted(serving(openai_entry(vendor)), tmp_path) as gateway,
    ):
        headers = {"authorization": f"Bearer {KEY}", "content-type": "multipart/form-data; boundary=b"}
        async with gateway._session.post(f"{gateway.url}/v1/files", data=body(), headers=headers) as answered:
            told = await answered.json()
    assert told["bytes"] == got >= size


@pytest.mark.parametrize("admin", [False, True])
async def test_s61_another_tenants_file_does_not_exist(tmp_path: Path, admin: bool) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        mine = (await gateway.made(models=[]))["key"]
        other = KEY if admin else (await gateway.made(models=[]))["key"]
        sent, headers = form(("purpose", None, b"user_data"), ("file", "a", b"secret"))
        made = (await gateway.send("POST", "/v1/files", sent, headers, key=mine)).json()
        asked = len(vendor.asked)
        ask = {
            "model": "mine",
            "messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": made["id"]}}]}],
        }
        for method, path, body in (
            ("GET", f"/v1/files/{made['id']}", None),
            ("GET", f"/v1/files/{made['id']}/content", None),
            ("DELETE", f"/v1/files/{made['id']}", None),
            ("POST", "/v1/batches", {"input_file_id": made["id"], "endpoint": "/v1/chat/completions"}),
            ("POST", "/v1/chat/completions", ask),
        ):
            answered = await gateway.send(method, path, body, key=other)
            assert answered.status == 404, path
            assert answered.json()["error"]["param"] == "id"
        assert (await gateway.send("GET", "/v1/files", key=other)).json()["data"] == []
        assert len(vendor.asked) == asked
        changed = made["id"][:-1] + ("A" if made["id"][-1] != "A" else "B")
        assert (await gateway.send("GET", f"/v1/files/{changed}", key=mine)).status == 404


async def test_what_a_form_says_for_the_log_stays_here_and_is_told(tmp_path: Path) -> None:
    noted: Any = {
        "litellm_metadata": {"tags": ["a", "b"], "spend_logs_metadata": {"owner": "o", "teams": ["x", "y"]}},
        "litellm_session_id": "s1",
    }
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
            await client.files.create(file=("a", b"x"), purpose="user_data", extra_body=noted)
            one: Any = {"litellm_metadata": {"tags": ["a"]}, "litellm_trace_id": "t1"}
            await client.files.create(file=("a", b"x"), purpose="user_data", extra_body=one)
        told = [(record.tags, record.metadata, record.trace_id) for record in gateway.records]
    assert [set(fields) for fields, _ in vendor.files.values()] == [{"purpose", "filename"}] * 2
    assert told == [
        (("a", "b"), {"tags": ["a", "b"], "spend_logs_metadata": {"owner": "o", "teams": ["x", "y"]}}, "s1"),
        (("a",), {"tags": ["a"]}, "t1"),
    ]


async def test_what_a_form_says_for_the_log_may_stand_behind_its_file(tmp_path: Path) -> None:
    noted = json.dumps({"tags": ["t"]}).encode()
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        sent, kind = form(
            *(("purpose", None, b"user_data"), ("litellm_trace_id", None, b"t1"), ("file", "a", b"x")),
            ("litellm_metadata", None, noted),
        )
        assert (await gateway.send("POST", "/v1/files", sent, kind)).status == 200
        told = [(record.tags, record.trace_id) for record in gateway.records]
    assert [set(fields) for fields, _ in vendor.files.values()] == [{"purpose", "filename"}]
    assert told == [(("t",), "t1")]


GUARDED: list[list[tuple[str, str | None, bytes]]] = [
    [("litellm_metadata", None, b'{"guardrails": ["pii"]}')],
    [("litellm_metadata[guardrails][]", None, b"pii")],
    [("litellm_metadata[guardrails][pii]", None, b"true")],
    [("litellm_metadata[guardrails][][pii][extra_body][a]", None, b"b")],
    [("guardrails", None, b'["pii"]')],
    [("guardrails[]", None, b"pii"), ("guardrails[]", None, b"toxic")],
]


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("said", GUARDED)
async def test_a_form_that_asks_for_guards_is_refused(
    tmp_path: Path, said: list[tuple[str, str | None, bytes]], behind: bool
) -> None:
    purpose, file = ("purpose", None, b"user_data"), ("file", "a", b"x")
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        sent, kind = form(purpose, file, *said) if behind else form(purpose, *said, file)
        answered = await gateway.send("POST", "/v1/files", sent, kind)
    assert (answered.status, answered.json()["error"]["code"]) == (400, "guards_not_built")
    assert vendor.files == {}


async def test_s61_a_key_knows_no_id_of_the_providers(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        theirs = vendor.keep({"purpose": "user_data", "filename": "x"}, b"of somebody")
        key = (await gateway.made(models=[]))["key"]
        for id in (theirs, "file-tb1." + "A" * 60, "x", "file-tb1.!"):
            assert (await gateway.send("GET", f"/v1/files/{id}/content", key=key)).status == 404
    assert vendor.asked == []


async def test_the_admin_may_name_the_providers_own(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        id = vendor.keep({"purpose": "user_data", "filename": "x"}, b"of the account")
        assert (await gateway.send("GET", f"/v1/files/{id}/content")).body == b"of the account"


async def test_a_request_names_a_file_by_our_id_and_the_provider_sees_its_own(tmp_path: Path) -> None:
    async with (
        OpenAIVendor({CHAT: answered_with(SAID)}) as vendor,
        accounted(serving(openai_entry(vendor)), tmp_path) as gateway,
    ):
        key = (await gateway.made(models=[]))["key"]
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key) as client:
            made = await client.files.create(file=("a.pdf", b"%PDF"), purpose="user_data")
            parts: Any = [{"type": "file", "file": {"file_id": made.id}}, {"type": "text", "text": "tb1. what?"}]
            await client.chat.completions.create(model="mine", messages=[{"role": "user", "content": parts}])
    [theirs] = vendor.files
    said = vendor.asked[-1].json()["messages"][0]["content"]
    assert said[0]["file"] == {"file_id": theirs}
    assert said[1]["text"] == "tb1. what?"


async def test_a_file_of_a_fallback_is_opened_for_its_tenant_alone(tmp_path: Path) -> None:
    async with OpenAIVendor({CHAT: answered_with(SAID)}) as vendor:
        text = json.loads(serving(openai_entry(vendor)))
        broken = {"model": "demo/error-500"}
        text["model_list"].append({"model_name": "broken", "litellm_params": broken})
        async with accounted(json.dumps(text), tmp_path) as gateway:
            mine, other = [(await gateway.made(models=[]))["key"] for _ in range(2)]
            narrow = (await gateway.made(models=["broken"]))["key"]
            sent, headers = form(("purpose", None, b"user_data"), ("file", "a", b"secret"))
            made = (await gateway.send("POST", "/v1/files", sent, headers, key=mine)).json()
            parts = [{"type": "file", "file": {"file_id": made["id"]}}]
            instead = {"model": "mine", "messages": [{"role": "user", "content": parts}]}
            ask = {"model": "broken", "num_retries": 0, "messages": [{"role": "user", "content": "x"}]}
            answered = [
                (await gateway.send("POST", "/v1/chat/completions", {**ask, "fallbacks": [instead]}, key=key)).status
                for key in (mine, other, narrow)
            ]
    assert answered == [200, 404, 500]
    [theirs] = vendor.files
    assert vendor.asked[-1].json()["messages"][0]["content"][0]["file"] == {"file_id": theirs}


async def test_a_file_goes_where_the_model_is_and_only_there(tmp_path: Path) -> None:
    async with OpenAIVendor({CHAT: answered_with(SAID)}) as one, OpenAIVendor({CHAT: answered_with(SAID)}) as two:
        text = serving(openai_entry(one, "first"), openai_entry(two, "second"))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(models=[]))["key"]
            file = ("file", "a", b"x")
            purpose = ("purpose", None, b"user_data")
            for where, path, headers in (
                ((("model", None, b"second"),), "/v1/files", {}),
                ((("target_model_names", None, b"second"),), "/v1/files", {}),
                ((), "/v1/files?model=second", {}),
                ((), "/v1/files", {"x-litellm-model": "second"}),
            ):
                sent, kind = form(purpose, *where, file)
                made = await gateway.send("POST", path, sent, {**kind, **headers}, key=key)
                assert made.status == 200, made.body
            ask = [{"type": "file", "file": {"file_id": made.json()["id"]}}]
            said = {"messages": [{"role": "user", "content": ask}]}
            right = await gateway.send("POST", "/v1/chat/completions", {"model": "second", **said}, key=key)
            wrong = await gateway.send("POST", "/v1/chat/completions", {"model": "first", **said}, key=key)
            sent, kind = form(purpose, ("target_model_names", None, b"first,second"), file)
            both = await gateway.send("POST", "/v1/files", sent, kind, key=key)
    assert (len(one.files), len(two.files)) == (0, 4)
    assert all(set(fields) == {"purpose", "filename"} for fields, _ in two.files.values())
    assert (right.status, wrong.status, both.status) == (200, 400, 400)
    assert wrong.json()["error"]["code"] == "file_elsewhere"


async def test_s64_a_file_goes_to_no_model_that_the_key_may_not_ask_for(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["other"]))["key"]
        sent, kind = form(("purpose", None, b"user_data"), ("model", None, b"mine"), ("file", "a", b"x"))
        assert (await gateway.send("POST", "/v1/files", sent, kind, key=key)).status == 403
    assert vendor.files == {}


async def test_the_purpose_may_stand_behind_a_small_file(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        sent, kind = form(("file", "a", b"x" * 1000), ("purpose", None, b"user_data"), ("expires_after", None, b"9"))
        small = await gateway.send("POST", "/v1/files", sent, kind)
        sent, kind = form(("file", "a", b"x" * 9 * 1024 * 1024), ("purpose", None, b"user_data"))
        kind["authorization"] = f"Bearer {KEY}"
        async with gateway._session.post(f"{gateway.url}/v1/files", data=io.BytesIO(sent), headers=kind) as large:
            pass
        sent, kind = form(("purpose", None, b"user_data"), ("file", "a", b"x"), ("model", None, b"mine"))
        late = await gateway.send("POST", "/v1/files", sent, kind)
    assert [small.status, large.status, late.status] == [200, 400, 400]
    [(fields, content)] = vendor.files.values()
    assert (fields["expires_after"], len(content)) == ("9", 1000)


UNCLEAR: list[list[Any]] = [
    [("purpose", None, b"x")],
    [("file", "a", b"x")],
    [("purpose", None, b"x"), ("file", "a", b"1"), ("file", "b", b"2")],
    [("purpose", None, b"x"), ("purpose", None, b"y"), ("file", "a", b"1")],
    [("purpose", None, b"\xff"), ("file", "a", b"1")],
    [("purpose", None, b"x"), ("a[]", None, b"1"), ("a[]", None, b"2"), ("file", "a", b"1")],
    [("purpose", None, b"x"), *[("litellm_trace_id", None, b"1")] * 2, ("file", "a", b"1")],
    [("purpose", None, b"x"), *[("litellm_metadata[user]", None, b"1")] * 2, ("file", "a", b"1")],
]


async def test_a_form_that_could_be_read_twice_is_refused(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        for fields in UNCLEAR:
            sent, kind = form(*fields)
            assert (await gateway.send("POST", "/v1/files", sent, kind)).status == 400, fields
    assert vendor.files == {}


async def test_a_key_that_is_revoked_while_its_file_is_on_its_way_is_refused(tmp_path: Path) -> None:
    revoked = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        await revoked.wait()
        for _ in range(200):
            yield b"x" * 1000
            await asyncio.sleep(0.01)
        yield b"\r\n--b--\r\n"

    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=[]))["key"]
        headers = {"authorization": f"Bearer {key}", "content-type": "multipart/form-data; boundary=b"}
        sending = asyncio.create_task(
            gateway._session.post(f"{gateway.url}/v1/files", data=body(), headers=headers).__aenter__()
        )
        while not vendor.asked and not sending.done():
            await asyncio.sleep(0.01)
        assert (await gateway.send("POST", "/key/delete", {"keys": [key]})).status == 200
        revoked.set()
        answered = await sending
        assert answered.status == 401
        answered.close()
    assert vendor.files == {}


async def test_anthropics_client_keeps_a_file(tmp_path: Path) -> None:
    async with AnthropicVendor() as vendor, OpenAIVendor() as other:
        text = serving(openai_entry(other), anthropic_entry(vendor))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(models=[]))["key"]
            async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=key) as client:
                made = await client.beta.files.upload(file=("a.txt", b"hello", "text/plain"))
                again = await client.beta.files.retrieve_metadata(made.id)
                listed = [file.id async for file in client.beta.files.list()]
                deleted = await client.beta.files.delete(made.id)
            assert (await gateway.send("GET", f"/v1/files/{made.id}", key=key)).status == 404, "in another format"
    assert made.id == again.id
    assert made.id.startswith("file_tb1.")
    assert made.size_bytes == 5
    assert listed == [made.id]
    assert deleted.id == made.id
    assert vendor.asked[0].target == "/v1/files"
    assert other.asked == []


async def test_limits_hold_and_without_a_provider_nobody_keeps_files(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(rpm_limit=1))["key"]
        statuses = [(await gateway.send("GET", "/v1/files", key=key)).status for _ in range(2)]
        assert gateway.accounts.limiter.flying == 0
    assert statuses == [200, 429]
    async with accounted(serving(), tmp_path / "b") as gateway:
        sent, kind = form(("purpose", None, b"user_data"), ("file", "a", b"x"))
        assert (await gateway.send("POST", "/v1/files", sent, kind)).status == 404
