"""Google's Imagen, at AI Studio and on Vertex: `predict`.

    {"instances": [{"prompt"}], "parameters": {"sampleCount", "aspectRatio", "outputOptions": {"mimeType"}}}
    {"predictions": [{"bytesBase64Encoded", "mimeType", "prompt"}]}

https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api (seen 2026-11-26). What a filter
took out is not among the predictions, and is not paid for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import gcd
from typing import Any

import msgspec

from tollbridge.errors import APIError, ContentPolicyViolationError
from tollbridge.model.json import JsonObject
from tollbridge.model.response import IMAGES, Caveat, Usage
from tollbridge.model.tasks.image import ImageRequest, ImageResponse, Made
from tollbridge.wires.base import Target, Written
from tollbridge.wires.gemini.errors import read_error
from tollbridge.wires.images.openai import GENERATIONS
from tollbridge.wires.one_way import OneWay, dropped, extras
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "imagen_images"
PIXELS = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")
KNOWN = {
    name: name
    for name in ("aspectRatio", "personGeneration", "negativePrompt", "seed", "sampleImageSize", "safetySetting")
}


class _Prediction(msgspec.Struct):
    bytesBase64Encoded: str | None = None
    mimeType: str | None = None
    prompt: str | None = None
    raiFilteredReason: Any = None


class _Answer(msgspec.Struct):
    predictions: list[_Prediction] = []


class ImagenImages(OneWay):
    name = NAME
    task = GENERATIONS
    in_path = True

    def write_request(self, request: ImageRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        parameters: JsonObject = {"sampleCount": request.count, **fields}
        ratio, told = aspect_ratio(request.size, RATIOS)
        if ratio is not None:
            parameters.setdefault("aspectRatio", ratio)
        if request.format is not None:
            parameters["outputOptions"] = {"mimeType": f"image/{request.format}"}
        caveats = (*caveats, *told, *lost(request))
        return Written({"instances": [{"prompt": request.prompt}], "parameters": parameters}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: ImageRequest) -> ImageResponse:
        answer = read_as(_Answer, json_of(body))
        made = tuple(
            Made(data=one.bytesBase64Encoded, media_type=one.mimeType, prompt=one.prompt)
            for one in answer.predictions
            if one.bytesBase64Encoded
        )
        if not made:
            why = next((str(one.raiFilteredReason) for one in answer.predictions if one.raiFilteredReason), "")
            raise ContentPolicyViolationError(f"The provider made no image. {why}".strip(), code="content_filter")
        return ImageResponse(images=made, usage=Usage(units={IMAGES: len(made)}, origin=NAME), origin=NAME)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return read_error(status, headers, body)


def aspect_ratio(size: str | None, known: tuple[str, ...]) -> tuple[str | None, tuple[Caveat, ...]]:
    """The nearest of the `known` ones to a size in pixels; a ratio as it was said."""
    if size is None or size == "auto":
        return None, ()
    if size in known:
        return size, ()
    found = PIXELS.fullmatch(size)
    width, height = (int(found[1]), int(found[2])) if found is not None else (0, 0)
    if not width or not height:
        return None, (dropped("size", "this provider knows shapes, such as 16:9"),)
    nearest = min(known, key=lambda ratio: abs(_share(ratio) - width / height))
    shared = gcd(width, height)
    exact = nearest == f"{width // shared}:{height // shared}"
    about = Caveat(
        code="approximated", where="$.size", detail=f"this provider knows shapes, not sizes: it was asked for {nearest}"
    )
    return nearest, () if exact else (about,)


def _share(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height)


def unmet(**wishes: object) -> list[Caveat]:
    """What a format has no word for, by OpenAI's names."""
    return [dropped(name) for name, value in wishes.items() if value not in (None, "auto")]


def lost(request: ImageRequest) -> tuple[Caveat, ...]:
    """What the formats that answer with base64 alone have no word for."""
    caveats = unmet(quality=request.quality, background=request.background, mask=request.mask)
    if request.inline is False:
        caveats.append(dropped("response_format", "this provider gives images as base64"))
    return tuple(caveats)


IMAGEN_IMAGES = ImagenImages()
