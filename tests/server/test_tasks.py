"""Tasks through a serving gateway, with the vendors' clients: who is asked what, what comes back, what it costs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.served import KEY
from tests.server.tasks_upstream import Asked, Provider
from tests.transport.upstream import Upstream

EMBEDDINGS, RERANK = "/v1/embeddings", "/v1/rerank"


def one(port: int, model: str, **params: Any) -> str:
    provider = model.partition("/")[0]
    said = entry("m", port, provider, **params)
    said["litellm_params"]["model"] = model
    return configuration(said, router={"num_retries": 0, "disable_cooldowns": True})


async def entry_of(gateway: Accounted) -> dict[str, Any]:
    """The one in the ledger."""
    await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
    [row] = (await gateway.send("GET", "/spend/logs")).json()
    told: dict[str, Any] = {**row["metadata"]["tollbridge"], "row": row}
    return told


def client(gateway: Accounted) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0)


def cohere(asked: Asked) -> Any:
    texts = asked.body["texts"]
    vectors = [[float(len(text)), 0.5] for text in texts]
    return {"id": "e1", "embeddings": {"float": vectors}, "meta": {"billed_units": {"input_tokens": 3 * len(texts)}}}


async def test_embeddings_are_translated_and_packed_for_openais_client(tmp_path: Path) -> None:
    provider = Provider(embed=cohere)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "cohere/embed-v4.0"), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.embeddings.create(model="m", input=["a", "bcd"], dimensions=256)
        told = await entry_of(gateway)
    assert [item.embedding for item in made.data] == [[1.0, 0.5], [3.0, 0.5]]
    assert made.usage.prompt_tokens == 6
    [asked] = provider.asked
    assert asked.path == "/v2/embed"
    assert asked.headers["authorization"].startswith("Bearer ")
    assert asked.body == {
        "model": "embed-v4.0",
        "texts": ["a", "bcd"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
    assert told["cost_nanousd"] == 6 * 120  # 0.12 dollars a million
    assert told["estimated"] is False


async def test_more_than_a_provider_takes_at_once_is_asked_in_parts_and_paid_together(tmp_path: Path) -> None:
    provider = Provider(embed=cohere)
    texts = ["x" * (1 + at % 7) for at in range(200)]
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "cohere/embed-v4.0"), tmp_path) as gateway:
        answered = await gateway.post(EMBEDDINGS, {"model": "m", "input": texts, "encoding_format": "float"})
        told = await entry_of(gateway)
    assert sorted(len(asked.body["texts"]) for asked in provider.asked) == [8, 96, 96]
    data = answered.json()["data"]
    assert [item["embedding"][0] for item in data] == [float(len(text)) for text in texts]
    assert [item["index"] for item in data] == list(range(200))
    assert answered.json()["usage"]["prompt_tokens"] == 600
    assert told["cost_nanousd"] == 600 * 120
    assert answered.headers["x-tollbridge-cost-usd"] == "0.000072"


async def test_a_part_that_fails_fails_the_whole_and_the_others_are_paid(tmp_path: Path) -> None:
    answered_first = asyncio.Event()

    async def failing(asked: Asked) -> Any:
        if len(asked.body["texts"]) == 96:
            answered_first.set()
            return cohere(asked)
        await answered_first.wait()
        return 500, {"message": "no"}

    provider = Provider(embed=failing)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "cohere/embed-v4.0"), tmp_path) as gateway:
        answered = await gateway.post(EMBEDDINGS, {"model": "m", "input": ["x"] * 100})
        told = await entry_of(gateway)
    assert answered.status == 500
    assert answered.json()["error"]["message"]
    assert told["estimated"] is True
    assert told["cost_nanousd"] == 96 * 3 * 120


PLACES = [
    ("gemini/gemini-embedding-001", "/v1beta/models/gemini-embedding-001:batchEmbedContents"),
    ("ollama/nomic-embed-text", "/api/embed"),
    ("voyage/voyage-3.5", "/v1/embeddings"),
    ("jina_ai/jina-embeddings-v3", "/v1/embeddings"),
    ("huggingface/BAAI/bge-small-en-v1.5", "/embed"),
    ("mistral/mistral-embed", "/v1/embeddings"),
    ("hosted_vllm/intfloat/e5", "/v1/embeddings"),
]


@pytest.mark.parametrize(("model", "path"), PLACES, ids=[model.partition("/")[0] for model, _ in PLACES])
async def test_each_is_asked_in_its_own_words_at_its_own_place(tmp_path: Path, model: str, path: str) -> None:
    openais = {"data": [{"index": 0, "embedding": [0.25, 1.0]}], "model": "x", "usage": {"total_tokens": 4}}
    provider = Provider().at("/api/embed", {"embeddings": [[0.25, 1.0]], "prompt_eval_count": 4})
    provider.at("/embed", [[0.25, 1.0]]).at("/embeddings", openais)
    provider.at(":batchEmbedContents", {"embeddings": [{"values": [0.25, 1.0]}]})
    async with Upstream(provider) as upstream:
        base = f"http://127.0.0.1:{upstream.port}" + ("/v1" if path.startswith("/v1/") else "")
        async with accounted(one(upstream.port, model, api_base=base), tmp_path) as gateway:
            answered = await gateway.post(
                EMBEDDINGS, {"model": "m", "input": "hello", "encoding_format": "float", "user": "u"}
            )
            told = await entry_of(gateway)
    assert answered.status == 200, answered.body
    assert answered.json()["data"][0]["embedding"] == [0.25, 1.0]
    [asked] = provider.asked
    assert asked.path == path
    assert told["row"]["prompt_tokens"] > 0
    assert told["estimated"] is (model.startswith(("gemini", "huggingface")))
    if model.startswith("mistral"):
        assert "user" not in asked.body
        assert "dropped_param $.user" in answered.headers["x-tollbridge-caveats"]


@pytest.mark.parametrize(
    ("path", "model", "key"),
    [
        (EMBEDDINGS, "anthropic/claude-sonnet-4-5", "input"),
        (EMBEDDINGS, "openai/gpt-4o", "input"),
        ("/v1/audio/speech", "cohere/embed-v4.0", "input"),
        ("/v1/moderations", "openai/gpt-4o", "input"),
        ("/v1/images/generations", "openai/gpt-4o", "prompt"),
        (RERANK, "openai/gpt-4o", "query"),
    ],
)
async def test_a_model_that_does_not_do_it_says_so(tmp_path: Path, path: str, model: str, key: str) -> None:
    provider = Provider()
    async with Upstream(provider) as upstream, accounted(one(upstream.port, model), tmp_path) as gateway:
        answered = await gateway.post(path, {"model": "m", key: "hi", "documents": ["a"], "voice": "alloy"})
    assert answered.status == 400
    assert answered.json()["error"]["code"] == "unsupported_endpoint"
    assert provider.asked == []


async def test_a_server_without_the_path_is_no_deployment_that_failed(tmp_path: Path) -> None:
    provider = Provider().at("/chat/completions", CHAT)
    async with Upstream(provider) as upstream:
        text = configuration(entry("m", upstream.port))
        async with accounted(text, tmp_path) as gateway:
            for path in ("/v1/embeddings", "/v1/rerank", "/v1/audio/speech"):
                for _ in range(4):
                    answered = await gateway.post(path, {"model": "m", "input": "x", "query": "q", "documents": ["a"]})
                    assert answered.status == 400
                    assert answered.json()["error"]["code"] == "unsupported_endpoint"
            completed = await gateway.post("/v1/completions", {"model": "m", "prompt": "hi"})
            chatted = await gateway.post("/v1/chat/completions", {"model": "m", "messages": CHAT_ASKED})
    assert completed.json()["choices"][0]["text"] == " world"
    assert chatted.status == 200


@pytest.mark.parametrize(
    ("model", "path"), [("ollama/nomic-embed-text", "/api/embed"), ("cohere/embed-v9", "/v2/embed")]
)
async def test_a_model_that_the_provider_does_not_know_is_404_as_it_says(tmp_path: Path, model: str, path: str) -> None:
    said = {"error": f'model "{model}" not found, try pulling it first', "message": "model 'embed-v9' not found"}
    provider = Provider().at(path, (404, said))
    async with Upstream(provider) as upstream:
        base = f"http://127.0.0.1:{upstream.port}"
        async with accounted(one(upstream.port, model, api_base=base), tmp_path) as gateway:
            answered = await gateway.post(EMBEDDINGS, {"model": "m", "input": "hello"})
    assert [asked.path for asked in provider.asked] == [path]
    assert answered.status == 404
    assert "not found" in answered.json()["error"]["message"]


@pytest.mark.parametrize("path", [EMBEDDINGS, RERANK, "/v1/moderations"])
@pytest.mark.parametrize("model", ["openai/any", "cohere/any", "mistral/any"])
async def test_what_cannot_stream_is_refused_before_anybody_is_paid(tmp_path: Path, path: str, model: str) -> None:
    provider = Provider()
    body = {"model": "m", "input": "x", "query": "q", "documents": ["a"], "stream": True}
    async with Upstream(provider) as upstream, accounted(one(upstream.port, model), tmp_path) as gateway:
        answered = await gateway.post(path, body)
    assert answered.status == 400
    assert provider.asked == []


# ranking


CHAT_ASKED = [{"role": "user", "content": "hi"}]
RANKED = {
    "id": "r1",
    "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
    "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
}


@pytest.mark.parametrize("path", [RERANK, "/rerank", "/v2/rerank"])
async def test_a_ranking_is_relayed_to_cohere_and_paid_by_the_search(tmp_path: Path, path: str) -> None:
    provider = Provider(rerank=RANKED)
    body = {"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 2, "x": 1}
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "cohere/rerank-v3.5"), tmp_path) as gateway:
        answered = await gateway.post(path, body)
        told = await entry_of(gateway)
    assert answered.json() == RANKED
    assert provider.asked[0].path == "/v2/rerank"
    assert provider.asked[0].body == {**body, "model": "rerank-v3.5"}
    assert told["cost_nanousd"] == 2_000_000  # two dollars a thousand
    assert told["estimated"] is False
    assert answered.headers["x-tollbridge-cost-usd"] == "0.002"


async def test_a_ranking_is_translated_and_its_documents_are_given_back(tmp_path: Path) -> None:
    told_by_voyage = {
        "data": [{"index": 0, "relevance_score": 0.2}, {"index": 1, "relevance_score": 0.7}],
        "usage": {"total_tokens": 50},
    }
    provider = Provider(rerank=told_by_voyage)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "voyage/rerank-2.5"), tmp_path) as gateway:
        answered = await gateway.post(
            RERANK,
            {"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1, "return_documents": True},
        )
        told = await entry_of(gateway)
    assert provider.asked[0].body == {
        "model": "rerank-2.5",
        "query": "q",
        "documents": ["a", "b"],
        "top_k": 1,
        "return_documents": True,
    }
    assert answered.json()["results"] == [{"index": 1, "relevance_score": 0.7, "document": {"text": "b"}}]
    assert told["cost_nanousd"] == 50 * 50


async def test_a_ranking_of_who_leaves_something_out_has_an_id_and_what_was_billed(tmp_path: Path) -> None:
    """Jina's, Together's, Infinity's: LiteLLM's clients count on both."""
    told = {"model": "m", "usage": {"total_tokens": 12}, "results": [{"index": 1, "relevance_score": 0.90}], "x": 1.0}
    model = "jina_ai/jina-reranker-v2-base-multilingual"
    async with Upstream(Provider(rerank=told)) as upstream, accounted(one(upstream.port, model), tmp_path) as gateway:
        answered = (await gateway.post(RERANK, {"model": "m", "query": "q", "documents": ["a", "b"]})).json()
    assert answered.pop("id")
    assert answered.pop("meta")["billed_units"] == {"total_tokens": 12}
    assert answered == told


async def test_a_server_that_answers_nonsense_is_at_fault(tmp_path: Path) -> None:
    provider = Provider(rerank={"data": [{"index": 7, "relevance_score": 0.2}]})
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "voyage/rerank-2.5"), tmp_path) as gateway:
        answered = await gateway.post(RERANK, {"model": "m", "query": "q", "documents": ["a"]})
    assert answered.status == 502


# moderation


async def test_openais_client_reads_a_moderation(tmp_path: Path) -> None:
    judged = {"id": "modr-1", "model": "omni-moderation-latest", "results": []}
    judged["results"] = [{"flagged": True, "categories": {"violence": True}, "category_scores": {"violence": 0.9}}]
    provider = Provider(moderations=judged)
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "openai/omni-moderation-latest"), tmp_path) as gateway:
            async with client(gateway) as asking:
                made = await asking.moderations.create(model="m", input=["x", "y"])
            told = await entry_of(gateway)
    assert made.results[0].flagged
    assert provider.asked[0].body["input"] == ["x", "y"]
    assert told["cost_nanousd"] == 0


async def test_a_moderation_that_names_no_model_asks_the_usual_one(tmp_path: Path) -> None:
    provider = Provider(moderations={"id": "modr-1", "model": "omni-moderation-latest", "results": []})
    async with Upstream(provider) as upstream:
        text = configuration({**entry("omni-moderation-latest", upstream.port)})
        async with accounted(text, tmp_path) as gateway, client(gateway) as asking:
            await asking.moderations.create(input="x")
            with pytest.raises(openai.BadRequestError, match="model"):
                await asking.post("/embeddings", body={"input": "x"}, cast_to=object)
    assert provider.asked[0].body == {"model": "omni-moderation-latest", "input": "x"}


async def test_who_flags_nothing_itself_is_read_by_its_categories(tmp_path: Path) -> None:
    judged = {"id": "1", "model": "x", "results": [{"categories": {"pii": True}, "category_scores": {"pii": 0.9}}]}
    provider = Provider(moderations=judged)
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "mistral/mistral-moderation-2603"), tmp_path) as gateway:
            answered = await gateway.post("/v1/moderations", {"model": "m", "input": "x"})
    assert answered.json()["results"][0]["flagged"] is True
    assert provider.asked[0].body == {"model": "mistral-moderation-2603", "input": ["x"]}


# completions


COMPLETED = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1,
    "model": "gpt-3.5-turbo-instruct",
    "choices": [{"text": " world", "index": 0, "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5},
}
CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": " world"}}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5},
}
VECTORS = {
    "object": "list",
    "model": "of-nobody",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
    "usage": {"prompt_tokens": 2, "total_tokens": 2},
}
RESPONDED = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "of-nobody",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": " world", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5},
}


async def test_a_completion_is_relayed_to_a_model_that_continues_texts(tmp_path: Path) -> None:
    provider = Provider(completions=COMPLETED)
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "openai/gpt-3.5-turbo-instruct"), tmp_path) as gateway:
            async with client(gateway) as asking:
                made = await asking.completions.create(model="m", prompt="hello", suffix="!", echo=True)
            told = await entry_of(gateway)
    assert made.choices[0].text == " world"
    assert provider.asked[0].path == "/v1/completions"
    assert provider.asked[0].body["suffix"] == "!"
    assert told["cost_nanousd"] == 2 * 1500 + 3 * 2000


async def test_a_completion_is_made_of_a_chat_elsewhere(tmp_path: Path) -> None:
    provider = Provider().at("/chat/completions", CHAT)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/gpt-4o"), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.completions.create(model="m", prompt=["hello"], max_tokens=7, temperature=0.5)
        refused = [
            await gateway.post("/v1/completions", {"model": "m", "prompt": "hi", **more})
            for more in ({"suffix": "x"}, {"echo": True}, {"best_of": 3}, {"prompt": ["a", "b"]}, {"prompt": [1, 2]})
        ]
    assert made.object == "text_completion"
    assert made.choices[0].text == " world"
    assert made.usage is not None
    assert made.usage.completion_tokens == 3
    [asked] = provider.asked
    assert asked.body["messages"] == [{"role": "user", "content": "hello"}]
    assert asked.body["temperature"] == 0.5
    assert [answered.status for answered in refused] == [400] * 5
    assert [answered.json()["error"]["param"] for answered in refused] == ["suffix", "echo", "best_of"] + ["prompt"] * 2


async def test_a_completion_of_a_model_that_is_reached_by_responses_is_asked_in_that_format(tmp_path: Path) -> None:
    provider = Provider(embeddings=VECTORS).at("/responses", RESPONDED)
    model = "openai/responses/of-nobody"
    async with Upstream(provider) as upstream, accounted(one(upstream.port, model), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.completions.create(model="m", prompt="hello")
        embedded = await gateway.post(EMBEDDINGS, {"model": "m", "input": "hello"})
    assert made.choices[0].text == " world"
    assert embedded.status == 200
    assert [asked.path for asked in provider.asked] == ["/v1/responses", EMBEDDINGS]
    assert "prompt" not in provider.asked[0].body
    assert provider.asked[1].body["model"] == "of-nobody"


async def test_a_completion_streams_from_a_chat(tmp_path: Path) -> None:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {"content": " wor"}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {"content": "ld"}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**head, "choices": [], "usage": CHAT["usage"]},
    ]
    told = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    provider = Provider().at("/chat/completions", (told.encode(), "text/event-stream"))
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/gpt-4o"), tmp_path) as gateway:
        async with client(gateway) as asking:
            stream = await asking.completions.create(
                model="m", prompt="hello", stream=True, stream_options={"include_usage": True}
            )
            seen = [chunk async for chunk in stream]
        ledger = await entry_of(gateway)
    assert "".join(chunk.choices[0].text for chunk in seen if chunk.choices) == " world"
    assert [chunk.choices[0].finish_reason for chunk in seen if chunk.choices][-1] == "stop"
    assert {chunk.object for chunk in seen} == {"text_completion"}
    assert seen[-1].usage is not None
    assert ledger["cost_nanousd"] == 2 * 2500 + 3 * 10_000


FILLED = {
    "id": "f1",
    "object": "chat.completion",
    "created": 1,
    "model": "codestral-latest",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "return n"}}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5},
}


@pytest.mark.parametrize("model", ["mistral/codestral-latest", "text-completion-codestral/codestral-2405"])
async def test_what_stands_between_two_texts_is_filled_in_by_codestral(tmp_path: Path, model: str) -> None:
    provider = Provider().at("/fim/completions", FILLED)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, model), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.completions.create(
                model="m", prompt="def f(n):", suffix="\n", max_tokens=7, temperature=0.5, seed=3, stop="x", user="u"
            )
        refused = [
            await gateway.post("/v1/completions", {"model": "m", "prompt": "hi", **more})
            for more in ({"echo": True}, {"best_of": 3}, {"prompt": ["a", "b"]})
        ]
        least = await gateway.post("/v1/completions", {"model": "m", "prompt": "a", "min_tokens": 4, "n": 2, "x_y": 1})
    assert (made.object, made.choices[0].text) == ("text_completion", "return n")
    assert made.usage is not None
    assert made.usage.completion_tokens == 3
    assert [asked.path for asked in provider.asked] == ["/v1/fim/completions"] * 2
    wishes = {"max_tokens": 7, "temperature": 0.5, "random_seed": 3, "stop": ["x"], "suffix": "\n"}
    name = model.partition("/")[2]
    assert provider.asked[0].body == {"model": name, "prompt": "def f(n):", **wishes}
    assert provider.asked[1].body == {"model": name, "prompt": "a", "min_tokens": 4}
    assert [answered.json()["error"]["param"] for answered in refused] == ["echo", "best_of", "prompt"]
    assert least.headers["x-tollbridge-caveats"] == "dropped_param $.n; dropped_param $.x_y"


async def test_what_is_filled_in_leaves_nothing_out_without_a_word(tmp_path: Path) -> None:
    provider = Provider().at("/fim/completions", FILLED)
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    lost: dict[str, Any] = {
        **{"tools": [tool], "tool_choice": "required", "parallel_tool_calls": False, "reasoning_effort": "low"},
        **{"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "x"}]},
    }
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "mistral/codestral-latest"), tmp_path) as gateway:
            ask = {"model": "m", "prompt": "a", "suffix": "b"}
            made = await gateway.post("/v1/completions", {**ask, **lost, "metadata": 5, "store": True})
            strict = [
                await gateway.send("POST", "/v1/completions", {**ask, name: value}, {"x-tollbridge-strict": "true"})
                for name, value in lost.items()
                if name != "tool_choice"
            ]
            odd = [await gateway.post("/v1/completions", {**ask, name: "x"}) for name in ("min_tokens", "random_seed")]
            odd.append(await gateway.post("/v1/completions", {**ask, "suffix": 5}))
    told = {item.removeprefix("dropped_param $.") for item in made.headers["x-tollbridge-caveats"].split("; ")}
    assert told == {*lost, "metadata", "store"}
    assert [answered.status for answered in (*strict, *odd)] == [400] * 8
    assert [answered.json()["error"]["param"] for answered in odd] == ["min_tokens", "random_seed", "suffix"]
    assert [asked.body for asked in provider.asked] == [{"model": "codestral-latest", "prompt": "a", "suffix": "b"}]


async def test_what_is_filled_in_streams(tmp_path: Path) -> None:
    head = {"id": "f1", "object": "chat.completion.chunk", "created": 1, "model": "codestral-latest"}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "ret"}, "finish_reason": None}]},
        {
            **head,
            "choices": [{"index": 0, "delta": {"content": "urn"}, "finish_reason": "stop"}],
            "usage": CHAT["usage"],
        },
    ]
    told = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    provider = Provider().at("/fim/completions", (told.encode(), "text/event-stream"))
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "codestral/codestral-latest"), tmp_path) as gateway:
            async with client(gateway) as asking:
                stream = await asking.completions.create(model="m", prompt="def", suffix="n", stream=True)
                seen = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in seen) == "return"
    assert provider.asked[0].body == {"model": "codestral-latest", "prompt": "def", "suffix": "n", "stream": True}


async def test_a_server_without_the_path_is_asked_for_a_chat_unless_something_would_be_lost(tmp_path: Path) -> None:
    provider = Provider().at("/chat/completions", CHAT)
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "mistral/codestral-latest"), tmp_path) as gateway:
            made = await gateway.post("/v1/completions", {"model": "m", "prompt": "hi"})
            refused = await gateway.post("/v1/completions", {"model": "m", "prompt": "hi", "suffix": "x"})
    assert made.json()["choices"][0]["text"] == " world"
    assert (refused.status, refused.json()["error"]["param"]) == (400, "suffix")


# keys


async def test_a_budget_holds_a_task_to_its_worst_case(tmp_path: Path) -> None:
    provider = Provider(speech=(b"ID3", "audio/mpeg"))
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/tts-1"), tmp_path) as gateway:
        key = (await gateway.made(max_budget=0.0001))["key"]
        body = {"model": "m", "input": "x" * 5, "voice": "alloy"}  # 75 micro-dollars
        first = await gateway.send("POST", "/v1/audio/speech", body, key=key)
        assert gateway.accounts.book.held == 0
        second = await gateway.send("POST", "/v1/audio/speech", {**body, "input": "x" * 100}, key=key)
        third = await gateway.send("POST", "/v1/audio/speech", body, key=key)
        none = (await gateway.made(models=["other"]))["key"]
        fourth = await gateway.send("POST", "/v1/audio/speech", body, key=none)
    assert first.status == 200
    assert {second.status, third.status} <= {200, 429}
    assert third.status == 429
    assert third.json()["error"]["code"] == "budget_exceeded"
    assert fourth.status in (401, 403)


async def test_a_model_without_a_price_costs_what_nobody_knows(tmp_path: Path) -> None:
    provider = Provider(rerank=RANKED)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "cohere/own-ranker"), tmp_path) as gateway:
        answered = await gateway.post(RERANK, {"model": "m", "query": "q", "documents": ["a", "b"]})
        told = await entry_of(gateway)
    assert answered.status == 200
    assert told["cost_nanousd"] is None
    assert "x-tollbridge-cost-usd" not in answered.headers


async def test_the_operators_price_of_a_unit_counts(tmp_path: Path) -> None:
    provider = Provider(rerank=RANKED)
    config = one(0, "cohere/own-ranker", input_cost_per_query=0.01)
    async with Upstream(provider) as upstream:
        config = one(upstream.port, "cohere/own-ranker", input_cost_per_query=0.01)
        async with accounted(config, tmp_path) as gateway:
            await gateway.post(RERANK, {"model": "m", "query": "q", "documents": ["a", "b"]})
            told = await entry_of(gateway)
    assert told["cost_nanousd"] == 10_000_000
