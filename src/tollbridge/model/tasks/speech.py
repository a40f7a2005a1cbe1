"""A text, spoken."""

from __future__ import annotations

from tollbridge.model.tasks.task import CHARACTERS, TaskRequest, TaskResponse


class SpeechRequest(TaskRequest, frozen=True, kw_only=True):
    """`voice`: the provider's word for one. `format`: `mp3`, `opus`, `aac`, `flac`, `wav`, `pcm`. `speed`: 1 is usual.
    `instructions`: how it is to be said."""

    text: str
    voice: str | None = None
    format: str | None = None
    speed: float | None = None
    instructions: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.text, self.instructions or "")

    @property
    def units(self) -> dict[str, int]:
        return {CHARACTERS: len(self.text)}


class SpeechResponse(TaskResponse, frozen=True, kw_only=True):
    """`audio`: as `media_type` says."""

    audio: bytes
    media_type: str
