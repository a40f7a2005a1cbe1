"""Every recorded exchange of a task is read by the wire of who answered, and what it says of use with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED, recordings
from tests.wires.tasks.reading import answer_of, read, request_of, wire_of
from tollbridge.calls.task_wires import provider_task_wire
from tollbridge.model.response import IMAGES, SEARCH_UNITS, Usage
from tollbridge.model.tasks.embedding import EmbeddingResponse
from tollbridge.model.tasks.image import ImageRequest, ImageResponse
from tollbridge.model.tasks.moderation import ModerationRequest, ModerationResponse
from tollbridge.model.tasks.rerank import RerankRequest, RerankResponse
from tollbridge.model.tasks.speech import SpeechRequest, SpeechResponse
from tollbridge.wires.base import Target
from tollbridge.wires.openai_completions import OPENAI_COMPLETIONS
from tollbridge.wires.sse import SseParser

pytestmark = pytest.mark.skipif(not (SHARED / "recordings").exists(), reason="../shared/recordings is not here")


def exchanges(task: str) -> Iterator[tuple[dict[str, Any], Any]]:
    for exchange in recordings():
        name = wire_of(exchange)
        if name is not None:
            wire = provider_task_wire(name)
            if wire.task.name == task:
                yield exchange, wire


def test_every_embedding_is_read() -> None:
    counted = {"read": 0, "refused": 0, "with usage": 0}
    for exchange, wire in exchanges("embeddings"):
        asked = request_of(exchange, "embeddings")
        answer = read(exchange, wire, asked)
        if answer is None:
            counted["refused"] += 1
            continue
        assert isinstance(answer, EmbeddingResponse)
        assert len(answer.vectors) == len(asked.inputs)
        assert len({len(vector) for vector in answer.vectors}) == 1
        assert all(isinstance(number, float | int) for vector in answer.vectors for number in vector)
        counted["read"] += 1
        counted["with usage"] += answer.usage is not None
    assert counted["read"] >= 38
    assert counted["with usage"] >= 25
    assert counted["refused"] >= 10


def test_what_embeddings_used_is_what_the_vendor_said() -> None:
    told = re.compile(r'"(?:inputTextTokenCount|promptTokenCount|token_count|total_tokens|input_tokens)": (\d+)')
    checked = 0
    for exchange, wire in exchanges("embeddings"):
        answer = read(exchange, wire, request_of(exchange, "embeddings"))
        said = told.search(answer_of(exchange)[0].decode())
        if answer is not None and said is not None:
            assert answer.usage is not None
            assert answer.usage.input == int(said[1])
            checked += 1
    assert checked >= 20


def test_every_ranking_is_read() -> None:
    found = 0
    for exchange, wire in exchanges("rerank"):
        body = exchange["request_body"]
        asked = RerankRequest(query=body["query"], documents=tuple(body["documents"]))
        answer = read(exchange, wire, asked)
        assert isinstance(answer, RerankResponse)
        scores = [one.score for one in answer.results]
        assert scores == sorted(scores, reverse=True)
        usage = answer.usage or Usage()
        if exchange["provider"] == "cohere":
            assert usage.units == {SEARCH_UNITS: 1}
        elif exchange["provider"] in ("voyage", "openrouter"):
            assert usage.input > 0
        found += 1
    assert found == 6


def test_every_other_task_is_read() -> None:
    [(exchange, wire)] = exchanges("moderations")
    judged = read(exchange, wire, ModerationRequest(inputs=("x",)))
    assert isinstance(judged, ModerationResponse)
    assert judged.results[0].flagged is False
    assert len(judged.results[0].categories) == len(judged.results[0].scores) == 13
    [(exchange, wire)] = exchanges("speech")
    spoken = read(exchange, wire, SpeechRequest(text="x"))
    assert isinstance(spoken, SpeechResponse)
    assert spoken.audio.startswith(b"ID3")
    assert spoken.media_type == "audio/mpeg"
    made = [read(exchange, wire, ImageRequest(prompt="x")) for exchange, wire in exchanges("images")]
    for answer in made:
        assert isinstance(answer, ImageResponse)
        assert answer.images[0].url
        assert answer.usage is not None
        assert answer.usage.units == {IMAGES: 1}
    assert len(made) == 2
    [(exchange, wire)] = exchanges("image_edits")
    assert read(exchange, wire, ImageRequest(prompt="x")) is None


def test_every_recorded_request_is_read_and_written_as_it_was() -> None:
    """Of the dialects that clients speak: what comes in goes out, but for spellings that mean the same."""
    written = 0
    for task in ("embeddings", "rerank", "moderations", "images"):
        for exchange, wire in exchanges(task):
            if not hasattr(wire, "read_request") or "/v1/rerank" in exchange["url"] or not exchange["request_body"]:
                continue
            body = {name: value for name, value in exchange["request_body"].items() if value is not None}
            asked = wire.read_request(dict(body)).value
            out = wire.write_request(asked, Target(model=body["model"])).value
            body.pop("encoding_format", None)
            out.pop("encoding_format", None)
            if isinstance(body.get("input"), str):
                body["input"] = [body["input"]]
            assert out == body
            written += 1
    assert written >= 20


def test_every_legacy_completion_is_read_whole_and_streamed() -> None:
    whole = streamed = 0
    for exchange in recordings(endpoints=("completions",)):
        if exchange["status"] != 200:
            continue
        if exchange.get("stream_format") == "sse":
            reader = OPENAI_COMPLETIONS.stream_reader()
            events = [
                event
                for framed in SseParser().feed(exchange["response_text"].encode())
                for event in reader.feed(framed)
            ]
            assert events
            list(reader.close())
            streamed += 1
            continue
        body = exchange["response_body"]
        if "text" not in body["choices"][0]:
            continue  # a prompt that is kept at Portkey, which is answered as a chat
        answer = OPENAI_COMPLETIONS.read_response(body)
        texts = ["".join(part.text for part in choice.parts) for choice in answer.choices]  # type: ignore[union-attr]
        assert texts == [choice["text"] for choice in body["choices"]]
        assert answer.usage is not None or not body.get("usage")
        along = OPENAI_COMPLETIONS.read_along(msgspec.json.encode(body))
        assert along.id == body.get("id", "")
        whole += 1
    assert whole >= 8
    assert streamed >= 3
