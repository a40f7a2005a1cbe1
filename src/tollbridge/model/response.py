"""What a model answered, in no dialect."""

from __future__ import annotations

from typing import Literal, TypeGuard

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "context_window", "other"]


class Caveat(msgspec.Struct, frozen=True, kw_only=True, tag="caveat"):
    """Something that could not be carried over. `code`: a stable word (`dropped_param`, `dropped_part`,
    `approximated`, `foreign_signature`, ...). `where`: JSON path in the client's body. `detail`: one sentence.
    `refused`: the same where the loss refuses the request, without a full stop; empty where `detail` says that too."""

    code: str
    where: str
    detail: str
    refused: str = ""


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag="finish"):
    """Why a choice ended. `raw`: the wire's own word, written back by the same wire. `stop`: the stop sequence met."""

    reason: FinishReason
    raw: str | None = None
    stop: str | None = None


COUNT_MAX = 10**12
"""No answer has more tokens: who says so says nothing, as who says less than 0."""


def is_count(value: Json) -> TypeGuard[int]:
    """Of what a provider tells: a number of tokens, or of searches."""
    return value.__class__ is int and 0 <= value <= COUNT_MAX


CHARACTERS = "characters"
AUDIO_MS = "audio_ms"
IMAGES = "images"
SEARCH_UNITS = "search_units"
UNITS = (CHARACTERS, AUDIO_MS, IMAGES, SEARCH_UNITS)
"""Other measures than tokens: characters of a text to be spoken, thousandths of a second of sound that was heard,
images that were made, units of a ranking (`model/tasks`)."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, tag="usage"):
    """Tokens. `input` and `output` are totals; all others are parts of them: `cache_read`, `cache_write`,
    `audio_input`, `image_input` of `input`; `reasoning`, `audio_output`, `image_output`, `accepted_prediction`,
    `rejected_prediction` of `output`; `cache_write_1h` of `cache_write`. None: the provider did not say. `spelling`:
    where the origin's dialect says what can be said in several places; see `Request`. `units`: what was counted by
    other measures, by words of `UNITS`."""

    input: int = 0
    output: int = 0
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    image_input: int | None = None
    image_output: int | None = None
    accepted_prediction: int | None = None
    rejected_prediction: int | None = None
    web_searches: int | None = None
    origin: str = ""
    spelling: dict[str, str] = {}
    extra: JsonObject = {}
    units: dict[str, int] | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True, tag="choice"):
    """`logprobs`: OpenAI's object, verbatim: no other wire has it. `message_extra`: unknown fields of the message,
    `extra`: of the choice around it."""

    index: int = 0
    parts: tuple[Part, ...] = ()
    finish: Finish | None = None
    logprobs: Json = None
    spelling: dict[str, str] = {}
    message_extra: JsonObject = {}
    extra: JsonObject = {}


class Response(msgspec.Struct, frozen=True, kw_only=True, tag="response"):
    """`id`, `model`, `created` (epoch seconds) are the provider's. `origin`: the wire it was read from; `account`:
    whose credentials asked (hashed), set by the caller, for seals."""

    id: str = ""
    model: str = ""
    created: int | None = None
    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    origin: str = ""
    account: str = ""
    extra: JsonObject = {}
