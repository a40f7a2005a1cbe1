"""Deepgram's transcriptions: the recording as it is, all that is wished in the query.

    POST /v1/listen?model=nova-3&language=en&punctuate=true
    {"metadata": {"request_id", "duration"},
     "results": {"channels": [{"alternatives": [{"transcript", "words": [{"word", "punctuated_word", "start", "end"}]}],
                               "detected_language"}],
                 "utterances": [{"start", "end", "transcript", "speaker"}]}}

Each channel that was written down is paid for. Without a language it hears English, unless `detect_language` is said.
https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded, deepgram-sdk 7.17 (seen 2026-11-26)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.response import AUDIO_MS, Usage
from tollbridge.model.tasks.transcription import Span, TranscriptionRequest, TranscriptionResponse
from tollbridge.wires.audio.openai_transcriptions import TRANSCRIPTIONS
from tollbridge.wires.base import Target, Written
from tollbridge.wires.failure import json_or_none
from tollbridge.wires.one_way import OneWay, dropped, extras
from tollbridge.wires.openai_chat import errors
from tollbridge.wires.tap import text_of
from tollbridge.wires.task import At, Blob, Content, Heads, json_of, read_as

NAME = "deepgram_listen"
KNOWN = {
    name: name
    for name in (
        *("detect_entities", "detect_language", "diarize", "diarize_model", "dictation", "encoding", "filler_words"),
        *("intents", "keyterm", "keywords", "language_hint", "measurements", "mip_opt_out", "multichannel", "numerals"),
        *("paragraphs", "profanity_filter", "punctuate", "redact", "replace", "search", "sentiment", "smart_format"),
        *("summarize", "tag", "topics", "utt_split", "utterances", "version"),
    )
}
"""Of what it takes, all that changes neither who is answered (`callback`) nor that it is."""
_OF_SEGMENTS = frozenset({"srt", "vtt", "verbose_json"})


class _Alternative(msgspec.Struct):
    transcript: str = ""
    words: list[dict[str, Any]] = []


class _Channel(msgspec.Struct):
    alternatives: list[_Alternative] = []
    detected_language: Any = None


class _Results(msgspec.Struct):
    channels: list[_Channel]
    utterances: list[dict[str, Any]] | None = None


class _Metadata(msgspec.Struct):
    request_id: Any = None
    duration: Any = None


class _Answer(msgspec.Struct):
    results: _Results
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class DeepgramListen(OneWay):
    name = NAME
    task = TRANSCRIPTIONS

    def write_request(self, request: TranscriptionRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        for name, value in (("prompt", request.prompt), ("temperature", request.temperature)):
            if value is not None:
                caveats = (*caveats, dropped(name))
        said = {"model": to.model, "punctuate": "true"}
        if request.format in _OF_SEGMENTS:
            said["utterances"] = "true"
        if request.language is not None:
            said["language"] = request.language
        query = tuple((name, str(value)) for name, value in {**said, **fields}.items())
        file = request.file
        return Written(At(Blob(file.data, file.media_type), query=query), caveats)

    def read_response(self, body: bytes, heads: Heads, asked: TranscriptionRequest) -> TranscriptionResponse:
        answer = read_as(_Answer, json_of(body))
        best = [channel.alternatives[0] for channel in answer.results.channels if channel.alternatives]
        heard = next((text_of(channel.detected_language) for channel in answer.results.channels), "")
        seconds = answer.metadata.duration
        duration = float(seconds) if isinstance(seconds, int | float) else None
        usage = None
        if duration is not None:
            channels = max(1, len(answer.results.channels))
            usage = Usage(units={AUDIO_MS: round(duration * 1000) * channels}, origin=NAME)
        return TranscriptionResponse(
            id=text_of(answer.metadata.request_id),
            text="\n".join(one.transcript for one in best),
            language=heard or asked.language,
            duration_s=duration,
            words=tuple(_span(word, "punctuated_word", "word") for one in best for word in one.words),
            segments=tuple(_span(one, "transcript") for one in answer.results.utterances or ()),
            usage=usage,
            origin=NAME,
        )

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        """`{"err_code", "err_msg"}`, or `{"category", "message", "details"}`."""
        told = json_or_none(body)
        if isinstance(told, dict) and isinstance(told.get("err_msg"), str):
            said = {"message": told["err_msg"], "code": told.get("err_code")}
            body = msgspec.json.encode({"error": said})
        return errors.read_error(status, headers, body)


def _span(value: dict[str, Any], *texts: str) -> Span:
    speaker = value.get("speaker")
    start, end = (value.get(name) for name in ("start", "end"))
    return Span(
        text=next((said for name in texts if (said := text_of(value.get(name)))), ""),
        start_s=float(start) if isinstance(start, int | float) else 0.0,
        end_s=float(end) if isinstance(end, int | float) else 0.0,
        speaker=None if speaker is None else str(speaker),
    )


DEEPGRAM_LISTEN = DeepgramListen()
