"""Amazon Polly behind /v1/audio/speech and a program's `speech`: signed, in its own words, paid by the character."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

import tollbridge
from tests.aws import ACCESS_KEY, SECRET_KEY, Asked, Service, Told, is_signed, serving
from tests.server.accounted import accounted
from tests.server.test_task_media import client
from tests.server.test_tasks import entry_of
from tollbridge.providers.resolve import Given, resolve
from tollbridge.providers.table import ROWS


def answers(asked: Asked) -> Told:
    if not is_signed(asked):
        return Told(b'{"message":"The security token is invalid."}', 403)
    body = asked.json()
    if body["VoiceId"] == "Nobody":
        return Told(b'{"message":"Invalid VoiceId."}', 400, headers={"x-amzn-errortype": "ValidationException"})
    kind = {"mp3": "audio/mpeg", "ogg_opus": "audio/ogg", "pcm": "audio/pcm"}[body["OutputFormat"]]
    counted = {"x-amzn-RequestCharacters": "5"} if body["TextType"] == "ssml" else {}
    return Told(b"sound", content_type=kind, headers=counted)


@pytest.fixture
def aws() -> Iterator[Service]:
    with serving(answers) as service:
        yield service


def place(aws: Service) -> dict[str, str]:
    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "aws_region_name": "eu-west-1"}
    return {"api_base": aws.url, **keys}


async def test_polly_speaks_by_its_engines_and_is_paid_by_the_character(aws: Service, tmp_path: Path) -> None:
    params = {"model": "aws_polly/neural", **place(aws)}
    text = json.dumps({"model_list": [{"model_name": "m", "litellm_params": params}]})
    async with accounted(text, tmp_path) as gateway:
        async with client(gateway) as asking:
            spoken = await asking.audio.speech.create(model="m", voice="alloy", input="Hällo!")
            assert await spoken.aread() == b"sound"
            told = await entry_of(gateway)
            marked = "<speak>Hello</speak>"
            await asking.audio.speech.create(
                model="m",
                voice="Vicki",
                input=marked,
                response_format="opus",
                speed=1.5,
                extra_body={"language_code": "de-DE", "sample_rate": 24000},
            )
            pcm = await asking.audio.speech.create(model="m", voice="Vicki", input="x", response_format="pcm")
            assert pcm.response.headers["content-type"] == "audio/pcm"
            for wrong in ({"voice": "../x"}, {"voice": "Vicki", "response_format": "flac"}, {"voice": "Nobody"}):
                with pytest.raises(openai.BadRequestError):
                    await asking.audio.speech.create(model="m", input="x", **wrong)  # type: ignore[arg-type]
        records = [record for record in gateway.records if record.endpoint.endswith("/speech")][:3]
    first, second, third = (one.json() for one in aws.asked[:3])
    plain = {"Engine": "neural", "VoiceId": "Joanna", "OutputFormat": "mp3", "Text": "Hällo!", "TextType": "text"}
    assert first == plain
    assert second == {
        "Engine": "neural",
        "VoiceId": "Vicki",
        "OutputFormat": "ogg_opus",
        "Text": marked,
        "TextType": "ssml",
        "LanguageCode": "de-DE",
        "SampleRate": "24000",
    }
    assert third["OutputFormat"] == "pcm"
    assert {one.target for one in aws.asked} == {"/v1/speech"}
    assert {one.signed_for[1:] for one in aws.asked} == {("eu-west-1", "polly")}
    assert told["cost_nanousd"] == 6 * 16_000
    assert [record.cost_nanousd for record in records] == [6 * 16_000, 5 * 16_000, 1 * 16_000]
    assert [record.caveats for record in records] == [
        (),
        ("dropped_param $.speed",),
        ("approximated $.response_format",),
    ]


async def test_what_it_gives_as_samples_is_put_into_a_wav(aws: Service) -> None:
    spoken = await tollbridge.aspeech("aws_polly/neural", "Hello", voice="Vicki", response_format="wav", **place(aws))
    with wave.open(io.BytesIO(spoken.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert sound.readframes(2) == b"soun"
    assert spoken.media_type == "audio/wav"
    assert aws.asked[0].json()["OutputFormat"] == "pcm"


@pytest.mark.parametrize(
    ("operators", "asked", "rate"),
    [
        ({"SampleRate": "8000"}, {}, 8000),
        ({"SampleRate": "8000"}, {"sample_rate": 16000}, 8000),
        ({}, {"sample_rate": 8000.0}, 8000),
        ({}, {"SampleRate": "22050"}, 22050),
    ],
)
async def test_a_wav_tells_the_rate_that_was_asked_for(
    aws: Service, tmp_path: Path, operators: dict[str, str], asked: dict[str, object], rate: int
) -> None:
    params = {"model": "aws_polly/neural", "extra_body": operators, **place(aws)}
    text = json.dumps({"model_list": [{"model_name": "m", "litellm_params": params}]})
    async with accounted(text, tmp_path) as gateway:
        body = {"model": "m", "voice": "alloy", "input": "x", "response_format": "wav", **asked}
        answered = await gateway.send("POST", "/v1/audio/speech", body)
    assert aws.asked[0].json()["SampleRate"] == str(rate)
    with wave.open(io.BytesIO(answered.body)) as sound:
        assert sound.getframerate() == rate


async def test_what_the_operator_wants_in_another_format_is_put_into_no_wav(aws: Service) -> None:
    forced = {"OutputFormat": "mp3"}
    spoken = await tollbridge.aspeech(
        "aws_polly/neural", "x", voice="Vicki", response_format="wav", extra_body=forced, **place(aws)
    )
    assert (spoken.content, spoken.media_type) == (b"sound", "audio/mpeg")


async def test_a_program_asks_it_too(aws: Service) -> None:
    spoken = await tollbridge.aspeech("aws_polly/standard", "Hello", voice="nova", **place(aws))
    assert spoken.content == b"sound"
    assert aws.asked[0].json()["VoiceId"] == "Ivy"
    with pytest.raises(tollbridge.BadRequestError, match="VoiceId"):
        await tollbridge.aspeech("aws_polly/standard", "Hello", voice="Nobody", **place(aws))


def test_its_host_is_that_of_its_region() -> None:
    given = Given(extra={"aws_region_name": "eu-west-1"})
    assert resolve("aws_polly/neural", given=given, environ={}, rows=ROWS).host == "polly.eu-west-1.amazonaws.com"
