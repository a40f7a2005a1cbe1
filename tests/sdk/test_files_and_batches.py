"""Files and batches as functions of a program, against a vendor on a real socket."""

from __future__ import annotations

import inspect
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import tollbridge
from tests.files.vendors import OpenAIVendor, answer, jsonl, request
from tests.shared import recordings
from tests.vendor import answered_with
from tollbridge.sdk import form

REQUESTS = jsonl(request(), request(number=2))
NAMES = (
    *("create_file", "file_retrieve", "file_delete", "file_list", "file_content"),
    *("create_batch", "retrieve_batch", "list_batches", "cancel_batch"),
)


@pytest.fixture
async def vendor() -> AsyncIterator[OpenAIVendor]:
    async with OpenAIVendor() as vendor:
        yield vendor


def at(vendor: OpenAIVendor, path: str = "/v1") -> dict[str, Any]:
    return {"api_key": "k", "api_base": vendor.url + path, "num_retries": 0}


async def test_a_batch_goes_from_its_file_to_its_answers(vendor: OpenAIVendor) -> None:
    here = at(vendor)
    file = await tollbridge.acreate_file(("r.jsonl", REQUESTS), "batch", **here)
    assert (file.object, file.bytes, file.filename) == ("file", len(REQUESTS), "r.jsonl")
    assert (await tollbridge.afile_retrieve(file.id, **here)).purpose == "batch"
    batch = await tollbridge.acreate_batch("24h", "/v1/chat/completions", file.id, metadata={"a": "b"}, **here)
    assert vendor.asked[-1].json() == {
        "completion_window": "24h",
        "endpoint": "/v1/chat/completions",
        "input_file_id": file.id,
        "metadata": {"a": "b"},
    }
    assert batch.status == "validating"
    assert batch.output_file_id is None
    vendor.finish(batch.id, [answer(1), answer(2)])
    done = await tollbridge.aretrieve_batch(batch.id, **here)
    content = await tollbridge.afile_content(done.output_file_id, **here)
    assert [json.loads(line)["custom_id"] for line in content.iter_lines()] == ["r0", "r1", "x"]
    told = [json.loads(line)["response"] for line in content.iter_lines()]
    answers = [one["body"] for one in told if one and one["status_code"] == 200]
    counted = sum(one["usage"]["prompt_tokens"] * 0.075 + one["usage"]["completion_tokens"] * 0.3 for one in answers)
    assert len(answers) == 2
    cost = sum(tollbridge.completion_cost(one, service_tier="batch") for one in answers)
    assert cost == pytest.approx(counted / 1e6)  # of gpt-4o-mini in a batch: half of what it is elsewhere
    assert content.content == content.read() == await content.aread() == content.text.encode()
    assert (await tollbridge.acancel_batch(batch.id, **here)).status == "cancelling"
    assert vendor.asked[-1].body == b""
    gone = await tollbridge.afile_delete(file.id, **here)
    assert (gone.id, gone.deleted) == (file.id, True)
    with pytest.raises(tollbridge.NotFoundError):
        await tollbridge.afile_retrieve(file.id, **here)
    assert {one.headers["authorization"] for one in vendor.asked} == {"Bearer k"}


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "open", "pair", "path in a pair", "with headers", "pipe"])
async def test_a_file_is_taken_in_any_form(vendor: OpenAIVendor, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"before" + REQUESTS)
    opened = io.BytesIO(b"before" + REQUESTS)
    opened.seek(6)  # who gives an open file means what is left of it
    whole = tmp_path / "w.jsonl"
    whole.write_bytes(REQUESTS)
    files: dict[str, Any] = {
        "path": whole,
        "text": str(whole),
        "bytes": REQUESTS,
        "open": opened,
        "pair": ("n.jsonl", opened),
        "path in a pair": ("n.jsonl", whole),
        "with headers": ("n.jsonl", REQUESTS, "application/jsonl", {"x-a": "b"}),
        "pipe": Pipe(REQUESTS),
    }
    file = await tollbridge.acreate_file(files[kind], "batch", **at(vendor))
    assert vendor.files[file.id][1] == REQUESTS
    told = vendor.asked[-1].headers
    assert ("content-length" in told) == (kind != "pipe")
    assert not opened.closed


