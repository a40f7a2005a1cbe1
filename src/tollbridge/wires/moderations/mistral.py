"""Mistral's moderation: OpenAI's but for `flagged`, which it leaves to the reader, with texts alone.

https://docs.mistral.ai/api/endpoint/classifiers (seen 2026-11-26).
"""

from __future__ import annotations

from tollbridge.errors import BadRequestError
from tollbridge.model.tasks.moderation import ModerationRequest, ModerationResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.moderations.openai import MODERATIONS, OPENAI_MODERATIONS
from tollbridge.wires.one_way import OneWay, extras
from tollbridge.wires.task import Content, Heads

NAME = "mistral_moderations"


class MistralModerations(OneWay):
    name = NAME
    task = MODERATIONS

    def write_request(self, request: ModerationRequest, to: Target) -> Written[Content]:
        _, caveats = extras(request, NAME)
        if request.media:
            raise BadRequestError("This model judges texts, not images.", param="input", code="unsupported_input")
        texts = ["\n".join(map(str, item)) if isinstance(item, tuple) else item for item in request.inputs]
        return Written({"model": to.model, "input": texts}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: ModerationRequest) -> ModerationResponse:
        return OPENAI_MODERATIONS.read_response(body, heads, asked)


MISTRAL_MODERATIONS = MistralModerations()
