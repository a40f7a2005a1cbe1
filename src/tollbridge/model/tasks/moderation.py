"""Whether texts and images are harmful, by category."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.tasks.embedding import ImageInput
from tollbridge.model.tasks.task import TaskRequest, TaskResponse


class ModerationRequest(TaskRequest, frozen=True, kw_only=True):
    """`inputs`: each is judged for itself; one that is several is text and images that belong together."""

    inputs: tuple[str | tuple[str | ImageInput, ...], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        parts = (part for item in self.inputs for part in ((item,) if isinstance(item, str) else item))
        return tuple(part for part in parts if isinstance(part, str))


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """`scores`: from 0 to 1. Categories are the provider's own words."""

    flagged: bool
    categories: Mapping[str, bool]
    scores: Mapping[str, float] = {}
    extra: JsonObject = {}


class ModerationResponse(TaskResponse, frozen=True, kw_only=True):
    results: tuple[Judged, ...]
