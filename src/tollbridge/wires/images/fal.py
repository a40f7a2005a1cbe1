"""fal's pictures: the model's name is the path.

    POST https://fal.run/fal-ai/flux/schnell
    {"prompt", "image_size": {"width", "height"} or "landscape_16_9", "num_images", "sync_mode", "seed", ...}
    {"images": [{"url", "width", "height", "content_type"}], "seed", "has_nsfw_concepts": [false], "prompt"}

With `sync_mode` a picture's `url` is a `data:` URL. https://apis.io/examples/fal-ai/fal-flux-schnell-example/,
https://docs.yutoai.net/en/api/api-309502688.html (seen 2026-11-27); each model has fields of its own, which go on.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import IMAGES, Caveat, Usage
from tollbridge.model.tasks.image import ImageRequest, ImageResponse, Made
from tollbridge.wires.base import Target, Written
from tollbridge.wires.images.imagen import PIXELS, aspect_ratio, unmet
from tollbridge.wires.images.openai import GENERATIONS
from tollbridge.wires.one_way import OneWay
from tollbridge.wires.task import At, Content, Heads, json_of, read_as

NAME = "fal_images"
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21")
_SHAPED = re.compile(r"ultra|imagen|nano-banana")


class _Answer(msgspec.Struct):
    images: list[dict[str, Any]]
    prompt: Any = None


class FalImages(OneWay):
    name = NAME
    task = GENERATIONS
    in_path = True

    def check_model(self, model: str) -> None:
        _path(model)

    def write_request(self, request: ImageRequest, to: Target) -> Written[Content]:
        if "num_images" in request.extra:
            raise BadRequestError("Say how many images as `n` - at `$.num_images`.", param="num_images")
        body: JsonObject = {"prompt": request.prompt, **request.extra}
        caveats = unmet(quality=request.quality, background=request.background, user=request.user, mask=request.mask)
        if request.count > 1:
            body["num_images"] = request.count
        if request.size not in (None, "auto"):
            _shape(body, request.size, to.model, caveats)
        if request.format is not None:
            body.setdefault("output_format", request.format)
        if request.inline:
            body["sync_mode"] = True
        return Written(At(body, path=_path(to.model)), tuple(caveats))

    def read_response(self, body: bytes, heads: Heads, asked: ImageRequest) -> ImageResponse:
        answer = read_as(_Answer, json_of(body))
        prompt = answer.prompt if isinstance(answer.prompt, str) and answer.prompt != asked.prompt else None
        images = tuple([_made(image, prompt) for image in answer.images])
        return ImageResponse(images=images, usage=Usage(units={IMAGES: len(images)}, origin=NAME), origin=NAME)


def _path(model: str) -> str:
    steps = model.split("/")
    if any(step in ("", ".", "..") for step in steps):
        raise BadRequestError(f"{model!r} is no model of fal's: write it as in `fal-ai/flux/schnell`.", param="model")
    return "".join([f"/{quote(step, safe='')}" for step in steps])


def _shape(body: JsonObject, size: str | None, model: str, caveats: list[Caveat]) -> None:
    """Some models take pixels, others shapes alone."""
    if not _SHAPED.search(model):
        body.setdefault("image_size", _size(size))
        return
    ratio, told = aspect_ratio(size, RATIOS)
    if ratio is not None:
        body.setdefault("aspect_ratio", ratio)
    caveats.extend(told)


def _size(said: str | None) -> Json:
    """Pixels, or one of the model's own words."""
    found = PIXELS.fullmatch(str(said))
    return said if found is None else {"width": int(found[1]), "height": int(found[2])}


def _made(image: JsonObject, prompt: str | None) -> Made:
    url, kind = image.get("url"), image.get("content_type")
    if not isinstance(url, str):
        raise BadGatewayError("The provider's answer has an image that is neither there nor linked to.")
    media_type = kind if isinstance(kind, str) else None
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        return Made(data=data, media_type=media_type or head.removeprefix("data:"), prompt=prompt)
    return Made(url=url, media_type=media_type, prompt=prompt)


FAL_IMAGES = FalImages()
