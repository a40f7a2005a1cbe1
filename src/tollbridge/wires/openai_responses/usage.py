"""Token counts. `input_tokens` and `output_tokens` are totals, all else is a part of them, which is the neutral rule as
well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.wires.openai_responses.vocabulary import NAME

INPUT, OUTPUT = "input_tokens_details", "output_tokens_details"

# field of Usage: the object in `usage` and the key in it
DETAILS: Mapping[str, tuple[str, str]] = {
    "cache_read": (INPUT, "cached_tokens"),
    "cache_write": (INPUT, "cache_write_tokens"),
    "audio_input": (INPUT, "audio_tokens"),
    "image_input": (INPUT, "image_tokens"),
    "reasoning": (OUTPUT, "reasoning_tokens"),
    "audio_output": (OUTPUT, "audio_tokens"),
    "image_output": (OUTPUT, "image_tokens"),
}
_BY_OBJECT: Mapping[str, Mapping[str, str]] = {
    name: {key: field for field, (object_name, key) in DETAILS.items() if object_name == name}
    for name in (INPUT, OUTPUT)
}
_TOTALS = frozenset({"input_tokens", "output_tokens", "total_tokens"})


def read_usage(value: Json) -> Usage | None:
    """None where there is none, or where the counts cannot be: negative, immense, no numbers."""
    if value.__class__ is not dict:
        return None
    input: Json = value.get("input_tokens")
    output: Json = value.get("output_tokens")
    if not is_count(input) or not is_count(output):
        return None
    counts: dict[str, Any] = {}
    extra: JsonObject = {}
    for key, held in value.items():
        known = _BY_OBJECT.get(key)
        if known is not None and held.__class__ is dict:
            rest = {}
            for name, count in held.items():
                field = known.get(name)
                if field is not None and is_count(count):
                    counts[field] = count
                else:
                    rest[name] = count
            if rest or not held:
                extra[key] = rest
        elif key not in _TOTALS:
            extra[key] = held
    spelling: dict[str, str] = {}
    if "total_tokens" not in value:
        spelling["total_tokens"] = "absent"
    elif value["total_tokens"] != input + output:
        extra["total_tokens"] = value["total_tokens"]
    return Usage(input=input, output=output, origin=NAME, extra=extra, spelling=spelling, **counts)


def write_usage(usage: Usage) -> JsonObject:
    own = usage.origin == NAME
    input, cached = usage.input, usage.cache_read or 0
    if not own and cached > input:  # Grok on Azure leaves them out of the input, of which they are a part
        input += cached
    out: JsonObject = {"input_tokens": input}
    if not own:
        out[INPUT] = {"cached_tokens": 0, "cache_write_tokens": 0}
    out["output_tokens"] = usage.output
    if not own:
        out[OUTPUT] = {"reasoning_tokens": 0}
    if not own or "total_tokens" not in usage.spelling:
        out["total_tokens"] = input + usage.output
    for field, (name, key) in DETAILS.items():
        count = getattr(usage, field)
        if count is not None:
            out.setdefault(name, {})[key] = count
    if own:
        for key, held in usage.extra.items():
            if held.__class__ is dict and out.get(key).__class__ is dict:
                out[key].update(held)
            else:
                out[key] = held
    return out
