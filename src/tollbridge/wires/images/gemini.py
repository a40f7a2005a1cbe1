"""Images by Gemini's models, in the format of its conversations.

    {"contents": [{"role": "user", "parts": [{"inlineData"}..., {"text"}]}],
     "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio"}}}

https://ai.google.dev/gemini-api/docs/image-generation (seen 2026-11-26). One answer has one image or a few; `n` of
them are not asked for at once. Usage is by tokens.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from tollbridge.errors import APIError, BadGatewayError, BadRequestError, ContentPolicyViolationError
from tollbridge.model.json import JsonObject
from tollbridge.model.response import IMAGES, Usage
from tollbridge.model.tasks.image import ImageRequest, ImageResponse, Made
from tollbridge.wires.base import Target, Written
from tollbridge.wires.gemini.errors import read_error
from tollbridge.wires.gemini.usage import read_usage
from tollbridge.wires.images.imagen import aspect_ratio, lost
from tollbridge.wires.images.openai import GENERATIONS
from tollbridge.wires.one_way import OneWay, extras
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "gemini_images"
RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")


class _Inline(msgspec.Struct, frozen=True):
    data: str
    mimeType: str | None = None


class _Part(msgspec.Struct, frozen=True):
    inlineData: _Inline | None = None
    text: str | None = None
    thought: bool = False


class _Content(msgspec.Struct, frozen=True):
    parts: list[_Part] = []


class _Candidate(msgspec.Struct, frozen=True):
    content: _Content = _Content()
    finishReason: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    candidates: list[_Candidate] = []
    usageMetadata: Any = None
    promptFeedback: Any = None
    responseId: str = ""


class GeminiImages(OneWay):
    name = NAME
    task = GENERATIONS
    in_path = True

    def write_request(self, request: ImageRequest, to: Target) -> Written[Content]:
        if request.count > 1:
            raise BadRequestError(
                "This model makes one image at a time: leave `n` out - at `$.n`.",
                param="n",
                code="unsupported_parameter",
            )
        fields, caveats = extras(request, NAME, {"imageConfig": "imageConfig"})
        parts: list[JsonObject] = [
            {"inlineData": {"mimeType": image.media_type or "image/png", "data": base64.b64encode(image.data).decode()}}
            for image in request.images
        ]
        config: JsonObject = {"responseModalities": ["TEXT", "IMAGE"]}
        ratio, told = aspect_ratio(request.size, RATIOS)
        if ratio is not None:
            config["imageConfig"] = {"aspectRatio": ratio}
        config.update(fields)
        contents = [{"role": "user", "parts": [*parts, {"text": request.prompt}]}]
        return Written({"contents": contents, "generationConfig": config}, (*caveats, *told, *lost(request)))

    def read_response(self, body: bytes, heads: Heads, asked: ImageRequest) -> ImageResponse:
        answer = read_as(_Answer, json_of(body))
        parts = [part for candidate in answer.candidates for part in candidate.content.parts if not part.thought]
        made = tuple(
            Made(data=part.inlineData.data, media_type=part.inlineData.mimeType)
            for part in parts
            if part.inlineData is not None
        )
        if not made:
            raise _no_image(answer, " ".join(part.text for part in parts if part.text))
        usage = None if answer.usageMetadata is None else read_usage(answer.usageMetadata)
        usage = msgspec.structs.replace(usage or Usage(origin=NAME), units={IMAGES: len(made)})
        return ImageResponse(images=made, id=answer.responseId, usage=usage, origin=NAME)

    def read_spent(self, body: bytes) -> Usage | None:
        answer = read_as(_Answer, json_of(body))
        return None if answer.usageMetadata is None else read_usage(answer.usageMetadata)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return read_error(status, headers, body)


def _no_image(answer: _Answer, said: str) -> APIError:
    reasons = [candidate.finishReason for candidate in answer.candidates if candidate.finishReason]
    if answer.promptFeedback or any(reason not in ("STOP", "MAX_TOKENS") for reason in reasons):
        return ContentPolicyViolationError(
            f"The provider made no image: {', '.join(reasons) or 'the prompt was blocked'}. {said}".strip(),
            code="content_filter",
        )
    # It answered, and is paid for that: the same again would be paid again.
    return BadGatewayError(f"The provider made no image. {said}".strip(), retryable=False)


GEMINI_IMAGES = GeminiImages()
