"""Sound and images through a serving gateway, with OpenAI's client: forms in, bytes out, and what they cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.server.accounted import accounted
from tests.server.tasks_upstream import Provider
from tests.server.test_tasks import client, entry_of, one
from tests.transport.upstream import Upstream
from tollbridge.model.tasks.task import Upload
from tollbridge.wires.multipart import write_form
from tollbridge.wires.task import Form

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
