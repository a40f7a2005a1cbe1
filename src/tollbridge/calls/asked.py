"""Answers that repeat a part of their request, as one dialect wants it."""

from __future__ import annotations

import time

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Response
from tollbridge.wires.base import Head, Written
from tollbridge.wires.openai_responses import OPENAI_RESPONSES
from tollbridge.wires.openai_responses.asked import asked_of

_NOTHING: JsonObject = {}


def asked(ask: Ask) -> JsonObject:
    """What the answer repeats of this request; nothing in most dialects."""
    return {**asked_of(ask.fields), **ask.repeats} if ask.dialect.name == OPENAI_RESPONSES.name else _NOTHING


def head_of(ask: Ask, deployment: Deployment) -> Head:
    """Of a stream that this deployment answers with."""
    return Head(
        id=ask.id,
        model=deployment.model,
        created=ask.created,
        include_usage=ask.include_usage,
        origin=deployment.wire.name,
        account=deployment.account,
        seals=ask.seals,
        asked=asked(ask),
        clock=time.time,
    )


def write(ask: Ask, response: Response) -> Written[JsonObject]:
    """A whole answer, for the client that asked."""
    if ask.dialect.name == OPENAI_RESPONSES.name:
        return OPENAI_RESPONSES.write_response(response, ask.seals, asked(ask), time.time())
    return ask.dialect.write_response(response, ask.seals)
