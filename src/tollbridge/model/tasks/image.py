"""Images from words, and from images."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.tasks.task import IMAGES, TaskRequest, TaskResponse, Upload


class ImageRequest(TaskRequest, frozen=True, kw_only=True):
    """`images`: what is to be changed, none where a new one is to be made; `mask`: where. `size`: `1024x1024`, or a
    word of the provider's. `inline`: as base64, not as a link; None where nobody said."""

    prompt: str
    images: tuple[Upload, ...] = ()
    mask: Upload | None = None
    count: int = 1
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    format: str | None = None
    inline: bool | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.prompt,)

    @property
    def units(self) -> dict[str, int]:
        return {IMAGES: self.count}


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """`data`: base64, or else `url`: a link that soon ends. `prompt`: as the provider rewrote it."""

    data: str | None = None
    url: str | None = None
    media_type: str | None = None
    prompt: str | None = None
    extra: JsonObject = {}


class ImageResponse(TaskResponse, frozen=True, kw_only=True):
    images: tuple[Made, ...]
