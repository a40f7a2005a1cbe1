"""Stability's pictures, one at a time, by a form.

    POST /v2beta/stable-image/generate/{core, ultra, sd3}      accept: application/json
    prompt, negative_prompt, aspect_ratio, output_format, seed, style_preset, model (of sd3 alone)
    {"image": base64, "finish_reason": "SUCCESS" or "CONTENT_FILTERED", "seed": 42}

https://apis.io/examples/stability-ai/stability-ai-generate-image-core-example/,
https://6lsfyizlhl.apifox.cn/api-205930786 (seen 2026-11-27).
"""

from __future__ import annotations

import msgspec

from tollbridge.errors import BadRequestError, ContentPolicyViolationError
from tollbridge.model.response import IMAGES, Usage
from tollbridge.model.tasks.image import ImageRequest, ImageResponse, Made
from tollbridge.wires.base import Target, Written
from tollbridge.wires.images.imagen import aspect_ratio, lost
from tollbridge.wires.images.openai import GENERATIONS
from tollbridge.wires.one_way import OneWay, extras
from tollbridge.wires.task import At, Content, Form, Heads, json_of, read_as

NAME = "stability_images"
RATIOS = ("1:1", "16:9", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
KNOWN = {name: name for name in ("aspect_ratio", "cfg_scale", "negative_prompt", "seed", "style_preset")}
_OWN_PATH = {"stable-image-core": "/core", "core": "/core", "stable-image-ultra": "/ultra", "ultra": "/ultra"}
"""By model; all others are versions of Stable Diffusion."""


class _Answer(msgspec.Struct):
    image: str = ""
    finish_reason: str = ""


class StabilityImages(OneWay):
    name = NAME
    task = GENERATIONS
    in_path = True

    def write_request(self, request: ImageRequest, to: Target) -> Written[Content]:
        if request.count > 1:
            raise BadRequestError(
                "Stability makes one image for each request: ask again for another - at `$.n`.",
                param="n",
                code="unsupported_value",
            )
        fields, caveats = extras(request, NAME, KNOWN)
        ratio, told = aspect_ratio(request.size, RATIOS)
        if ratio is not None:
            fields.setdefault("aspect_ratio", ratio)
        if request.format is not None:
            fields["output_format"] = request.format
        path = _OWN_PATH.get(to.model, "/sd3")
        if path == "/sd3":
            fields["model"] = to.model
        said = (("prompt", request.prompt), *((name, str(value)) for name, value in fields.items()))
        return Written(At(Form(said), path=path), (*caveats, *told, *lost(request)))

    def read_response(self, body: bytes, heads: Heads, asked: ImageRequest) -> ImageResponse:
        answer = read_as(_Answer, json_of(body))
        if answer.finish_reason == "CONTENT_FILTERED" or not answer.image:
            raise ContentPolicyViolationError("The provider made no image that it shows.", code="content_filter")
        made = (Made(data=answer.image, media_type=f"image/{asked.format or 'png'}"),)
        return ImageResponse(images=made, usage=Usage(units={IMAGES: 1}, origin=NAME), origin=NAME)


STABILITY_IMAGES = StabilityImages()
