"""`moderation` and `amoderation`: whether texts are harmful, in OpenAI's words."""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.calls.exchange import Answer
from tollbridge.model.json import JsonObject
from tollbridge.sdk.answers import told
from tollbridge.sdk.call import read_task
from tollbridge.sdk.engine import task
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.task_objects import ModerationResponse
from tollbridge.wires.moderations.openai import NAME

MODEL = "openai/omni-moderation-latest"


async def amoderation(input: object, model: str | None = None, **parameters: Any) -> ModerationResponse:
    """One result for each text of `input`; parts with images are judged together. `parameters`: what `completion` takes
    to say who answers. Raises APIError (`tollbridge.exceptions`)."""
    return await task(read_task(model or MODEL, NAME, {"input": input}, parameters), _judged)


def _judged(answer: Answer, known: JsonObject) -> ModerationResponse:
    return told(ModerationResponse(msgspec.json.decode(answer.body)), answer, known)


def moderation(input: object, model: str | None = None, **parameters: Any) -> ModerationResponse:
    """`amoderation` for a program without async, also inside a running loop (a notebook)."""
    return BACKGROUND.run(amoderation(input, model, **parameters))