class Pipe:
    """It can only be read."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)
        self.longest = 0

    def read(self, size: int = -1) -> bytes:
        self.longest = max(self.longest, size)
        return self._data.read(size)


async def test_a_large_file_is_read_piece_by_piece() -> None:
    pipe = Pipe(bytes(3 * form.PIECE_BYTES + 1))
    async with OpenAIVendor({("POST", "/v1/files"): answered_with({"id": "file-1"})}) as vendor:
        await tollbridge.acreate_file(pipe, "batch", **at(vendor))  # type: ignore[arg-type]
    assert bytes(3 * form.PIECE_BYTES + 1) in vendor.asked[0].body
    assert pipe.longest == form.PIECE_BYTES


async def test_a_file_that_becomes_shorter_ends_the_request(tmp_path: Path) -> None:
    class Shrunk(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return b""

    async with OpenAIVendor() as vendor:
        with pytest.raises(tollbridge.BadRequestError, match="became shorter"):
            await tollbridge.acreate_file(Shrunk(b"abc"), "batch", **at(vendor))
    assert not vendor.files


async def test_a_name_that_is_no_text_is_sent_as_far_as_it_is_one(vendor: OpenAIVendor) -> None:
    file = await tollbridge.acreate_file(("r\udcff.jsonl", REQUESTS), "batch", **at(vendor))
    assert file.filename == "r?.jsonl"
    with pytest.raises(tollbridge.BadRequestError, match="JSON"):
        await tollbridge.acreate_file(REQUESTS, "batch\udcff", **at(vendor))
    with pytest.raises(tollbridge.BadRequestError, match="metadata"):
        await tollbridge.acreate_batch("24h", "/v1/responses", "file-1", metadata={"a": object()}, **at(vendor))  # type: ignore[dict-item]


async def test_when_a_file_expires_is_said_in_the_form(vendor: OpenAIVendor) -> None:
    expires = {"anchor": "created_at", "seconds": 3600}
    file = await tollbridge.acreate_file(b"x", "batch", expires, extra_body={"more": True}, **at(vendor))
    assert vendor.files[file.id][0] == {
        "purpose": "batch",
        "expires_after[anchor]": "created_at",
        "expires_after[seconds]": "3600",
        "more": "true",
        "filename": "file",
    }


async def test_a_list_is_a_page_of_objects_that_a_query_asks_for() -> None:
    page = {"object": "list", "data": [{"id": "file-1", "purpose": "batch"}], "has_more": True, "first_id": "file-1"}
    batches = {"object": "list", "data": [{"id": "batch_1", "request_counts": {"total": 3}}], "has_more": False}
    handlers = {("GET", "/v1/files"): answered_with(page), ("GET", "/v1/batches"): answered_with(batches)}
    async with OpenAIVendor(handlers) as vendor:
        files = await tollbridge.afile_list(purpose="batch", limit=1, **at(vendor))
        found = await tollbridge.alist_batches(after="batch_0", limit=5, **at(vendor))
    assert [one.target for one in vendor.asked] == [
        "/v1/files?limit=1&purpose=batch",
        "/v1/batches?after=batch_0&limit=5",
    ]
    assert isinstance(files.data[0], tollbridge.FileObject)
    assert files.has_more is True
    assert found.data[0].request_counts.total == 3


async def test_azure_is_asked_at_its_own_path_with_its_version_and_key() -> None:
    one = {"id": "file-1", "object": "file"}
    async with OpenAIVendor({("GET", "/openai/files/file-1"): answered_with(one)}) as vendor:
        said = {**at(vendor, ""), "api_version": "2024-10-21"}
        file = await tollbridge.afile_retrieve("file-1", "azure", **said)
        by_model = await tollbridge.afile_retrieve("file-1", model="azure/gpt-4o", **said)
    assert file == by_model == one
    assert {one.target for one in vendor.asked} == {"/openai/files/file-1?api-version=2024-10-21"}
    assert {one.headers["api-key"] for one in vendor.asked} == {"k"}
    assert file._hidden_params["custom_llm_provider"] == "azure"


async def test_what_changes_nothing_is_asked_again_and_an_upload_is_not() -> None:
    turns = iter([503, 200])

    async def shaky(_: web.Request) -> web.StreamResponse:
        return web.json_response({"id": "file-1"}, status=next(turns), headers={"retry-after-ms": "1"})

    busy = answered_with({"error": {"message": "busy"}}, 503)
    async with OpenAIVendor({("GET", "/v1/files/file-1"): shaky, ("POST", "/v1/files"): busy}) as vendor:
        said = {**at(vendor), "num_retries": 1}
        file = await tollbridge.afile_retrieve("file-1", **said)
        assert file._hidden_params["attempts"] == 2
        with pytest.raises(tollbridge.InternalServerError):
            await tollbridge.acreate_file(b"x", "batch", **said)
    assert [one.method for one in vendor.asked] == ["GET", "GET", "POST"]


async def test_a_providers_refusal_keeps_its_words_and_shows_no_key() -> None:
    told = {"error": {"message": "no such file for sk-secret-secret", "type": "invalid_request_error"}}
    async with OpenAIVendor({("GET", "/v1/files/file-1"): answered_with(told, 404)}) as vendor:
        with pytest.raises(tollbridge.NotFoundError, match="no such file") as raised:
            await tollbridge.afile_retrieve("file-1", **{**at(vendor), "api_key": "sk-secret-secret"})
    assert raised.value.llm_provider == "openai"
    assert "sk-secret" not in str(raised.value)


@pytest.mark.parametrize("provider", ["anthropic", "gemini", "bedrock", "vertex_ai", "demo"])
async def test_who_keeps_none_in_this_format_is_named(provider: str) -> None:
    with pytest.raises(tollbridge.BadRequestError, match=f"{provider} keeps no files and batches"):
        await tollbridge.afile_list(provider, api_key="k")


async def test_what_means_nothing_here_is_refused_by_name(vendor: OpenAIVendor, tmp_path: Path) -> None:
    here = at(vendor)
    for said in ({"fallbacks": ["x"]}, {"stream": True}, {"mock_response": "x"}, {"extra_body": {"a": 1}}):
        with pytest.raises(tollbridge.BadRequestError, match=next(iter(said))):
            await tollbridge.afile_retrieve("file-1", **here, **said)
    for id in ("", "a/content", None):
        with pytest.raises(tollbridge.BadRequestError, match="must be an id"):
            await tollbridge.afile_retrieve(id, **here)  # type: ignore[arg-type]
    with pytest.raises(tollbridge.BadRequestError, match="leads out"):
        await tollbridge.afile_retrieve("..", **here)
    for file in (3, io.StringIO("text"), tmp_path / "missing"):
        with pytest.raises(tollbridge.BadRequestError, match="`file`"):
            await tollbridge.acreate_file(file, "batch", **here)  # type: ignore[arg-type]
    assert not vendor.files


def test_each_name_works_without_async_and_has_a_twin_of_the_same_parameters(tmp_path: Path) -> None:
    for name in NAMES:
        whole, twin = getattr(tollbridge, name), getattr(tollbridge, f"a{name}")
        assert inspect.signature(whole).parameters == inspect.signature(twin).parameters, name
        assert inspect.iscoroutinefunction(twin)
        said = {one: "x" for one in inspect.signature(whole).parameters if one not in ("parameters", "expires_after")}
        with pytest.raises(tollbridge.NotFoundError, match="no provider 'x'"):
            whole(**said)


def recorded() -> list[dict[str, Any]]:
    """Of OpenAI: each file, batch and page that it told of."""
    found = recordings(provider="openai", endpoints=("files", "batches"))
    return [one for one in found if isinstance(one.get("response_body"), dict)]


async def test_every_recorded_answer_reads_as_it_was_told() -> None:
    met: Counter[str] = Counter()
    for one in recorded():
        path = one["url"].removeprefix("https://api.openai.com").partition("?")[0]
        noun, *rest = path.removeprefix("/v1/").split("/")
        told = answered_with(one["response_body"])
        async with OpenAIVendor({(one["method"], path): told}) as vendor:
            here = at(vendor)
            read: Any
            match one["method"], noun, rest:
                case "POST", "files", []:
                    read = await tollbridge.acreate_file(b"x", "batch", **here)
                case "GET", "files", []:
                    read = await tollbridge.afile_list(**here)
                case "GET", "files", [id]:
                    read = await tollbridge.afile_retrieve(id, **here)
                case "DELETE", "files", [id]:
                    read = await tollbridge.afile_delete(id, **here)
                case "POST", "batches", []:
                    read = await tollbridge.acreate_batch("24h", "/v1/responses", "file-1", **here)
                case "GET", "batches", [id]:
                    read = await tollbridge.aretrieve_batch(id, **here)
                case other:
                    raise AssertionError(other)
        assert read.model_dump() == one["response_body"], path
        met[type(read).__name__] += 1
    assert met == {"Batch": 4, "FileObject": 2, "FileList": 2, "FileDeleted": 1}
