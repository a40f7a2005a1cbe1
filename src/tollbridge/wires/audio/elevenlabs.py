"""ElevenLabs: speaking, and writing down.

    POST /v1/text-to-speech/{voice}?output_format=mp3_44100_128
    {"text", "model_id", "voice_settings": {"speed"}, "language_code", "seed"}  ->  the sound

    POST /v1/speech-to-text      a form: file, model_id, language_code, temperature, diarize ...
    {"language_code", "text", "words": [{"text", "start", "end", "type", "speaker_id"}], "transcription_id",
     "audio_duration_secs"}

https://elevenlabs.io/docs/api-reference, elevenlabs 2.78 (seen 2026-11-26)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.response import AUDIO_MS, Usage
from tollbridge.model.tasks.speech import SpeechRequest, SpeechResponse
from tollbridge.model.tasks.transcription import Span, TranscriptionRequest, TranscriptionResponse
from tollbridge.wires.audio.openai_speech import SPEECH, media_type
from tollbridge.wires.audio.openai_transcriptions import TRANSCRIPTIONS
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import OneWay, dropped, extras
from tollbridge.wires.openai_task import read_told
from tollbridge.wires.tap import text_of
from tollbridge.wires.task import At, Content, Form, Heads, json_of, read_as

SPEECH_NAME, TRANSCRIPTIONS_NAME = "elevenlabs_speech", "elevenlabs_transcriptions"
FORMATS: Mapping[str, str] = {
    "mp3": "mp3_44100_128",
    "opus": "opus_48000_128",
    "pcm": "pcm_24000",
    "wav": "wav_24000",
}
"""OpenAI's words for them; its PCM has 24 kHz."""
VOICES: Mapping[str, str] = {
    "alloy": "21m00Tcm4TlvDq8ikWAM",
    "amber": "5Q0t7uMcjvnagumLfvZi",
    "ash": "AZnzlk1XvdvUeBnXmlld",
    "august": "D38z5RcWu1voky8WS1ja",
    "blue": "2EiwWnXFnvU5JabPnv8n",
    "coral": "9BWtsMINqrJLrRacOk9x",
    "lily": "EXAVITQu4vr4xnSDxMaL",
    "onyx": "29vD33N1CtxCmqQRPOHJ",
    "sage": "CwhRBWXzGAHq8TQ4Fs17",
    "verse": "CYw3kZ02Hs0563khs1Fj",
}
"""Voices of OpenAI's, and those that LiteLLM gives for them; any other name is an id."""
SPEAKS = {
    name: name
    for name in (
        *("apply_language_text_normalization", "apply_text_normalization", "audio_effects", "language_code"),
        *("next_request_ids", "next_text", "previous_request_ids", "previous_text"),
        *("pronunciation_dictionary_locators", "seed", "use_pvc_as_ivc", "voice_settings"),
    )
}
WRITES = {
    name: name
    for name in (
        *("detect_speaker_roles", "diarization_threshold", "diarize", "file_format", "keyterms", "no_verbatim"),
        *("num_speakers", "numbers_format", "seed", "tag_audio_events", "timestamps_granularity"),
        "use_speaker_library",
    )
}
"""Of what it takes, all that changes neither who is answered (`webhook`) nor what is written down (`source_url`)."""
PAUSE_S = 1.0
_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")
_ENDS = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")


class ElevenLabsSpeech(OneWay):
    name = SPEECH_NAME
    task = SPEECH

    def write_request(self, request: SpeechRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, SPEECH_NAME, SPEAKS)
        voice = VOICES.get(request.voice or "", request.voice or "")
        if not _ID.fullmatch(voice):
            raise BadRequestError(
                "`voice` must be one of ElevenLabs' ids, or a voice of OpenAI's - at `$.voice`.", param="voice"
            )
        if request.format in ("aac", "flac"):
            raise BadRequestError(
                f"ElevenLabs speaks in no {request.format}: ask for mp3, opus, pcm or wav - at `$.response_format`.",
                param="response_format",
            )
        if request.instructions is not None:
            caveats = (*caveats, dropped("instructions"))
        if request.speed is not None:
            said = fields.get("voice_settings")
            fields["voice_settings"] = {**(said if isinstance(said, dict) else {}), "speed": request.speed}
        format = FORMATS.get(request.format or "mp3", request.format or "")
        body = {"text": request.text, "model_id": to.model, **fields}
        return Written(At(body, path=f"/{voice}", query=(("output_format", format),)), caveats)

    def read_response(self, body: bytes, heads: Heads, asked: SpeechRequest) -> SpeechResponse:
        if heads.media_type.startswith("application/json") or not body:
            read_told(body)
            raise BadGatewayError("The provider's answer is not the sound that its format promises.")
        kind = heads.media_type if heads.media_type.startswith("audio/") else media_type(asked.format)
        return SpeechResponse(audio=body, media_type=kind, origin=SPEECH_NAME)


class _Word(msgspec.Struct):
    text: str
    start: float | None = None
    end: float | None = None
    type: str = "word"
    speaker_id: str | None = None


class _Answer(msgspec.Struct):
    text: str
    language_code: Any = None
    words: list[_Word] = []
    transcription_id: Any = None
    audio_duration_secs: Any = None


class ElevenLabsTranscriptions(OneWay):
    name = TRANSCRIPTIONS_NAME
    task = TRANSCRIPTIONS

    def write_request(self, request: TranscriptionRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, TRANSCRIPTIONS_NAME, WRITES)
        if request.prompt is not None:
            caveats = (*caveats, dropped("prompt"))
        said = [("model_id", to.model)]
        for name, value in (("language_code", request.language), ("temperature", request.temperature)):
            if value is not None:
                said.append((name, str(value)))
        return Written(Form((("file", request.file), *said, *fields.items())), caveats)

    def read_response(self, body: bytes, heads: Heads, asked: TranscriptionRequest) -> TranscriptionResponse:
        answer = read_as(_Answer, json_of(body))
        ends = [word.end for word in answer.words if word.end is not None]
        told = answer.audio_duration_secs
        seconds = float(told) if isinstance(told, int | float) else max(ends, default=None)
        words = tuple(
            Span(text=word.text, start_s=word.start or 0.0, end_s=word.end or 0.0, speaker=word.speaker_id)
            for word in answer.words
            if word.type != "spacing"
        )
        return TranscriptionResponse(
            id=text_of(answer.transcription_id),
            text=answer.text,
            language=text_of(answer.language_code) or None,
            duration_s=seconds,
            words=words,
            segments=tuple(sentences(words)),
            usage=None if seconds is None else _heard(seconds),
            origin=TRANSCRIPTIONS_NAME,
        )


def _heard(seconds: float) -> Usage:
    return Usage(units={AUDIO_MS: round(seconds * 1000)}, origin=TRANSCRIPTIONS_NAME)


def sentences(words: Sequence[Span]) -> Iterator[Span]:
    """Words as subtitles want them: up to the end of a sentence, a pause, or another speaker."""
    said: list[Span] = []
    for at, word in enumerate(words):
        said.append(word)
        after = words[at + 1] if at + 1 < len(words) else None
        if (
            after is None
            or word.text.endswith(_ENDS)
            or after.start_s - word.end_s > PAUSE_S
            or after.speaker != word.speaker
        ):
            text = " ".join(one.text for one in said)
            yield Span(text=text, start_s=said[0].start_s, end_s=word.end_s, speaker=word.speaker)
            said = []


ELEVENLABS_SPEECH = ElevenLabsSpeech()
ELEVENLABS_TRANSCRIPTIONS = ElevenLabsTranscriptions()
