"""OpenAI's transcriptions and translations: a form with a file.

    file, model, language, prompt, response_format, temperature, timestamp_granularities[], stream, ...
    {"text", "usage"}, {"text", "language", "duration", "segments", "words"}, or plain text: text, srt, vtt

A stream is `transcript.text.delta` ... `transcript.text.done` (usage). Usage is by tokens or by seconds.
https://platform.openai.com/docs/api-reference/audio/createTranscription (seen 2026-11-26)
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.model.response import AUDIO_MS, Usage
from tollbridge.model.tasks.transcription import Span, TranscriptionRequest, TranscriptionResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import extras
from tollbridge.wires.openai_task import OpenAITask, event, read_told
from tollbridge.wires.tap import Along, text_of
from tollbridge.wires.task import HEADLESS, Blob, Content, Form, Heads, Task, json_of, read_as

TRANSCRIPTIONS: Task[TranscriptionRequest, TranscriptionResponse] = Task("transcriptions")
TRANSLATIONS: Task[TranscriptionRequest, TranscriptionResponse] = Task("translations")
PLAIN = frozenset({"text", "srt", "vtt"})
_READ = frozenset(
    {"file", "model", "language", "prompt", "response_format", "temperature", "stream"}
    | {"timestamp_granularities", "timestamp_granularities[]"}
)


class _Answer(msgspec.Struct):
    text: str
    language: Any = None
    duration: Any = None
    usage: Any = None
    segments: list[dict[str, Any]] | None = None
    words: list[dict[str, Any]] | None = None


class OpenAITranscriptions(OpenAITask):
    streams = True

    def __init__(self, task: Task[TranscriptionRequest, TranscriptionResponse]) -> None:
        self.name = f"openai_{task.name}"
        self.task = task

    def read_request(self, content: Content) -> Written[TranscriptionRequest]:
        if not isinstance(content, Form):
            raise BadRequestError("A recording is sent as a form: `multipart/form-data`.", code="invalid_form")
        files = content.uploads("file")
        if len(files) != 1:
            raise BadRequestError("The form must have one `file`.", param="file")
        temperature = content.text("temperature")
        extra: JsonObject = {name: value for name, value in content.fields if name not in _READ}
        return Written(
            TranscriptionRequest(
                file=files[0],
                translate=self.task is TRANSLATIONS,
                language=content.text("language"),
                prompt=content.text("prompt"),
                format=content.text("response_format") or "json",
                temperature=None if temperature is None else _number(temperature),
                timestamps=tuple(content.texts("timestamp_granularities")),
                origin=self.name,
                extra=extra,
            )
        )

    def write_request(self, request: TranscriptionRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, self.name)
        said = [("model", to.model), ("response_format", request.format)]
        for name, value in (
            ("language", request.language),
            ("prompt", request.prompt),
            ("temperature", request.temperature),
        ):
            if value is not None:
                said.append((name, str(value)))
        said += [("timestamp_granularities[]", word) for word in request.timestamps]
        return Written(Form((("file", request.file), *said, *fields.items())), caveats)

    def read_response(self, body: bytes, heads: Heads, asked: TranscriptionRequest) -> TranscriptionResponse:
        if _is_plain(body, heads):
            return TranscriptionResponse(text=body.decode("utf-8", "replace"), origin=self.name)
        along, _ = read_told(body)
        answer = read_as(_Answer, json_of(body))
        seconds = answer.duration if isinstance(answer.duration, int | float) else None
        return TranscriptionResponse(
            text=answer.text,
            language=text_of(answer.language) or None,
            duration_s=seconds,
            words=tuple(_span(word, "word") for word in answer.words or ()),
            segments=tuple(_span(segment, "text") for segment in answer.segments or ()),
            usage=_with_duration(along.usage, seconds),
            origin=self.name,
        )

    def write_response(self, answer: TranscriptionResponse, asked: TranscriptionRequest) -> Written[JsonObject | Blob]:
        if asked.format in PLAIN:
            text = answer.text if asked.format == "text" else subtitles(answer, asked.format)
            return Written(Blob(text.encode() + b"\n", "text/plain; charset=utf-8"))
        if asked.format != "verbose_json":
            return Written({"text": answer.text, **_usage(answer)})
        told: JsonObject = {
            "task": "translate" if asked.translate else "transcribe",
            "language": answer.language or "",
            "duration": answer.duration_s or 0.0,
            "text": answer.text,
            "segments": [
                {"id": at, "start": span.start_s, "end": span.end_s, "text": span.text, **span.extra}
                for at, span in enumerate(answer.segments)
            ],
            **_usage(answer),
        }
        if "word" in asked.timestamps:
            told["words"] = [{"word": span.text, "start": span.start_s, "end": span.end_s} for span in answer.words]
        return Written(told)

    def write_stream(self, answer: TranscriptionResponse, asked: TranscriptionRequest) -> bytes:
        delta = {"type": "transcript.text.delta", "delta": answer.text}
        done = {"type": "transcript.text.done", "text": answer.text, **_usage(answer)}
        return event(delta["type"], delta) + event("transcript.text.done", done)

    def read_along(self, body: bytes, heads: Heads = HEADLESS) -> Along:
        if _is_plain(body, heads):
            return Along()
        along, fields = read_told(body)
        if not isinstance(fields.get("text"), str):
            raise BadGatewayError("The provider's answer is JSON, but holds no text.")
        seconds = fields.get("duration")
        return Along(_with_duration(along.usage, seconds if isinstance(seconds, int | float) else None), along.id)


def _is_plain(body: bytes, heads: Heads) -> bool:
    return heads.media_type.startswith(("text/", "application/x-subrip")) and not body.lstrip().startswith(b"{")


def _with_duration(usage: Usage | None, seconds: float | None) -> Usage | None:
    """The duration counts where nothing else was told of use."""
    if usage is not None or seconds is None:
        return usage
    return Usage(units={AUDIO_MS: round(seconds * 1000)}, origin="openai")


def _usage(answer: TranscriptionResponse) -> JsonObject:
    usage = answer.usage
    if usage is None:
        return {}
    if usage.input or usage.output:
        total = usage.input + usage.output
        told = {"input_tokens": usage.input, "output_tokens": usage.output, "total_tokens": total}
        return {"usage": {"type": "tokens", **told}}
    heard = (usage.units or {}).get(AUDIO_MS)
    return {} if heard is None else {"usage": {"type": "duration", "seconds": heard / 1000}}


def _span(value: JsonObject, text: str) -> Span:
    """Raises BadGatewayError."""
    try:
        return Span(
            text=str(value[text]),
            start_s=float(value["start"]),
            end_s=float(value["end"]),
            speaker=text_of(value.get("speaker")) or None,
            extra={name: kept for name, kept in value.items() if name not in (text, "start", "end", "id")},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadGatewayError("The provider's answer has a part of the recording without its time.") from error


def subtitles(answer: TranscriptionResponse, format: str) -> str:
    """SubRip, or WebVTT. Without segments all is one."""
    spans = answer.segments or (Span(text=answer.text, start_s=0.0, end_s=answer.duration_s or 0.0),)
    comma = "," if format == "srt" else "."
    blocks = [f"{_clock(span.start_s, comma)} --> {_clock(span.end_s, comma)}\n{span.text.strip()}\n" for span in spans]
    if format == "srt":
        return "\n".join(f"{number}\n{block}" for number, block in enumerate(blocks, 1))
    return "WEBVTT\n\n" + "\n".join(blocks)


def _clock(seconds: float, comma: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{comma}{thousandths:03}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadRequestError("`temperature` must be a number.", param="temperature") from error


OPENAI_TRANSCRIPTIONS = OpenAITranscriptions(TRANSCRIPTIONS)
OPENAI_TRANSLATIONS = OpenAITranscriptions(TRANSLATIONS)
