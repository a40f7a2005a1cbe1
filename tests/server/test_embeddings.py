"""`/v1/embeddings`: relayed to whoever speaks OpenAI's format, metered by the provider's count, priced by its list."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.server.accounted import accounted
from tests.server.faults import ask, configuration, entry, error_of
from tests.server.served import KEY
from tests.shared import SHARED, recordings
from tests.transport.upstream import Peer, Upstream, answer
from tollbridge.wires.embeddings.openai import OPENAI_EMBEDDINGS
from tollbridge.wires.task import Heads

PATH = "/v1/embeddings"
VECTORS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}


class Provider:
    """Answers everything alike, and keeps what it was asked."""

    def __init__(self, body: Any = VECTORS, status: str = "200 OK") -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, peer: Peer) -> None:
        while (said := await peer.request()) is not None:
            head, _, body = said.partition(b"\r\n\r\n")
            self.asked.append((head.split(b"\r\n")[0].decode(), json.loads(body)))
            peer.send(answer(self.body, status=self.status))


def one(port: int, model: str = "text-embedding-3-small", wire: str = "openai", **params: Any) -> str:
    said = entry("m", port, wire, **params)
    said["litellm_params"]["model"] = f"{wire}/{model}"
    return configuration(said)


@pytest.mark.parametrize("path", [PATH, "/embeddings", "/openai/deployments/m/embeddings", "/engines/m/embeddings"])
async def test_the_bytes_go_on_and_the_answer_comes_back_as_it_is(tmp_path: Path, path: str) -> None:
    provider = Provider()
    body = {"input": ["a", "b"], "encoding_format": "base64", "dimensions": 2, "x": 1}
    async with Upstream(provider) as upstream, accounted(one(upstream.port), tmp_path) as gateway:
        answered = await gateway.post(path, body if "{" in path or "/m/" in path else {"model": "m", **body})
        await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
        [row] = (await gateway.send("GET", "/spend/logs")).json()
    assert answered.status == 200
    assert answered.body == provider.body
    [(line, asked)] = provider.asked
    assert line == "POST /v1/embeddings HTTP/1.1"
    assert asked == {**body, "model": "text-embedding-3-small"}
    assert (row["prompt_tokens"], row["completion_tokens"]) == (8, 0)
    assert row["metadata"]["tollbridge"]["cost_nanousd"] == 8 * 20  # 0.02 dollars a million
    assert row["metadata"]["tollbridge"]["estimated"] is False
    assert answered.headers["x-tollbridge-cost-usd"] == "0.00000016"


async def test_openais_client_reads_floats_out_of_base64(tmp_path: Path) -> None:
    packed = {**VECTORS, "data": [{"object": "embedding", "index": 0, "embedding": "AACAPgAAAL8="}]}
    async with Upstream(Provider(packed)) as upstream, accounted(one(upstream.port), tmp_path) as gateway:
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY) as client:
            made = await client.embeddings.create(model="m", input="hi")
    assert made.data[0].embedding == [0.25, -0.5]
    assert made.usage.prompt_tokens == 8


async def test_limits_and_budgets_of_a_key_hold(tmp_path: Path) -> None:
    async with Upstream(Provider()) as upstream, accounted(one(upstream.port), tmp_path) as gateway:
        key = (await gateway.made(rpm_limit=1, max_budget=0.001))["key"]
        first, second = [
            await gateway.send("POST", PATH, {"model": "m", "input": "x" * 100}, key=key) for _ in range(2)
        ]
        assert gateway.accounts.book.held == 0
        poor = (await gateway.made(max_budget=0))["key"]
        third = await gateway.send("POST", PATH, {"model": "m", "input": "hi"}, key=poor)
    assert [first.status, second.status, third.status] == [200, 429, 429]
    assert third.json()["error"]["code"] == "budget_exceeded"


async def test_an_operator_says_with_what_a_budget_that_is_used_up_refuses(tmp_path: Path) -> None:
    """Clients that ask again after each 429 tell it at once."""
    said = entry("m", 9, "openai")
    said["litellm_params"]["model"] = "openai/text-embedding-3-small"
    text = configuration(said, litellm={"budget_exceeded_status_code": 422})
    async with accounted(text, tmp_path) as gateway:
        poor = (await gateway.made(max_budget=0))["key"]
        refused = await gateway.send("POST", PATH, {"model": "m", "input": "hi"}, key=poor)
    assert refused.status == 422
    assert refused.json()["error"]["code"] == "budget_exceeded"


@pytest.mark.parametrize(
    ("model", "wire"), [("gpt-4o", "openai"), ("claude-sonnet-4-5", "anthropic")], ids=["chat", "another format"]
)
async def test_a_model_that_gives_none_says_so(tmp_path: Path, model: str, wire: str) -> None:
    provider = Provider()
    async with Upstream(provider) as upstream, accounted(one(upstream.port, model, wire), tmp_path) as gateway:
        answered = await gateway.post(PATH, {"model": "m", "input": "hi"})
    assert answered.status == 400
    assert error_of("/v1/chat/completions", answered.json())["code"] == "unsupported_endpoint"
    assert provider.asked == []


async def test_a_model_that_nobody_knows_is_asked(tmp_path: Path) -> None:
    provider = Provider()
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "my-own"), tmp_path) as gateway:
        answered = await gateway.post(PATH, {"model": "m", "input": "hi"})
        chatting = await gateway.post("/v1/chat/completions", ask())
    assert answered.status == 200
    assert chatting.status == 502, "it is asked for chat too, and did not answer with a chat"
    assert provider.asked[0][0].startswith("POST /v1/embeddings ")


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"error": {"message": "no", "type": "invalid_request_error"}}, "400 Bad Request", 400),
        ({"error": {"message": "no"}}, "200 OK", 502),
        ({"object": "list"}, "200 OK", 502),
        (b"<html>", "200 OK", 502),
        (b"[" * 100_000, "200 OK", 502),
    ],
)
async def test_what_is_no_answer_is_the_providers_fault(tmp_path: Path, body: Any, status: str, expected: int) -> None:
    text = json.loads(one(1))
    async with Upstream(Provider(body, status)) as upstream:
        text = json.loads(one(upstream.port)) | {"router_settings": {"num_retries": 0, "disable_cooldowns": True}}
        async with accounted(json.dumps(text), tmp_path) as gateway:
            answered = await gateway.post(PATH, {"model": "m", "input": "hi"})
    assert answered.status == expected
    assert answered.json()["error"]["message"]


@pytest.mark.skipif(not (SHARED / "recordings").exists(), reason="../shared/recordings is not here")
def test_every_recorded_answer_is_read_along() -> None:
    read = 0
    for exchange in recordings(endpoints=("embeddings",)):
        if exchange["status"] != 200 or not isinstance(exchange.get("response_body"), dict):
            continue
        if "data" not in exchange["response_body"]:
            continue  # Vertex's and Ollama's own
        said = OPENAI_EMBEDDINGS.read_along(json.dumps(exchange["response_body"]).encode(), Heads())
        told = exchange["response_body"].get("usage") or {}
        assert said.usage is None or said.usage.input == told.get("prompt_tokens", told.get("total_tokens"))
        read += 1
    assert read >= 10
