"""OpenAI's images: made from words (JSON), or changed (a form with files; JSON with links where the provider has it).

    {"model", "prompt", "n", "size", "quality", "background", "output_format", "response_format", "stream", ...}
    {"created", "data": [{"b64_json" or "url", "revised_prompt"}], "usage"}

A stream is `image_generation.partial_image` ... `image_generation.completed` (usage), of edits `image_edit.*`.
https://platform.openai.com/docs/api-reference/images (seen 2026-11-26), and recorded exchanges. Usage is by tokens, of
the older models by images. xAI tells what it charged: `cost_in_usd_ticks`, ten billion of which are a dollar.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import IMAGES, Usage, is_count
from tollbridge.model.tasks.image import ImageRequest, ImageResponse, Made
from tollbridge.model.tasks.task import Upload
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import extras, set_fields
from tollbridge.wires.openai_task import OpenAITask, event, read_told
from tollbridge.wires.tap import Along
from tollbridge.wires.task import HEADLESS, Content, Form, Heads, Task, json_of, read_as

GENERATIONS: Task[ImageRequest, ImageResponse] = Task("images")
EDITS: Task[ImageRequest, ImageResponse] = Task("image_edits")
COUNT_MAX = 10
_WORDS = ("size", "quality", "background", "output_format", "response_format", "user")


class _Answer(msgspec.Struct):
    data: list[dict[str, Any]]
    created: Any = None
    usage: Any = None


class OpenAIImages(OpenAITask):
    streams = True

    def __init__(self, task: Task[ImageRequest, ImageResponse], name: str) -> None:
        self.name = name
        self.task = task

    def read_request(self, content: Content) -> Written[ImageRequest]:
        known: JsonObject
        images: list[Upload] = []
        mask: Upload | None = None
        if isinstance(content, Form):
            known = {name: value for name, value in content.fields if isinstance(value, str)}
            images = content.uploads("image")
            mask = next(iter(content.uploads("mask")), None)
        elif isinstance(content, dict):
            known = dict(content)
        else:
            raise BadRequestError("Images are asked for in JSON, or by a form.", code="invalid_json")
        if self.task is EDITS and not images and "images" not in known and "image" not in known:
            raise BadRequestError("The form must have an `image`.", param="image")
        for name in ("model", "stream"):
            known.pop(name, None)
        prompt = known.pop("prompt", None)
        if not isinstance(prompt, str) or not prompt:
            raise BadRequestError("`prompt` must be a text that is not empty - at `$.prompt`.", param="prompt")
        words = {name: known.pop(name, None) for name in _WORDS}
        for name, value in words.items():
            if value is not None and not isinstance(value, str):
                raise BadRequestError(f"`{name}` must be a text - at `$.{name}`.", param=name)
        shown = words["response_format"]
        return Written(
            ImageRequest(
                prompt=prompt,
                images=tuple(images),
                mask=mask,
                count=_count(known.pop("n", None)),
                size=words["size"],
                quality=words["quality"],
                background=words["background"],
                format=words["output_format"],
                inline=None if shown is None else shown == "b64_json",
                user=words["user"],
                origin=self.name,
                extra=known,
            )
        )

    def write_request(self, request: ImageRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, self.name, takes_user=True)
        said = set_fields(
            n=request.count if request.count > 1 else None,
            size=request.size,
            quality=request.quality,
            background=request.background,
            output_format=request.format,
            response_format=None if request.inline is None else "b64_json" if request.inline else "url",
            user=request.user,
        )
        body: JsonObject = {"model": to.model, "prompt": request.prompt, **said, **fields}
        if not request.images:
            return Written(body, caveats)
        files = [("image" if len(request.images) == 1 else "image[]", image) for image in request.images]
        files += [] if request.mask is None else [("mask", request.mask)]
        return Written(Form((*((name, str(value)) for name, value in body.items()), *files)), caveats)

    def read_response(self, body: bytes, heads: Heads, asked: ImageRequest) -> ImageResponse:
        along, _ = read_told(body)
        answer = read_as(_Answer, json_of(body))
        return ImageResponse(
            images=tuple(_made(item) for item in answer.data),
            created=answer.created if is_count(answer.created) else None,
            usage=usage_of(answer.usage, along.usage, len(answer.data)),
            origin=self.name,
        )

    def write_response(self, answer: ImageResponse, asked: ImageRequest) -> Written[JsonObject]:
        return Written(
            {
                "created": answer.created,
                "data": [
                    {**set_fields(b64_json=one.data, url=one.url, revised_prompt=one.prompt), **one.extra}
                    for one in answer.images
                ],
                **_usage(answer.usage),
            }
        )

    def write_stream(self, answer: ImageResponse, asked: ImageRequest) -> bytes:
        kind = f"image_{'edit' if self.task is EDITS else 'generation'}.completed"
        told = set_fields(created_at=answer.created, size=asked.size, quality=asked.quality, output_format=asked.format)
        return b"".join(
            event(kind, {"type": kind, **set_fields(b64_json=one.data, url=one.url), **told, **_usage(answer.usage)})
            for one in answer.images
        )

    def read_along(self, body: bytes, heads: Heads = HEADLESS) -> Along:
        along, fields = read_told(body)
        data = fields.get("data")
        if not isinstance(data, list):
            raise BadGatewayError("The provider's answer is JSON, but holds no images.")
        return Along(usage_of(fields.get("usage"), along.usage, len(data)), along.id)

    def read_event(self, event: JsonObject) -> Along | None:
        along = super().read_event(event)
        if along is None or along.usage is None:
            return along
        return Along(usage_of(event.get("usage"), along.usage, 1))


def usage_of(value: Json, told: Usage | None, images: int) -> Usage:
    """With the images that were made. Tokens that are made are those of images, where nobody says otherwise."""
    usage = told or Usage(origin="openai")
    if usage.output and usage.image_output is None:
        usage = msgspec.structs.replace(usage, image_output=usage.output)
    return msgspec.structs.replace(usage, units={IMAGES: images})


def _usage(usage: Usage | None) -> JsonObject:
    if usage is None or not (usage.input or usage.output):
        return {}
    pictures = usage.image_input or 0
    return {
        "usage": {
            "input_tokens": usage.input,
            "input_tokens_details": {"image_tokens": pictures, "text_tokens": max(0, usage.input - pictures)},
            "output_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
        }
    }


def _made(item: JsonObject) -> Made:
    data, url = item.get("b64_json"), item.get("url")
    if not isinstance(data, str) and not isinstance(url, str):
        raise BadGatewayError("The provider's answer has an image that is neither there nor linked to.")
    prompt = item.get("revised_prompt")
    return Made(
        data=data if isinstance(data, str) else None,
        url=url if isinstance(url, str) else None,
        prompt=prompt if isinstance(prompt, str) else None,
        extra={name: value for name, value in item.items() if name not in ("b64_json", "url", "revised_prompt")},
    )


def _count(value: Json) -> int:
    """Also as the text of a form."""
    if value is None:
        return 1
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if value.__class__ is int and 1 <= value <= COUNT_MAX:
        return int(value)
    raise BadRequestError(f"`n` must be a number from 1 to {COUNT_MAX} - at `$.n`.", param="n")


OPENAI_IMAGES = OpenAIImages(GENERATIONS, "openai_images")
OPENAI_IMAGE_EDITS = OpenAIImages(EDITS, "openai_image_edits")
