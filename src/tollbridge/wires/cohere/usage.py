"""What an answer used, and what of it is billed.

    {"tokens": {"input_tokens", "output_tokens", "reasoning_tokens", "image_tokens"}, "cached_tokens",
     "billed_units": {"input_tokens", "output_tokens", "search_units", "classifications"}}

The counts of `tokens` are what the model read and wrote, with the vendor's own prompt of several hundred tokens around
the client's; `billed_units` leaves that out, and is what costs (`catalog.parts`). Each number may come as `13.0`. One
that cannot be right counts as not said, and stays in `extra` as it came; so does what is billed.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.wires.cohere.vocabulary import NAME

BILLED = "billed_units"


def read_usage(value: Json) -> Usage | None:
    if value.__class__ is not dict:
        return None
    rest = dict(value)
    said = rest.get("tokens")
    tokens: JsonObject = dict(said) if said.__class__ is dict else {}
    billed = rest.get(BILLED)
    units: JsonObject = billed if billed.__class__ is dict else {}
    read, wrote = _take(tokens, "input_tokens"), _take(tokens, "output_tokens")
    usage = Usage(
        input=_count(units.get("input_tokens")) or 0 if read is None else read,
        output=_count(units.get("output_tokens")) or 0 if wrote is None else wrote,
        cache_read=_take(rest, "cached_tokens"),
        reasoning=_take(tokens, "reasoning_tokens"),
        image_input=_take(tokens, "image_tokens"),
        origin=NAME,
        extra=rest,
    )
    if tokens:
        rest["tokens"] = tokens
    else:
        rest.pop("tokens", None)
    return usage


def _take(rest: JsonObject, key: str) -> int | None:
    count = _count(rest.get(key))
    if count is not None:
        del rest[key]
    return count


def _count(value: Json) -> int | None:
    if value.__class__ is float and value.is_integer():
        value = int(value)
    return value if is_count(value) else None
