"""Tasks through a serving gateway, with the vendors' clients: who is asked what, what comes back, what it costs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.served import KEY
from tests.server.tasks_upstream import Asked, Provider
from tests.transport.upstream import Upstream
from tollbridge.model.tasks.task import Upload
from tollbridge.wires.multipart import write_form
from tollbridge.wires.task import Form

EMBEDDINGS, RERANK = "/v1/embeddings", "/v1/rerank"


def one(port: int, model: str, **params: Any) -> str:
    provider = model.partition("/")[0]
    said = entry("m", port, provider, **params)
    said["litellm_params"]["model"] = model
    return configuration(said, router={"num_retries": 0, "disable_cooldowns": True})


async def entry_of(gateway: Accounted) -> dict[str, Any]:
    """The one in the ledger."""
    await asyncio.to_thread(gateway.accounts.ledger.folder._pass)
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


# sound


async def test_speech_is_streamed_as_it_comes_and_paid_by_the_character(tmp_path: Path) -> None:
    provider = Provider(speech=(b"ID3" + b"\x00\xff" * 50_000, "audio/mpeg"))
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/tts-1"), tmp_path) as gateway:
        async with client(gateway) as asking:
            spoken = await asking.audio.speech.create(model="m", voice="alloy", input="Hällo!", response_format="mp3")
            sound = await spoken.aread()
        told = await entry_of(gateway)
    assert sound == b"ID3" + b"\x00\xff" * 50_000
    assert spoken.response.headers["content-type"] == "audio/mpeg"
    assert provider.asked[0].body == {
        "model": "tts-1",
        "voice": "alloy",
        "input": "Hällo!",
        "response_format": "mp3",
    }
    assert told["cost_nanousd"] == 6 * 15_000
    assert told["estimated"] is False


async def test_speech_that_is_cut_is_no_whole_answer(tmp_path: Path) -> None:
    async def cutting(peer: Any) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 1000\r\n\r\nID3")
        await peer.sent()
        peer.close()

    async with Upstream(cutting) as upstream, accounted(one(upstream.port, "openai/tts-1"), tmp_path) as gateway:
        with pytest.raises(aiohttp.ClientPayloadError):
            await gateway.post("/v1/audio/speech", {"model": "m", "input": "x", "voice": "alloy"})


async def test_speech_that_comes_as_json_is_unpacked(tmp_path: Path) -> None:
    provider = Provider(speech={"audio_data": "SUQz"})
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "mistral/voxtral-mini-tts-latest"), tmp_path) as gateway:
            answered = await gateway.post(
                "/v1/audio/speech",
                {"model": "m", "input": "x" * 10, "voice": "v", "response_format": "wav", "speed": 2},
            )
            told = await entry_of(gateway)
    assert answered.body == b"ID3"
    assert answered.headers["content-type"] == "audio/wav"
    assert answered.headers["x-tollbridge-caveats"] == "dropped_param $.speed"
    assert told["cost_nanousd"] == 10 * 16_000


async def test_a_recording_is_written_down_and_paid_by_the_second(tmp_path: Path) -> None:
    written = {"text": "hi there", "usage": {"type": "duration", "seconds": 12}}
    provider = Provider(transcriptions=written)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/whisper-1"), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.audio.transcriptions.create(
                model="m", file=("s.mp3", b"\xff\xfb\x00" * 100, "audio/mpeg"), language="en"
            )
        told = await entry_of(gateway)
    assert made.text == "hi there"
    form = provider.asked[0].form
    assert form.text("model") == "whisper-1"
    assert form.text("language") == "en"
    [file] = form.uploads("file")
    assert (file.name, file.media_type, file.data) == ("s.mp3", "audio/mpeg", b"\xff\xfb\x00" * 100)
    assert told["cost_nanousd"] == 12 * 100_000
    assert told["estimated"] is False


@pytest.mark.parametrize("format", ["text", "srt", "vtt"])
async def test_a_plain_transcription_is_paid_by_how_long_the_file_is(tmp_path: Path, format: str) -> None:
    provider = Provider(transcriptions=(b"hi there\n", "text/plain"))
    header = b"RIFF\x00\x00\x00\x00WAVEfmt " + b"\x00" * 12 + (16_000).to_bytes(4, "little") + b"\x00" * 12
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/whisper-1"), tmp_path) as gateway:
        async with client(gateway) as asking:
            made: Any = await asking.audio.transcriptions.create(
                model="m",
                file=("s.wav", header + b"\x01" * 80_000),
                response_format=format,  # type: ignore[call-overload]
            )
        told = await entry_of(gateway)
    assert made == "hi there\n"
    assert told["cost_nanousd"] == 5 * 100_000
    assert told["estimated"] is True


async def test_a_transcription_streams(tmp_path: Path) -> None:
    usage = {"type": "tokens", "input_tokens": 20, "output_tokens": 4, "total_tokens": 24}
    usage["input_token_details"] = {"text_tokens": 0, "audio_tokens": 20}  # type: ignore[assignment]
    events = [
        {"type": "transcript.text.delta", "delta": "hi"},
        {"type": "transcript.text.done", "text": "hi", "usage": usage},
    ]
    told = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    provider = Provider(transcriptions=(told.encode(), "text/event-stream"))
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "azure/gpt-4o-transcribe"), tmp_path) as gateway:
            async with client(gateway) as asking:
                stream = await asking.audio.transcriptions.create(model="m", file=("s.mp3", b"x"), stream=True)
                seen = [event async for event in stream]
            ledger = await entry_of(gateway)
    assert [event.type for event in seen] == ["transcript.text.delta", "transcript.text.done"]
    assert provider.asked[0].path.startswith("/openai/deployments/gpt-4o-transcribe/audio/transcriptions?api-version=")
    assert provider.asked[0].form.text("stream") == "true"
    assert ledger["cost_nanousd"] == 20 * 6000 + 4 * 10_000


async def test_who_answers_whole_where_a_stream_was_asked_for_is_told_as_one(tmp_path: Path) -> None:
    provider = Provider(transcriptions={"text": "hi", "usage": {"type": "duration", "seconds": 2}})
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/whisper-1"), tmp_path) as gateway:
        async with client(gateway) as asking:
            stream = await asking.audio.transcriptions.create(model="m", file=("s.mp3", b"x"), stream=True)
            seen = [event async for event in stream]
        told = await entry_of(gateway)
    assert [event.type for event in seen] == ["transcript.text.delta", "transcript.text.done"]
    assert told["cost_nanousd"] == 200_000


async def test_a_translation_is_asked_at_its_own_place(tmp_path: Path) -> None:
    provider = Provider(translations={"text": "hello"})
    async with (
        Upstream(provider) as upstream,
        accounted(one(upstream.port, "groq/whisper-large-v3"), tmp_path) as gateway,
    ):
        body, kind = write_form(Form((("model", "m"), ("file", Upload("s.mp3", "audio/mpeg", b"x" * 16_000)))))
        answered = await gateway.send("POST", "/v1/audio/translations", body, {"content-type": kind})
        told = await entry_of(gateway)
    assert answered.json() == {"text": "hello"}
    assert provider.asked[0].path == "/audio/translations"
    assert provider.asked[0].form.text("model") == "whisper-large-v3"
    assert told["estimated"] is True
    assert told["cost_nanousd"] == 30_830  # a second, by the bitrate that is usual for MP3


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\ncontent-disposition: form-data; name=model\r\n\r\nm\r\n"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nm\r\n--x--"),
    ],
    ids=["cut", "no boundary", "no name"],
)
async def test_a_form_that_cannot_be_read_is_refused(tmp_path: Path, kind: str, body: bytes) -> None:
    provider = Provider()
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "cohere/x"), tmp_path) as gateway:
        answered = await gateway.send("POST", "/v1/audio/transcriptions", body, {"content-type": kind})
    assert answered.status == 400
    assert provider.asked == []


# images


async def test_images_are_relayed_and_paid_by_their_tokens(tmp_path: Path) -> None:
    usage = {
        "input_tokens": 50,
        "output_tokens": 272,
        "total_tokens": 322,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 50},
    }
    provider = Provider(generations={"created": 1, "data": [{"b64_json": "iVBO"}], "usage": usage})
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/gpt-image-1"), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.images.generate(model="m", prompt="a cat", size="1024x1024", quality="low")
        told = await entry_of(gateway)
    assert made.data is not None
    assert made.data[0].b64_json == "iVBO"
    assert told["cost_nanousd"] == 50 * 5_000 + 272 * 40_000
    assert provider.asked[0].path == "/v1/images/generations"


async def test_an_image_is_changed_by_a_form(tmp_path: Path) -> None:
    provider = Provider(edits={"created": 1, "data": [{"b64_json": "iVBO"}]})
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "openai/gpt-image-1"), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.images.edit(
                model="m", prompt="a hat", image=[("a.png", b"A", "image/png"), ("b.png", b"B", "image/png")]
            )
    assert made.data
    assert [file.data for file in provider.asked[0].form.uploads("image")] == [b"A", b"B"]
    assert provider.asked[0].form.text("model") == "gpt-image-1"


async def test_imagen_makes_images_in_openais_words(tmp_path: Path) -> None:
    provider = Provider().at(":predict", {"predictions": [{"bytesBase64Encoded": "iVBO", "mimeType": "image/png"}] * 2})
    model = "gemini/imagen-3.0-generate-001"
    async with Upstream(provider) as upstream, accounted(one(upstream.port, model), tmp_path) as gateway:
        answered = await gateway.post(
            "/v1/images/generations", {"model": "m", "prompt": "a cat", "n": 2, "size": "1792x1024"}
        )
        told = await entry_of(gateway)
    assert [image["b64_json"] for image in answered.json()["data"]] == ["iVBO", "iVBO"]
    assert answered.headers["x-tollbridge-caveats"] == "approximated $.size"
    assert provider.asked[0].body["parameters"] == {"sampleCount": 2, "aspectRatio": "16:9"}
    assert told["cost_nanousd"] == 2 * 40_000_000


async def test_gemini_makes_and_changes_images_in_openais_words(tmp_path: Path) -> None:
    said = {
        "candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBO"}}]}}],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 1290,
            "totalTokenCount": 1295,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
        },
    }
    provider = Provider().at(":generateContent", said)
    model = "gemini/gemini-2.5-flash-image"
    async with Upstream(provider) as upstream, accounted(one(upstream.port, model), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.images.edit(model="m", prompt="a hat", image=("a.png", b"A", "image/png"))
        told = await entry_of(gateway)
    assert made.data is not None
    assert made.data[0].b64_json == "iVBO"
    assert provider.asked[0].body["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
        {"text": "a hat"},
    ]
    assert (
        told["cost_nanousd"] == 5 * 300 + 1290 * 30_000 + 39_000_000 or told["cost_nanousd"] == 5 * 300 + 1290 * 30_000
    )


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
