"""`speech` and `transcription`, and their async twins: sound from text and text from sound, in OpenAI's words."""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.calls.exchange import Answer
from tollbridge.calls.headers import pairs
from tollbridge.model.json import JsonObject
from tollbridge.sdk.answers import told
from tollbridge.sdk.call import read_task
from tollbridge.sdk.engine import task
from tollbridge.sdk.files import File, upload
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.task_objects import SpeechResponse, TranscriptionResponse
from tollbridge.wires.audio.openai_speech import NAME as SPEECH

TRANSCRIPTIONS = "openai_transcriptions"


async def aspeech(model: str, input: str, voice: str | None = None, **parameters: Any) -> SpeechResponse:
    """A recording of `input`. `parameters`: `response_format`, `speed`, `instructions`, and what `completion` takes to
    say who answers. Raises APIError (`tollbridge.exceptions`)."""
    return await task(read_task(model, SPEECH, {"input": input, "voice": voice}, parameters), _spoken)


def _spoken(answer: Answer, known: JsonObject) -> SpeechResponse:
    response = SpeechResponse()
    response._content = answer.body
    response._media_type = next((value.decode("latin-1") for _, value in pairs((answer.kind,))), "")
    return told(response, answer, known)


async def atranscription(model: str, file: File, **parameters: Any) -> TranscriptionResponse:
    """What is said in `file`: a path, bytes, an open file, or (name, content). `parameters`: `language`, `prompt`,
    `response_format`, `temperature`, `timestamp_granularities`, and what `completion` takes to say who answers. Raises
    APIError (`tollbridge.exceptions`)."""
    said = upload(file, "file")
    return await task(read_task(model, TRANSCRIPTIONS, {}, parameters, [("file", said)]), _written)


def _written(answer: Answer, known: JsonObject) -> TranscriptionResponse:
    plain = b"json" not in answer.kind
    value = {"text": answer.body.decode("utf-8", "replace")} if plain else msgspec.json.decode(answer.body)
    return told(TranscriptionResponse(value), answer, known)


def speech(model: str, input: str, voice: str | None = None, **parameters: Any) -> SpeechResponse:
    """`aspeech` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(aspeech(model, input, voice, **parameters))


def transcription(model: str, file: File, **parameters: Any) -> TranscriptionResponse:
    """`atranscription` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(atranscription(model, file, **parameters))
