"""`image_generation` and `image_edit`, and their async twins: images from words, and from images, in OpenAI's words."""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.calls.exchange import Answer
from tollbridge.model.json import JsonObject
from tollbridge.sdk.answers import told
from tollbridge.sdk.call import read_task
from tollbridge.sdk.engine import task
from tollbridge.sdk.files import File, upload
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.task_objects import ImageResponse

GENERATIONS, EDITS = "openai_images", "openai_image_edits"


async def aimage_generation(prompt: str, model: str, **parameters: Any) -> ImageResponse:
    """`parameters`: `n`, `size`, `quality`, `response_format`, and what `completion` takes to say who answers. Raises
    APIError (`tollbridge.exceptions`)."""
    return await task(read_task(model, GENERATIONS, {"prompt": prompt}, parameters), _made)


async def aimage_edit(
    image: File | list[File], prompt: str, model: str, mask: File | None = None, **parameters: Any
) -> ImageResponse:
    """`image`: one or several: paths, bytes, open files, or (name, content). `mask`: where it is to be changed. Raises
    APIError (`tollbridge.exceptions`)."""
    images = image if isinstance(image, list) else [image]
    name = "image" if len(images) == 1 else "image[]"
    uploads = [(name, upload(one, "image")) for one in images]
    if mask is not None:
        uploads.append(("mask", upload(mask, "mask")))
    return await task(read_task(model, EDITS, {"prompt": prompt}, parameters, uploads), _made)


def _made(answer: Answer, known: JsonObject) -> ImageResponse:
    return told(ImageResponse(msgspec.json.decode(answer.body)), answer, known)


def image_generation(prompt: str, model: str, **parameters: Any) -> ImageResponse:
    """`aimage_generation` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(aimage_generation(prompt, model, **parameters))


def image_edit(
    image: File | list[File], prompt: str, model: str, mask: File | None = None, **parameters: Any
) -> ImageResponse:
    """`aimage_edit` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(aimage_edit(image, prompt, model, mask, **parameters))
