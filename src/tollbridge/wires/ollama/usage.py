"""What an answer used: `prompt_eval_count` and `eval_count`. How long what took, in nanoseconds, stays in `extra`; so
does a count that cannot be right, which counts as not said."""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.wires.ollama.vocabulary import NAME

_DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
_COUNTS = ("prompt_eval_count", "eval_count")


def take_usage(rest: JsonObject) -> Usage | None:
    """Out of an answer. None where it tells neither count. A prompt that was wholly in memory has no count."""
    if not any(is_count(rest.get(name)) for name in _COUNTS):
        return None
    read, wrote = (_take(rest, name) for name in _COUNTS)
    extra = {name: rest.pop(name) for name in (*_COUNTS, *_DURATIONS) if name in rest}
    return Usage(input=read, output=wrote, origin=NAME, extra=extra)


def _take(rest: JsonObject, name: str) -> int:
    value: Json = rest.get(name)
    if not is_count(value):
        return 0
    del rest[name]
    return value
