"""Embeddings as Gemini's clients ask for them, of models of several formats; and what such clients are told of what is
not there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.served import KEY
from tests.transport.upstream import Peer, Upstream, answer

OPENAI = {
    "object": "list",
    "data": [{"object": "embedding", "index": at, "embedding": [at, 0.5]} for at in range(2)],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}
GEMINI = {"embeddings": [{"values": [0, 0.5]}, {"values": [1, 0.5]}], "usageMetadata": {"promptTokenCount": 8}}
PLACES = {
    "openai": ("openai/text-embedding-3-small", OPENAI, "/v1/embeddings"),
    "gemini": ("gemini/gemini-embedding-001", GEMINI, "/v1beta/models/gemini-embedding-001:batchEmbedContents"),
}


class Provider:
    def __init__(self, told: Any) -> None:
        self.told = told
        self.asked: list[tuple[str, Any]] = []

    async def __call__(self, peer: Peer) -> None:
        while said := await peer.request():
            head, _, body = said.partition(b"\r\n\r\n")
            self.asked.append((head.split(b" ")[1].decode(), json.loads(body)))
            peer.send(answer(json.dumps(self.told).encode()))


def client(gateway: Accounted) -> genai.Client:
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=gateway.url))


def config(port: int, model: str) -> str:
    place = entry("m", port)
    place["litellm_params"] = {"model": model, "api_key": "k", "api_base": f"http://127.0.0.1:{port}/v1"}
    if model.startswith("gemini"):
        place["litellm_params"]["api_base"] = f"http://127.0.0.1:{port}/v1beta"
    return configuration(place)


@pytest.mark.parametrize("place", PLACES)
async def test_googles_client_has_vectors_of_any_model(tmp_path: Path, place: str) -> None:
    model, told, path = PLACES[place]
    provider = Provider(told)
    async with Upstream(provider) as upstream, accounted(config(upstream.port, model), tmp_path) as gateway:
        settings = types.EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT", output_dimensionality=2, title="T")
        google = client(gateway)
        made = await asyncio.to_thread(google.models.embed_content, model="m", contents=["one", "two"], config=settings)
        await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
        [row] = (await gateway.send("GET", "/spend/logs")).json()
    assert made.embeddings is not None
    assert [one.values for one in made.embeddings] == [[0, 0.5], [1, 0.5]]
    [(asked_at, asked)] = provider.asked
    assert asked_at == path
    if place == "openai":
        assert (asked["input"], asked["dimensions"]) == (["one", "two"], 2)
    else:
        assert [one["title"] for one in asked["requests"]] == ["T", "T"]
        assert asked["requests"][1] == {
            "model": "models/gemini-embedding-001",
            "content": {"parts": [{"text": "two"}]},
            "taskType": "RETRIEVAL_DOCUMENT",
            "outputDimensionality": 2,
            "title": "T",
        }
    assert row["prompt_tokens"] == 8
    assert row["metadata"]["tollbridge"]["cost_nanousd"] > 0


async def test_one_content_has_one_vector(tmp_path: Path) -> None:
    told = {**OPENAI, "data": OPENAI["data"][:1]}  # type: ignore[index]
    provider = Provider(told)
    async with Upstream(provider) as upstream:
        text = config(upstream.port, "openai/text-embedding-3-small")
        async with accounted(text, tmp_path) as gateway:
            body = {"content": {"parts": [{"text": "one"}]}, "embedContentConfig": {"output_dimensionality": 2}}
            made = await gateway.post("/v1beta/models/m:embedContent", body)
    assert made.json() == {"embedding": {"values": [0, 0.5]}, "usageMetadata": {"promptTokenCount": 8}}
    assert provider.asked[0][1]["dimensions"] == 2


ONE = {"content": {"parts": [{"text": "one"}]}}
WRONG = [
    ("batchEmbedContents", {}, "$.requests"),
    ("batchEmbedContents", {"requests": []}, "$.requests"),
    ("batchEmbedContents", {"requests": [3]}, "$.requests[0]"),
    ("batchEmbedContents", {"requests": [ONE, {}]}, "$.requests[1].content"),
    ("batchEmbedContents", {"requests": [ONE, {**ONE, "taskType": "CLUSTERING"}]}, "$.requests[1].taskType"),
    ("embedContent", {"content": {"parts": []}}, "$.content.parts"),
    ("embedContent", {"content": {"parts": [{"text": "a"}, {"text": "b"}]}}, "$.content.parts"),
    ("embedContent", {**ONE, "outputDimensionality": -1}, "$.outputDimensionality"),
    ("embedContent", {**ONE, "taskType": 5}, "$.taskType"),
    ("embedContent", {**ONE, "embedContentConfig": 5}, "$.embedContentConfig"),
]


@pytest.mark.parametrize(("method", "body", "where"), WRONG)
async def test_what_cannot_be_read_is_told_with_its_place(
    tmp_path: Path, method: str, body: dict[str, Any], where: str
) -> None:
    provider = Provider(OPENAI)
    async with Upstream(provider) as upstream:
        async with accounted(config(upstream.port, "openai/text-embedding-3-small"), tmp_path) as gateway:
            refused = await gateway.post(f"/v1beta/models/m:{method}", body)
    told = refused.json()["error"]
    assert (refused.status, told["code"], told["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert f"`{where}`" in told["message"]
    assert not provider.asked


async def test_what_is_not_there_is_told_in_the_clients_format(tmp_path: Path) -> None:
    async with accounted(config(9, "openai/text-embedding-3-small"), tmp_path) as gateway:
        google = client(gateway)
        with pytest.raises(errors.ClientError) as nowhere:
            await asyncio.to_thread(google.caches.get, name="cachedContents/x")
        assert (nowhere.value.code, nowhere.value.status) == (404, "NOT_FOUND")
        with pytest.raises(errors.ClientError) as unknown:
            await asyncio.to_thread(google.models.get, model="nope")
        assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
        shown = await asyncio.to_thread(google.models.get, model="m")
        assert shown.supported_actions == ["embedContent", "batchEmbedContents"]
        claude = await gateway.post("/v1/messages/nowhere", {}, {"anthropic-version": "2023-06-01"})
        assert (claude.status, claude.json()["type"]) == (404, "error")
        plain = await gateway.post("/v1/nowhere", {})
        assert (plain.status, plain.json()["error"]["code"]) == (404, "unknown_url")
