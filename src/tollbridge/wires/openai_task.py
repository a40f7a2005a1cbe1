"""What OpenAI's formats of tasks have in common: errors as in chat, and streams of JSON events."""

from __future__ import annotations

from typing import Any

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.json import JsonObject
from tollbridge.model.response import AUDIO_MS, Usage, is_count
from tollbridge.wires.one_way import OneWay
from tollbridge.wires.openai_chat import errors
from tollbridge.wires.tap import Along, text_of
from tollbridge.wires.task import json_of, read_as

_encode = msgspec.json.Encoder().encode


class OpenAITask(OneWay):
    """Both sides of such a format, but for what is its own."""

    alive = b": \n\n"
    asks_for_usage = False

    def write_error(self, error: APIError) -> tuple[int, JsonObject]:
        return errors.write_error(error)

    def write_stream_error(self, error: APIError) -> bytes:
        return event("error", {"type": "error", **self.write_error(error)[1]})

    def read_event(self, event: JsonObject) -> Along | None:
        if event.get("error") or event.get("type") == "error":
            raise errors.read_inner_error(event if event.get("error") else {"error": event})
        usage = read_usage(event.get("usage"))
        return None if usage is None else Along(usage)


class Told(msgspec.Struct):
    """What any answer may say of itself."""

    id: Any = None
    created: Any = None
    usage: Any = None
    error: Any = None


def read_told(body: bytes) -> tuple[Along, JsonObject]:
    """What a relayed answer says of itself, and its fields. Raises APIError where it is an error in a 200."""
    value = json_of(body)
    fields = read_as(dict[str, Any], value)
    if fields.get("error"):
        raise errors.read_inner_error(value)
    return Along(read_usage(fields.get("usage")), text_of(fields.get("id"))), fields


TELLING_COST = ("cost", "is_byok", "cost_details", "cost_in_usd_ticks")  # `catalog.parts.told_cost`


def event(name: str, value: JsonObject) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode(value))


def read_usage(value: Any, origin: str = "openai") -> Usage | None:
    """OpenAI's words for tokens, those of chat and those of Responses, and of who has only a total; and for seconds."""
    if not isinstance(value, dict):
        return None
    into = _first(value, "prompt_tokens", "input_tokens")
    out = _first(value, "completion_tokens", "output_tokens")
    total = value.get("total_tokens")
    if into is None and is_count(total):
        into = max(0, total - (out or 0))
    seconds = value.get("seconds")
    heard = round(seconds * 1000) if isinstance(seconds, int | float) and is_count(int(seconds)) else None
    kept = {name: value[name] for name in TELLING_COST if name in value}
    if into is None and out is None and heard is None and not kept:
        return None
    details = value.get("input_tokens_details") or value.get("input_token_details") or {}
    made = value.get("output_tokens_details") or value.get("output_token_details") or {}
    details = details if isinstance(details, dict) else {}
    made = made if isinstance(made, dict) else {}
    return Usage(
        input=into or 0,
        output=out or 0,
        audio_input=_first(details, "audio_tokens"),
        image_input=_first(details, "image_tokens"),
        cache_read=_first(details, "cached_tokens"),
        audio_output=_first(made, "audio_tokens"),
        image_output=_first(made, "image_tokens"),
        origin=origin,
        extra=kept,
        units=None if heard is None else {AUDIO_MS: heard},
    )


def _first(value: JsonObject, *names: str) -> int | None:
    return next((value[name] for name in names if is_count(value.get(name))), None)
