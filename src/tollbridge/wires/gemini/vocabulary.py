"""The words of Gemini's format that several files need.

Format: https://ai.google.dev/api/generate-content and
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference (seen 2026-11-26), the types of
google-genai 3.6.1, and the exchanges in ../shared/recordings. The servers read JSON as protocol buffers do
(https://protobuf.dev/programming-guides/json): a field may be said in camelCase or in snake_case. We read both
(`fields`) and write camelCase. What stands inside arguments, results, labels and schemas is no field, and stays.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat, FinishReason
from tollbridge.wires.dialects import GEMINI

T = TypeVar("T")

NAME = GEMINI

FINISH: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "CONTINUATION": "pause",
}
"""Every other reason is one that no other format has a word for: `other`."""
FINISH_WORD: dict[FinishReason, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "pause": "CONTINUATION",
    "context_window": "MAX_TOKENS",
    "other": "OTHER",
}
NUMBERED = (
    *("FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BLOCKLIST"),
    *("PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL"),
)
"""Vertex tells reasons as numbers to those who ask with `enum-encoding=int` (aiplatform/v1/content.proto, seen
2026-11-26)."""

# Keys of `extra` that no JSON body uses for a field. Only this wire reads them.
ON = "(on)"  # a signature that stood on the part before it, not in a part of its own
INNER = "(inner)"  # what else stood beside a medium's bytes or address
SCHEMA = "(schema)"  # a schema as it came, where it came in Gemini's own words

MADE_ID = "call_tb"
"""How the ids begin that we give to calls without one. They stay here: no server of this format is told them."""

REDACTED = "redacted\n"
"""How a seal's payload begins where it holds thinking whose text is withheld."""


@lru_cache(maxsize=2048)
def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join([word[:1].upper() + word[1:] for word in rest])


def fields(value: Json) -> JsonObject:
    """A copy of an object, its keys in camelCase. Raises TypeError where it is none, or says a field twice."""
    if value.__class__ is not dict:
        raise TypeError("expected an object")
    if "_" not in "".join(value):  # one search, where a loop over the keys would take five times as long
        return value.copy()
    named = {_camel(key) if key[:1] != "_" else key: held for key, held in value.items()}
    if len(named) < len(value):
        raise TypeError("a field is said twice, in camelCase and in snake_case")
    return named


def string(value: Json) -> str:
    if value.__class__ is not str:
        raise TypeError("expected a string")
    return value


def listed(value: Json) -> list[Json]:
    if value.__class__ is not list:
        raise TypeError("expected a list")
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


def caveat(code: str, where: str, detail: str) -> Caveat:
    return Caveat(code=code, where=where, detail=f"{detail[0].upper()}{detail[1:]}.")


def approximated(name: str, how: str) -> Caveat:
    return Caveat(code="approximated", where=f"$.{name}", detail=f"`{name}`: {how}.")
