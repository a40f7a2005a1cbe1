"""What is said in a recording."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.tasks.task import AUDIO_MS, TaskRequest, TaskResponse, Upload

LEAST_BYTES_PER_S = 750
"""Speech is not recorded in less than 6 kbit/s (Opus, RFC 6716 section 2.1.1): so long can a file of this size be."""


class TranscriptionRequest(TaskRequest, frozen=True, kw_only=True):
    """`translate`: into English. `format`: `json`, `text`, `srt`, `verbose_json`, `vtt`. `timestamps`: of `word`s and
    `segment`s."""

    file: Upload
    translate: bool = False
    language: str | None = None
    prompt: str | None = None
    format: str = "json"
    temperature: float | None = None
    timestamps: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.prompt or "",)

    @property
    def units(self) -> dict[str, int]:
        return {AUDIO_MS: -(-len(self.file.data) * 1000 // LEAST_BYTES_PER_S)}


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A word or a segment, by seconds from the beginning."""

    text: str
    start_s: float
    end_s: float
    speaker: str | None = None
    extra: JsonObject = {}


class TranscriptionResponse(TaskResponse, frozen=True, kw_only=True):
    text: str
    language: str | None = None
    duration_s: float | None = None
    words: tuple[Span, ...] = ()
    segments: tuple[Span, ...] = ()
