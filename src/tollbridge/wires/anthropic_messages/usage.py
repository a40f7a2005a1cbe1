"""Usage, both ways.

Anthropic's `input_tokens` leaves out what was read from or written to the cache; the neutral `input` is the total.

The top level is the usage of the answer. What the same model read and wrote to compact the conversation stands in
`iterations` alone, and is billed (https://platform.claude.com/docs/en/build-with-claude/compaction, and the SDK's words
of `BetaIterationsUsage`, 2.14.0): the neutral counts have it too. What another model did (an advisor) stays in `extra`,
with all iterations, for its own prices (`catalog.parts.others`).

What refused before it said anything is not billed, though its tokens are told
(https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, seen 2026-11-27): `extra` says so in
Cohere's word for it, `billed_units`, which the price goes by (`catalog.parts`) and nobody is shown.

A figure that cannot be right (negative, immense, no integer) counts as not said, and stays in `extra` as it came.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.wires.anthropic_messages.vocabulary import NAME


def read_usage(value: Json, stop_reason: Json = None) -> Usage | None:
    """`stop_reason`: of the answer, where that is known."""
    if value.__class__ is not dict:
        return None
    rest = dict(value)
    fresh = _take(rest, "input_tokens")
    output = _take(rest, "output_tokens")
    cache_read = _take(rest, "cache_read_input_tokens")
    cache_write = _take(rest, "cache_creation_input_tokens")
    usage = Usage(
        input=(fresh or 0) + (cache_read or 0) + (cache_write or 0),
        output=output or 0,
        cache_read=cache_read,
        cache_write=cache_write,
        cache_write_1h=_take_long_cache(rest, cache_write),
        reasoning=_take_inner(rest, "output_tokens_details", "thinking_tokens"),
        web_searches=_take_inner(rest, "server_tool_use", "web_search_requests"),
        origin=NAME,
        extra=rest,
    )
    if stop_reason == "refusal" and not usage.output and ITERATIONS not in rest:
        return replace(usage, extra={**rest, BILLED: _NOTHING})
    return _with_compactions(usage, 1) if ITERATIONS in rest else usage


def write_usage(usage: Usage, own: bool) -> JsonObject:
    if own and ITERATIONS in usage.extra:
        usage = _with_compactions(usage, -1)
    read, write = usage.cache_read, usage.cache_write
    fresh = usage.input - (read or 0) - (write or 0)
    body: JsonObject = {
        # A total smaller than its part was no total: the provider had left out what came from the cache.
        "input_tokens": fresh if fresh >= 0 else usage.input,
        "output_tokens": usage.output,
    }
    if write is not None:
        body["cache_creation_input_tokens"] = write
        if usage.cache_write_1h is not None:
            body["cache_creation"] = {
                "ephemeral_5m_input_tokens": max(0, write - usage.cache_write_1h),
                "ephemeral_1h_input_tokens": usage.cache_write_1h,
            }
    if read is not None:
        body["cache_read_input_tokens"] = read
    if usage.reasoning is not None:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.web_searches is not None:
        body["server_tool_use"] = {"web_search_requests": usage.web_searches}
    if own:
        for key, value in usage.extra.items():
            if key == BILLED:
                continue
            known = body.get(key)
            body[key] = {**known, **value} if value.__class__ is dict and known.__class__ is dict else value
    return body


ITERATIONS, BILLED = "iterations", "billed_units"
_NOTHING: JsonObject = {"input_tokens": 0, "output_tokens": 0}
_COMPACTED = ("input", "output", "cache_read", "cache_write", "cache_write_1h")


def _with_compactions(usage: Usage, sign: int) -> Usage:
    """With what compacting took, or without it again: a count that was not told is none then."""
    iterations = usage.extra[ITERATIONS]
    sums = dict.fromkeys(_COMPACTED, 0)
    for entry in iterations if iterations.__class__ is list else ():
        if entry.__class__ is dict and entry.get("type") == "compaction":
            told = read_usage({key: value for key, value in entry.items() if key != ITERATIONS})
            for name in _COMPACTED:
                sums[name] += getattr(told, name) or 0
    counts: dict[str, Any] = {}
    untold = {}
    for name, count in sums.items():
        if count and usage.spelling.get(name) == "absent":
            counts[name] = None
        elif count:
            held = getattr(usage, name)
            counts[name] = (held or 0) + sign * count
            if held is None:
                untold[name] = "absent"
    return replace(usage, **counts, spelling={**usage.spelling, **untold}) if counts else usage


def merged_usage(old: JsonObject, new: Json) -> JsonObject:
    """A later report over an earlier one: its figures are cumulative; what it leaves out, says as null or cannot
    mean (a negative count, an immense one) keeps its last valid value."""
    if new.__class__ is not dict:
        return old
    return {**old, **{key: value for key, value in new.items() if value is not None and not _impossible(key, value)}}


def tells_output(usage: Json) -> bool:
    """Whether a report, taken alone, says how long the answer is."""
    return usage.__class__ is dict and "output_tokens" in merged_usage({}, usage)


def _impossible(key: str, value: Json) -> bool:
    return key.endswith("_tokens") and not is_count(value)


def _take(rest: JsonObject, key: str) -> int | None:
    value = rest.get(key)
    if not is_count(value):
        return None
    del rest[key]
    return value


def _take_inner(rest: JsonObject, key: str, inner: str) -> int | None:
    """One count out of a nested object; what remains of the object, if anything, stays in `rest`."""
    value = rest.get(key)
    if value.__class__ is not dict:
        return None
    others = dict(value)
    count = _take(others, inner)
    if count is None:
        return None
    if others:
        rest[key] = others
    else:
        del rest[key]
    return count


def _take_long_cache(rest: JsonObject, cache_write: int | None) -> int | None:
    """The tokens written for one hour, where the two kinds add up to what was written; else the object stays whole."""
    split = rest.get("cache_creation")
    if split.__class__ is not dict:
        return None
    others = dict(split)
    short, long = _take(others, "ephemeral_5m_input_tokens"), _take(others, "ephemeral_1h_input_tokens")
    if not others and short is not None and long is not None and short + long == cache_write:
        del rest["cache_creation"]
    return long
