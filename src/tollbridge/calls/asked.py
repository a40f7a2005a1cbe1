"""Answers that depend on their request: one dialect repeats a part of it, one has several words for calls."""

from __future__ import annotations

import time

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Response
from tollbridge.wires.base import Head, Written
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_chat.functions import FUNCTIONS, offers_free_text, offers_functions
from tollbridge.wires.openai_responses import OPENAI_RESPONSES
from tollbridge.wires.openai_responses.asked import asked_of

_NOTHING: JsonObject = {}
_LEGACY: JsonObject = {FUNCTIONS: True}


def asked(ask: Ask) -> JsonObject:
    """What the answer must know of this request; mostly nothing."""
    if ask.dialect.name == OPENAI_RESPONSES.name:
        return {**asked_of(ask.fields), **ask.repeats}
    if ask.dialect.name == OPENAI_CHAT.name:
        if FUNCTIONS in ask.fields and offers_functions(ask.fields):
            return _LEGACY
        if offers_free_text(ask.fields):
            return {"tools": msgspec.json.decode(ask.fields["tools"])}
    return _NOTHING


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
    if ask.dialect.name == OPENAI_CHAT.name and (FUNCTIONS in ask.fields or "tools" in ask.fields):
        return OPENAI_CHAT.write_response(response, ask.seals, asked=asked(ask))
    return ask.dialect.write_response(response, ask.seals)
