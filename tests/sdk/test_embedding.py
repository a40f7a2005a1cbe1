"""`embedding` and `aembedding`: the same relay as the server's, for a program."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tollbridge
from tests.server.test_embeddings import VECTORS, Provider
from tests.transport.upstream import Upstream

MODEL = "openai/text-embedding-3-small"


async def test_vectors_come_back_with_what_they_cost() -> None:
    provider = Provider()
    async with Upstream(provider) as upstream:
        made = await tollbridge.aembedding(
            MODEL, ["a", "b"], dimensions=2, api_key="k", api_base=f"http://127.0.0.1:{upstream.port}/v1"
        )
    assert made.data[0].embedding == made["data"][0]["embedding"] == [0.25, -0.5]
    assert made.usage.prompt_tokens == 8
    assert made._hidden_params["response_cost"] == pytest.approx(8 * 0.02 / 1e6)
    [(line, asked)] = provider.asked
    assert line.startswith("POST /v1/embeddings ")
    assert asked == {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 2}


async def test_base64_is_unpacked() -> None:
    packed = {**VECTORS, "data": [{"object": "embedding", "index": 0, "embedding": "AACAPgAAAL8="}]}
    async with Upstream(Provider(packed)) as upstream:
        made = await tollbridge.aembedding(
            MODEL, "a", encoding_format="base64", api_key="k", api_base=f"http://127.0.0.1:{upstream.port}/v1"
        )
    assert made.data[0].embedding == [0.25, -0.5]


async def test_a_fallback_is_asked_where_the_first_cannot() -> None:
    failing, good = Provider({"error": {"message": "no"}}, "500 Internal Server Error"), Provider()
    async with Upstream(failing) as one, Upstream(good) as two:
        made = await tollbridge.aembedding(
            MODEL,
            "a",
            api_key="k",
            api_base=f"http://127.0.0.1:{one.port}/v1",
            num_retries=0,
            fallbacks=[
                {"model": "mistral/mistral-embed", "api_key": "k", "api_base": f"http://127.0.0.1:{two.port}/v1"}
            ],
        )
    assert made.data
    assert json.loads(json.dumps(good.asked[0][1]))["model"] == "mistral-embed"


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"input": ""}, "input"),
        ({"input": None}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": "a", "stream": True}, "stream"),
        ({"input": "a", "mock_response": "x"}, "mock_response"),
        ({"input": "a", "model": ""}, "model"),
    ],
)
def test_what_cannot_be_embedded_is_refused_by_name(said: dict[str, Any], named: str) -> None:
    with pytest.raises(tollbridge.BadRequestError) as refused:
        tollbridge.embedding(**{"model": MODEL, "api_key": "k", **said})
    assert refused.value.param == named


def test_a_chat_model_says_that_it_gives_none() -> None:
    with pytest.raises(tollbridge.BadRequestError, match="no embeddings"):
        tollbridge.embedding("openai/gpt-4o", "a", api_key="k")
