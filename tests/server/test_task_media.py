"""Sound and images through a serving gateway, with OpenAI's client: forms in, bytes out, and what they cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import openai
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


async def test_stability_is_asked_by_a_form_and_paid_by_the_image(tmp_path: Path) -> None:
    provider = Provider().at("/core", {"image": "AAAA", "finish_reason": "SUCCESS", "seed": 4})
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "stability/stable-image-core"), tmp_path) as gateway:
            async with client(gateway) as asking:
                made = await asking.images.generate(
                    model="m", prompt="A cat", size="1024x1024", extra_body={"negative_prompt": "dogs"}
                )
    assert [image.b64_json for image in made.data or ()] == ["AAAA"]
    [asked] = provider.asked
    assert asked.path.endswith("/stable-image/generate/core")
    assert asked.headers["accept"] == "application/json"
    assert dict(asked.form.fields) == {"prompt": "A cat", "aspect_ratio": "1:1", "negative_prompt": "dogs"}


async def test_what_stability_filtered_is_told_as_such(tmp_path: Path) -> None:
    provider = Provider().at("/sd3", {"image": "", "finish_reason": "CONTENT_FILTERED", "seed": 4})
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "stability/sd3.5-large"), tmp_path) as gateway:
            async with client(gateway) as asking:
                with pytest.raises(openai.BadRequestError) as refused:
                    await asking.images.generate(model="m", prompt="A cat")
    assert refused.value.code == "content_filter"
    assert ("model", "sd3.5-large") in provider.asked[0].form.fields


async def test_fal_has_the_model_in_its_path(tmp_path: Path) -> None:
    pictures = [
        {"url": "https://v3.fal.media/files/a.png", "content_type": "image/png", "width": 512, "height": 256},
        {"url": "data:image/jpeg;base64,AAAA", "content_type": "image/jpeg"},
    ]
    provider = Provider().at("/fal-ai/flux/schnell", {"images": pictures, "seed": 1, "prompt": "A cat"})
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "fal_ai/fal-ai/flux/schnell"), tmp_path) as gateway:
            async with client(gateway) as asking:
                made = await asking.images.generate(
                    model="m", prompt="A cat", n=2, size="512x256", extra_body={"num_inference_steps": 4}
                )
            told = await entry_of(gateway)
    assert [(image.url, image.b64_json) for image in made.data or ()] == [(pictures[0]["url"], None), (None, "AAAA")]
    [asked] = provider.asked
    assert asked.headers["authorization"].startswith("Key ")
    assert asked.body == {
        "prompt": "A cat",
        "num_inference_steps": 4,
        "num_images": 2,
        "image_size": {"width": 512, "height": 256},
    }
    assert told["row"]["custom_llm_provider"] == "fal_ai"


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


# vendors who do nothing else

LISTENED = {
    "metadata": {"request_id": "dg-1", "duration": 12.5, "channels": 1},
    "results": {
        "channels": [
            {
                "detected_language": "en",
                "alternatives": [
                    {
                        "transcript": "Hi there. Bye.",
                        "confidence": 0.9,
                        "words": [
                            {"word": "hi", "punctuated_word": "Hi", "start": 0.1, "end": 0.4, "speaker": 0},
                            {"word": "there", "punctuated_word": "there.", "start": 0.5, "end": 0.9, "speaker": 0},
                            {"word": "bye", "punctuated_word": "Bye.", "start": 3.0, "end": 3.5, "speaker": 1},
                        ],
                    }
                ],
            }
        ],
        "utterances": [
            {"start": 0.1, "end": 0.9, "transcript": "Hi there.", "speaker": 0},
            {"start": 3.0, "end": 3.5, "transcript": "Bye.", "speaker": 1},
        ],
    },
}
SRT = "1\n00:00:00,100 --> 00:00:00,900\nHi there.\n\n2\n00:00:03,000 --> 00:00:03,500\nBye.\n\n"
WRITTEN = {
    "language_code": "eng",
    "text": "Hi there. Bye.",
    "transcription_id": "el-1",
    "audio_duration_secs": 10.0,
    "words": [
        {"text": "Hi", "start": 0.1, "end": 0.4, "type": "word", "speaker_id": "speaker_0", "logprob": 0.0},
        {"text": " ", "start": 0.4, "end": 0.5, "type": "spacing", "speaker_id": "speaker_0", "logprob": 0.0},
        {"text": "there.", "start": 0.5, "end": 0.9, "type": "word", "speaker_id": "speaker_0", "logprob": 0.0},
        {"text": "Bye.", "start": 3.0, "end": 3.5, "type": "word", "speaker_id": "speaker_1", "logprob": 0.0},
    ],
}


@pytest.mark.parametrize("format", ["json", "verbose_json", "text", "srt"])
async def test_deepgram_is_sent_the_recording_itself(tmp_path: Path, format: str) -> None:
    provider = Provider(listen=LISTENED)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "deepgram/nova-3"), tmp_path) as gateway:
        async with client(gateway) as asking:
            made: Any = await asking.audio.transcriptions.create(
                model="m",
                file=("s.mp3", b"\xff\xfb\x00" * 100, "audio/mpeg"),
                response_format=format,  # type: ignore[call-overload]
                timestamp_granularities=["word"],
                prompt="names",
                extra_body={"diarize": True, "callback": "https://example.com"},
            )
        told = await entry_of(gateway)
        assert gateway.records[0].caveats == ("dropped_param $.callback", "dropped_param $.prompt")
    asked = provider.asked[0]
    assert asked.raw == b"\xff\xfb\x00" * 100
    assert asked.headers["content-type"] == "audio/mpeg"
    assert asked.headers["authorization"].startswith("Token ")
    query = dict(parse_qsl(asked.path.partition("?")[2]))
    utterances = {"utterances": "true"} if format in ("srt", "verbose_json") else {}
    assert query == {"model": "nova-3", "punctuate": "true", "diarize": "true", **utterances}
    if format == "json":
        assert made.text == "Hi there. Bye."
    elif format == "verbose_json":
        assert [word.word for word in made.words] == ["Hi", "there.", "Bye."]
        assert [segment.text for segment in made.segments] == ["Hi there.", "Bye."]
        assert (made.duration, made.language) == (12.5, "en")
    else:
        assert made == {"text": "Hi there. Bye.\n", "srt": SRT}[format]
    assert told["cost_nanousd"] == round(12.5 * 71_670)
    assert told["estimated"] is False


async def test_deepgram_is_paid_for_each_channel_and_its_words_for_a_failure_are_kept(tmp_path: Path) -> None:
    both = {**LISTENED, "results": {"channels": LISTENED["results"]["channels"] * 2}}  # type: ignore[index]
    provider = Provider(listen=both)
    async with Upstream(provider) as upstream, accounted(one(upstream.port, "deepgram/nova-3"), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.audio.transcriptions.create(
                model="m", file=("s.wav", b"x"), language="de", extra_body={"multichannel": True}
            )
            told = await entry_of(gateway)
            provider.at("/listen", (400, {"err_code": "Bad Request", "err_msg": "corrupt data", "request_id": "r"}))
            with pytest.raises(openai.BadRequestError, match="corrupt data"):
                await asking.audio.transcriptions.create(model="m", file=("s.wav", b"x"))
            provider.at("/listen", {"metadata": {}})
            with pytest.raises(openai.InternalServerError, match="results"):
                await asking.audio.transcriptions.create(model="m", file=("s.wav", b"x"))
    assert made.text == "Hi there. Bye.\nHi there. Bye."
    assert "language=de" in provider.asked[0].path
    assert told["cost_nanousd"] == (25 * 71_670)


@pytest.mark.parametrize("format", ["json", "verbose_json", "srt"])
async def test_elevenlabs_writes_down(tmp_path: Path, format: str) -> None:
    provider = Provider().at("/speech-to-text", WRITTEN)
    async with Upstream(provider) as upstream:
        async with (
            accounted(one(upstream.port, "elevenlabs/scribe_v1"), tmp_path) as gateway,
            client(gateway) as asking,
        ):
            made: Any = await asking.audio.transcriptions.create(
                model="m",
                file=("s.mp3", b"sound", "audio/mpeg"),
                language="en",
                temperature=0.5,
                response_format=format,  # type: ignore[call-overload]
                extra_body={"diarize": True, "webhook": True},
            )
            told = await entry_of(gateway)
            assert gateway.records[0].caveats == ("dropped_param $.webhook",)
    asked = provider.asked[0]
    assert "xi-api-key" in asked.headers
    assert "authorization" not in asked.headers
    form = asked.form
    assert {name: form.text(name) for name in ("model_id", "language_code", "temperature", "diarize", "model")} == {
        "model_id": "scribe_v1",
        "language_code": "en",
        "temperature": "0.5",
        "diarize": "true",
        "model": None,
    }
    assert form.uploads("file")[0].data == b"sound"
    if format == "json":
        assert made.text == "Hi there. Bye."
    elif format == "verbose_json":
        assert [segment.text for segment in made.segments] == ["Hi there.", "Bye."]
        assert (made.duration, made.language) == (10.0, "eng")
    else:
        assert made == SRT
    assert told["cost_nanousd"] == 10 * 61_100


async def test_elevenlabs_speaks_by_a_voice_in_its_path(tmp_path: Path) -> None:
    provider = (
        Provider().at("/21m00Tcm4TlvDq8ikWAM", (b"ID3sound", "audio/mpeg")).at("/own-voice", (b"pcm", "audio/pcm"))
    )
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "elevenlabs/eleven_multilingual_v2"), tmp_path) as gateway:
            async with client(gateway) as asking:
                spoken = await asking.audio.speech.create(
                    model="m", voice="alloy", input="Hällo!", speed=1.1, extra_body={"voice_settings": {"style": 0.2}}
                )
                assert await spoken.aread() == b"ID3sound"
                told = await entry_of(gateway)
                await asking.audio.speech.create(
                    model="m", voice="own-voice", input="x", response_format="pcm", instructions="Softly."
                )
                for voice in ("../x", "", ".."):
                    with pytest.raises(openai.BadRequestError, match="voice"):
                        await asking.audio.speech.create(model="m", voice=voice, input="x")
                with pytest.raises(openai.BadRequestError, match="flac"):
                    await asking.audio.speech.create(model="m", voice="alloy", input="x", response_format="flac")
            assert gateway.records[-5].caveats == ("dropped_param $.instructions",)
    first, second = provider.asked
    assert first.path.endswith("/text-to-speech/21m00Tcm4TlvDq8ikWAM?output_format=mp3_44100_128")
    assert first.body == {
        "text": "Hällo!",
        "model_id": "eleven_multilingual_v2",
        "voice_settings": {"style": 0.2, "speed": 1.1},
    }
    assert second.path.endswith("?output_format=pcm_24000")
    assert told["cost_nanousd"] == 6 * 80_000


async def test_an_answer_without_an_image_costs_what_it_used_and_is_not_asked_again(tmp_path: Path) -> None:
    used = {"promptTokenCount": 100, "candidatesTokenCount": 40, "thoughtsTokenCount": 10, "totalTokenCount": 150}
    words = {"content": {"parts": [{"text": "I would rather not."}]}, "finishReason": "STOP"}
    provider = Provider().at(":generateContent", {"candidates": [words], "usageMetadata": used})
    async with Upstream(provider) as upstream:
        async with accounted(one(upstream.port, "gemini/gemini-2.5-flash-image"), tmp_path) as gateway:
            answered = await gateway.post("/v1/images/generations", {"model": "m", "prompt": "a cat"})
            told = await entry_of(gateway)
    assert answered.status == 502
    assert len(provider.asked) == 1
    assert (told["row"]["prompt_tokens"], told["row"]["completion_tokens"]) == (100, 50)
    assert told["cost_nanousd"] > 0


@pytest.mark.parametrize(
    ("model", "base", "path"),
    [
        ("stability/stable-image-core", "", "/v2beta/stable-image/generate/core"),
        ("stability/stable-image-core", "/v2beta/", "/v2beta/stable-image/generate/core"),
        ("stability/stable-image-core", "/mine", "/mine/stable-image/generate/core"),
        ("fal_ai/fal-ai/flux/schnell", "/", "/fal-ai/flux/schnell"),
        ("fal_ai/fal-ai/flux/schnell", "/fal", "/fal/fal-ai/flux/schnell"),
        ("fal_ai/fal-ai/flux/schnell", "/fal/", "/fal/fal-ai/flux/schnell"),
    ],
)
async def test_a_picture_is_asked_for_below_the_operators_address(
    tmp_path: Path, model: str, base: str, path: str
) -> None:
    provider = Provider().at("", {"image": "AAAA", "finish_reason": "SUCCESS", "images": []})
    async with Upstream(provider) as upstream:
        text = one(upstream.port, model, api_base=f"http://127.0.0.1:{upstream.port}{base}")
        async with accounted(text, tmp_path) as gateway:
            await gateway.post("/v1/images/generations", {"model": "m", "prompt": "A cat"})
    assert [asked.path for asked in provider.asked] == [path]
