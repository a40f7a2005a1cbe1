"""OpenAI's moderation.

    {"model", "input": text, texts, or parts that belong together}
    {"id", "model", "results": [{"flagged", "categories": {...}, "category_scores": {...}}]}

https://platform.openai.com/docs/api-reference/moderations (seen 2026-11-26), and a recorded exchange. It tells of no
use, and costs nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.tasks.embedding import ImageInput
from tollbridge.model.tasks.moderation import Judged, ModerationRequest, ModerationResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import extras
from tollbridge.wires.openai_task import OpenAITask, read_told, read_usage
from tollbridge.wires.tap import Along, text_of
from tollbridge.wires.task import HEADLESS, Content, Heads, Task, json_of, read_as

NAME = "openai_moderations"
MODERATIONS: Task[ModerationRequest, ModerationResponse] = Task("moderations")


class _Result(msgspec.Struct):
    categories: dict[str, Any]
    flagged: bool | None = None
    category_scores: dict[str, float] = {}
    category_applied_input_types: Any = None


class _Answer(msgspec.Struct):
    results: list[_Result]
    model: Any = None
    usage: Any = None


class OpenAIModerations(OpenAITask):
    name = NAME
    task = MODERATIONS

    def read_request(self, content: Content) -> Written[ModerationRequest]:
        if not isinstance(content, dict):
            raise BadRequestError("A moderation is asked for in JSON.", code="invalid_json")
        known = dict(content)
        known.pop("model", None)
        return Written(ModerationRequest(inputs=_inputs(known.pop("input", None)), origin=NAME, extra=known))

    def write_request(self, request: ModerationRequest, to: Target) -> Written[Content]:
        body, caveats = extras(request, NAME)
        match request.inputs:
            case (tuple() as parts,):
                body["input"] = [_part(part) for part in parts]
            case inputs:
                body["input"] = [item for item in inputs if isinstance(item, str)]
        return Written({"model": to.model, **body}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: ModerationRequest) -> ModerationResponse:
        along, _ = read_told(body)
        answer = read_as(_Answer, json_of(body))
        return ModerationResponse(
            results=tuple(_judged(one) for one in answer.results),
            id=along.id,
            model=text_of(answer.model),
            usage=read_usage(answer.usage, NAME),
            origin=NAME,
        )

    def write_response(self, answer: ModerationResponse, asked: ModerationRequest) -> Written[JsonObject]:
        return Written(
            {
                "id": answer.id,
                "model": answer.model,
                "results": [
                    {
                        "flagged": one.flagged,
                        "categories": dict(one.categories),
                        "category_scores": dict(one.scores),
                        **one.extra,
                    }
                    for one in answer.results
                ],
            }
        )

    def read_along(self, body: bytes, heads: Heads = HEADLESS) -> Along:
        said, fields = read_told(body)
        if not isinstance(fields.get("results"), list):
            raise BadGatewayError("The provider's answer is JSON, but judges nothing.")
        return said


def _judged(one: _Result) -> Judged:
    """Who does not say whether it is flagged says it by the categories."""
    categories = {name: value is True for name, value in one.categories.items()}
    applied = one.category_applied_input_types
    return Judged(
        flagged=any(categories.values()) if one.flagged is None else one.flagged,
        categories=categories,
        scores=one.category_scores,
        extra={} if applied is None else {"category_applied_input_types": applied},
    )


def _inputs(value: Json) -> tuple[str | tuple[str | ImageInput, ...], ...]:
    """Raises BadRequestError."""
    match value:
        case str():
            return (value,)
        case [str(), *_] if all(isinstance(item, str) for item in value):
            return tuple(value)
        case [dict(), *_]:
            return (tuple(_read_part(part, at) for at, part in enumerate(value)),)
    raise BadRequestError("`input` must be a text, texts, or parts - at `$.input`.", param="input")


def _read_part(part: Json, at: int) -> str | ImageInput:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return ImageInput(url)
    raise BadRequestError(f"Expected a text or an image - at `$.input[{at}]`.", param="input")


def _part(part: str | ImageInput) -> JsonObject:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": part.url}}


OPENAI_MODERATIONS = OpenAIModerations()
