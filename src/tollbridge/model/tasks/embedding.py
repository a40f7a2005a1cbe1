"""Vectors of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tollbridge.model.tasks.task import TaskRequest, TaskResponse

Purpose = Literal["query", "document", "classification", "clustering", "similarity"]
"""What the vectors are for, where a model makes others for each."""


class ImageInput(msgspec.Struct, frozen=True, tag="image"):
    """An image by its link, or as a `data:` URL."""

    url: str


Input = str | tuple[int, ...] | ImageInput
"""A text, a text as tokens of the model's, or an image."""


class EmbeddingRequest(TaskRequest, frozen=True, kw_only=True):
    """`packed`: the client wants base64 of little-endian 32-bit floats. `raw_purpose`: a word for what the vectors are
    for that is none of `Purpose`, as it was said. `truncate`: whether what is too long may be cut; None where nobody
    said."""

    inputs: tuple[Input, ...]
    dimensions: int | None = None
    packed: bool = False
    purpose: Purpose | None = None
    raw_purpose: str | None = None
    truncate: bool | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(item for item in self.inputs if isinstance(item, str))


class EmbeddingResponse(TaskResponse, frozen=True, kw_only=True):
    """`vectors`: one for each input, in their order."""

    vectors: tuple[Sequence[float], ...]
