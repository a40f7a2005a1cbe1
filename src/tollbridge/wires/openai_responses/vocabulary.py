"""The words of the Responses format that several files need.

Format: https://platform.openai.com/docs/api-reference/responses, https://www.openresponses.org/specification and the
types of the openai SDK 2.54 (all seen 2026-11-26), and the exchanges in ../shared/recordings.

An *item* is what `input` and `output` are lists of: a message, reasoning, a call, the output of a call, what the
provider ran itself.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.wires.dialects import RESPONSES

T = TypeVar("T")

NAME = RESPONSES
PATH = "/responses"

# Keys of a part's `extra` that no JSON body uses for a field. Only this wire reads them.
ITEM = "(item)"  # the fields of the message that the part is the first of; without it, it belongs to the one before
FIELD = "(field)"  # the field or type that the part stood in, where a part of its kind has several to stand in
SPELLED = "(spelled)"  # how a thing that has several spellings was spelled
BREAKS = "(breaks)"  # the lengths of all pieces of a reasoning text but the last; a blank line stands between two
LOGPROBS = "(logprobs)"  # how many of the choice's log probabilities are this text's

BETWEEN_PIECES = "\n\n"
LOGPROBS_ASKED = "message.output_text.logprobs"
REASONING_ASKED = "reasoning.encrypted_content"

STATEFUL = ("previous_response_id", "conversation", "prompt")
"""Fields that point at what the provider keeps: without it, the request would mean something else."""

CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items that are calls of the client's tools, and the field with their text."""
OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})


def string(value: Json) -> str:
    if value.__class__ is not str:
        raise TypeError("expected a string")
    return value


def take(rest: JsonObject, key: str, *kinds: type[T]) -> T | None:
    """The value of `key` out of `rest`. None, and left where it is, where it is null or absent."""
    value = rest.get(key)
    if value is None:
        return None
    if value.__class__ not in kinds:
        raise TypeError(key)
    del rest[key]
    return value


def without(value: JsonObject, *known: str) -> JsonObject:
    return {key: held for key, held in value.items() if key not in known}


def made_id(prefix: str, *of: Json) -> str:
    """An id for what has none: the same for the same things, so that this stays a pure function."""
    return f"{prefix}_tb{hashlib.blake2b(msgspec.json.encode(of), digest_size=16).hexdigest()}"


def dropped_part(where: str, detail: str) -> Caveat:
    return Caveat(code="dropped_part", where=where, detail=detail)


def approximated(where: str, detail: str) -> Caveat:
    return Caveat(code="approximated", where=where, detail=detail)
