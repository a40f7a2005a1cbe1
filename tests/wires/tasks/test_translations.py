"""Each field of a request reaches each wire that has a word for it, and a caveat tells of it elsewhere; each answer
comes back in the words of who asked. A field that a writer forgot would be in neither."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tollbridge.calls.task_wires import HOMES, provider_task_wire, task_wire
from tollbridge.errors import APIError, BadGatewayError, BadRequestError
from tollbridge.model.tasks.embedding import EmbeddingRequest, EmbeddingResponse
from tollbridge.model.tasks.image import ImageRequest
from tollbridge.model.tasks.rerank import RerankRequest
from tollbridge.model.tasks.speech import SpeechRequest, SpeechResponse
from tollbridge.model.tasks.task import Upload
from tollbridge.model.tasks.transcription import Span, TranscriptionRequest, TranscriptionResponse
from tollbridge.wires.base import Target
from tollbridge.wires.embeddings.task import EMBEDDINGS, joined, pack, parts, unpack
from tollbridge.wires.task import Blob, Form, Heads

FILE = Upload("s.mp3", "audio/mpeg", b"sound")
RICH: dict[str, Any] = {
    "embeddings": EmbeddingRequest(
        inputs=("hello",),
        dimensions=256,
        purpose="query",
        raw_purpose="query",
        truncate=True,
        user="u",
        extra={"nobody_knows": 1},
        origin="elsewhere",
    ),
    "rerank": RerankRequest(
        query="q",
        documents=("a", {"text": "b"}),
        top=1,
        tokens_per_document=100,
        extra={"nobody_knows": 1},
        origin="elsewhere",
    ),
    "speech": SpeechRequest(
        text="hi",
        voice="v",
        format="wav",
        speed=1.5,
        instructions="softly",
        extra={"nobody_knows": 1},
        origin="elsewhere",
    ),
    "transcriptions": TranscriptionRequest(
        file=FILE,
        language="en",
        prompt="names",
        format="verbose_json",
        temperature=0.5,
        timestamps=("word",),
        extra={"nobody_knows": "1"},
        origin="elsewhere",
    ),
    "images": ImageRequest(
        prompt="cat",
        size="1024x1024",
        quality="high",
        background="opaque",
        format="png",
        inline=True,
        user="u",
        extra={"nobody_knows": 1},
        origin="elsewhere",
    ),
}
OTHERS: dict[str, Any] = {
    "dimensions": 512,
    "purpose": "clustering",
    "truncate": False,
    "query": "other",
    "top": 2,
    "tokens_per_document": 50,
    "text": "other",
    "voice": "w",
    "format": "mp3",
    "speed": 2.0,
    "instructions": "loudly",
    "language": "de",
    "prompt": "other",
    "temperature": 0.1,
    "timestamps": ("segment",),
    "size": "1024x1792",
    "quality": "low",
    "background": "transparent",
    "user": "other",
}
EXEMPT = {
    ("rerank", "tei_rerank", "top"): "its answer is cut here",
    ("rerank", "bedrock_rerank", "tokens_per_document"): "only Cohere's models have it",
    ("images", "gemini_images", "format"): "it makes PNG alone",
    **{
        ("transcriptions", name, field): why
        for name in ("deepgram_listen", "elevenlabs_transcriptions")
        for field, why in (("format", "it is written here"), ("timestamps", "it tells the times of all words"))
    },
}
PASSES_ON = {"fal_images"}
"""Each model there has fields of its own."""
WRITERS = [
    (provider_task_wire(name).task.name, name)
    for name in HOMES
    if name != "openai_completions" and provider_task_wire(name).task.name in RICH
]


def said(name: str, request: Any) -> str:
    written = provider_task_wire(name).write_request(request, Target(model="amazon.titan-embed-text-v2:0"))
    value = written.value
    shown = value if isinstance(value, dict) else repr(value)
    return json.dumps([shown, sorted(f"{caveat.code} {caveat.where}" for caveat in written.caveats)], default=repr)


@pytest.mark.parametrize(("task", "name"), WRITERS, ids=[name for _, name in WRITERS])
def test_no_field_is_lost_without_a_word(task: str, name: str) -> None:
    request = RICH[task]
    whole = said(name, request)
    assert ("dropped_param $.nobody_knows" if name not in PASSES_ON else "nobody_knows': 1") in whole
    for field in request.__struct_fields__:
        if field not in OTHERS or (task, name, field) in EXEMPT:
            continue
        changes = {"purpose": None, "raw_purpose": None} if field == "purpose" else {field: OTHERS[field]}
        if said(name, msgspec.structs.replace(request, **changes)) == whole:  # a caveat says the same of any value
            none = msgspec.structs.replace(request, **{field: () if field == "timestamps" else None})
            assert said(name, none) != whole, f"{name} loses {field}"


@pytest.mark.parametrize(("task", "name"), WRITERS, ids=[name for _, name in WRITERS])
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"{}", b'"x"', b"[" * 100_000, b"\xff", b'{"data": 7}'])
def test_nonsense_is_the_providers_fault(task: str, name: str, body: bytes) -> None:
    heads = Heads("application/json")
    with pytest.raises(APIError) as raised:
        provider_task_wire(name).read_response(body, heads, RICH[task])
    assert isinstance(raised.value, BadGatewayError) or raised.value.code == "content_filter"


@pytest.mark.parametrize("name", ["openai_embeddings", "cohere_rerank", "openai_moderations", "openai_images"])
@pytest.mark.parametrize("body", [[], {}, {"model": "m", "input": 7, "query": 7, "prompt": 7}, {"input": [None]}])
def test_nonsense_of_a_client_names_its_place(name: str, body: Any) -> None:
    with pytest.raises(BadRequestError) as refused:
        task_wire(name).read_request(body)
    assert refused.value.message


def test_vectors_are_packed_as_they_are_unpacked() -> None:
    floats = [0.25, -1.0, 3.5e-8]
    assert unpack(pack(floats)) == pytest.approx(floats)
    assert pack([0.25, -0.5]) == "AACAPgAAAL8="
    with pytest.raises(BadGatewayError):
        unpack("AAA")


def test_parts_joined_are_the_whole() -> None:
    asked = EmbeddingRequest(inputs=tuple(map(str, range(7))))
    for most in range(1, 9):
        cut = parts(asked, most)
        assert all(len(part.inputs) <= most for part in cut)
        answers = [EmbeddingResponse(vectors=tuple([float(text)] for text in part.inputs)) for part in cut]
        assert joined(answers).vectors == tuple([float(text)] for text in asked.inputs)
    assert EMBEDDINGS.parts is parts


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    known = EmbeddingResponse(vectors=([0.0],), usage=None)
    assert joined([known, known]).usage is None


TALK = TranscriptionResponse(
    text="hi there",
    language="en",
    duration_s=61.5,
    segments=(Span(text=" hi", start_s=0.0, end_s=1.25), Span(text=" there", start_s=1.25, end_s=61.5)),
    words=(Span(text="hi", start_s=0.0, end_s=1.0),),
)
FORMATS = {
    "text": "hi there\n",
    "srt": "1\n00:00:00,000 --> 00:00:01,250\nhi\n\n2\n00:00:01,250 --> 00:01:01,500\nthere\n\n",
    "vtt": "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nhi\n\n00:00:01.250 --> 00:01:01.500\nthere\n\n",
}


@pytest.mark.parametrize(("format", "told"), FORMATS.items())
def test_a_transcription_is_told_in_each_plain_format(format: str, told: str) -> None:
    asked = TranscriptionRequest(file=FILE, format=format)
    written = task_wire("openai_transcriptions").write_response(TALK, asked).value
    assert written == Blob(told.encode(), "text/plain; charset=utf-8")


def test_a_transcription_reads_back_as_it_was_written() -> None:
    wire = task_wire("openai_transcriptions")
    asked = TranscriptionRequest(file=FILE, format="verbose_json", timestamps=("word", "segment"))
    written = wire.write_response(TALK, asked).value
    read = wire.read_response(msgspec.json.encode(written), Heads("application/json"), asked)
    assert msgspec.structs.replace(read, usage=None, origin="") == TALK
    assert read.usage is not None
    assert read.usage.units == {"audio_ms": 61_500}


def test_speech_reads_back_as_it_was_written() -> None:
    wire = task_wire("openai_speech")
    blob = wire.write_response(SpeechResponse(audio=b"ID3", media_type="audio/mpeg"), SpeechRequest(text="x")).value
    assert wire.read_response(blob.data, Heads(blob.media_type), SpeechRequest(text="x")).audio == b"ID3"


def test_forms_read_back_as_they_were_written() -> None:
    wire = task_wire("openai_transcriptions")
    request = msgspec.structs.replace(RICH["transcriptions"], origin=wire.name)
    form = wire.write_request(request, Target(model="whisper-1")).value
    assert isinstance(form, Form)
    assert wire.read_request(form).value == request
    edits = task_wire("openai_image_edits")
    image = ImageRequest(
        prompt="hat", images=(FILE, FILE), mask=FILE, count=2, size="512x512", inline=True, origin=edits.name
    )
    assert edits.read_request(edits.write_request(image, Target(model="m")).value).value == image


@pytest.mark.parametrize("size", ["9" * 5000 + "x1", "1x" + "9" * 5000, "0x0", "wide"])
def test_a_size_that_is_none_is_no_fault_of_ours(size: str) -> None:
    for name in ("fal_images", "stability_images", "imagen_images"):
        provider_task_wire(name).write_request(ImageRequest(prompt="cat", size=size), Target(model="fal-ai/x"))


def test_how_many_images_are_paid_for_is_said_in_one_way() -> None:
    asked = ImageRequest(prompt="cat", extra={"num_images": 40})
    with pytest.raises(BadRequestError, match="num_images"):
        provider_task_wire("fal_images").write_request(asked, Target(model="fal-ai/x"))


@pytest.mark.parametrize("model", ["fal-ai/../x", "fal-ai//x", ".", "../../secrets"])
def test_a_model_does_not_leave_fals_paths(model: str) -> None:
    with pytest.raises(BadRequestError):
        provider_task_wire("fal_images").write_request(ImageRequest(prompt="cat"), Target(model=model))
