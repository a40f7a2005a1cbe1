"""Token counts. `prompt_tokens` and `completion_tokens` are totals, all else is a part of them, which is the neutral
rule as well; what vendors spell elsewhere is noted in `Usage.spelling` and goes back there.

Some count thinking beside `completion_tokens`, and bill both: xAI, whose total is the sum of all three
(https://docs.x.ai/docs/guides/reasoning, seen 2026-11-21), and Vercel's gateway in front of Gemini, whose total leaves
it out, so that it shows where there is more thinking than output (recorded, with the cost that it told).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.wires.openai_chat.vocabulary import NAME

# field of Usage: the object in `usage` and the key in it
DETAILS: Mapping[str, tuple[str, str]] = {
    "cache_read": ("prompt_tokens_details", "cached_tokens"),
    "cache_write": ("prompt_tokens_details", "cache_write_tokens"),
    "cache_write_1h": ("prompt_tokens_details", "cache_write_1h_tokens"),
    "audio_input": ("prompt_tokens_details", "audio_tokens"),
    "image_input": ("prompt_tokens_details", "image_tokens"),
    "reasoning": ("completion_tokens_details", "reasoning_tokens"),
    "audio_output": ("completion_tokens_details", "audio_tokens"),
    "image_output": ("completion_tokens_details", "image_tokens"),
    "accepted_prediction": ("completion_tokens_details", "accepted_prediction_tokens"),
    "rejected_prediction": ("completion_tokens_details", "rejected_prediction_tokens"),
    "web_searches": ("server_tool_use_details", "web_search_requests"),
}
_BY_OBJECT: Mapping[str, Mapping[str, str]] = {
    name: {key: field for field, (object_name, key) in DETAILS.items() if object_name == name}
    for name in ("prompt_tokens_details", "completion_tokens_details", "server_tool_use_details")
}

# Where vendors say it when the details do not: DeepSeek, Moonshot and Z.ai, Mistral, Anthropic-like, Perplexity.
ELSEWHERE: tuple[tuple[str, str], ...] = (
    ("cache_read", "prompt_cache_hit_tokens"),
    ("cache_read", "cached_tokens"),
    ("cache_read", "num_cached_tokens"),
    ("cache_read", "cache_read_input_tokens"),
    ("cache_write", "cache_creation_input_tokens"),
    ("reasoning", "reasoning_tokens"),
)
_TOTALS = ("prompt_tokens", "completion_tokens", "total_tokens")
BESIDE = "beside_reasoning"  # of `completion_tokens` in `Usage.spelling`


def read_usage(value: Json) -> Usage | None:
    """None where the counts cannot be: null, negative, immense, no numbers. The caller keeps the last usable one."""
    if value.__class__ is not dict:
        return None
    counts: dict[str, Any] = {}
    extra: JsonObject = {}
    spelling: dict[str, str] = {}
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
    input: Json
    output: Json
    input, output, total = value.get("prompt_tokens"), value.get("completion_tokens"), value.get("total_tokens")
    if output is None and "completion_tokens" not in value and is_count(input):
        output = 0
        spelling["completion_tokens"] = "absent"
    if not is_count(input) or not is_count(output):
        return None
    for field, name in ELSEWHERE:
        if field not in counts and is_count(extra.get(name)):
            counts[field] = extra.pop(name)
            spelling[field] = name
    thought = counts.get("reasoning", 0)
    if thought and (thought > output or total == input + output + thought):
        output += thought
        spelling["completion_tokens"] = BESIDE
    if total != input + output:
        if "total_tokens" in value:
            extra["total_tokens"] = total
        else:
            spelling["total_tokens"] = "absent"
    return Usage(input=input, output=output, origin=NAME, extra=extra, spelling=spelling, **counts)


def write_usage(usage: Usage) -> JsonObject:
    own = usage.origin == NAME
    spelling = usage.spelling if own else {}
    out: JsonObject = {"prompt_tokens": usage.input, "completion_tokens": usage.output}
    said = spelling.get("completion_tokens")
    if said == BESIDE:
        out["completion_tokens"] = usage.output - (usage.reasoning or 0)
    elif said is not None:
        del out["completion_tokens"]
    if "total_tokens" not in spelling:
        out["total_tokens"] = usage.input + usage.output
    for field, (name, key) in DETAILS.items():
        count = getattr(usage, field)
        if count is None:
            continue
        if field in spelling:
            out[spelling[field]] = count
        else:
            out.setdefault(name, {})[key] = count
    if own:
        for key, held in usage.extra.items():
            if held.__class__ is dict and out.get(key).__class__ is dict:
                out[key].update(held)
            elif key == "total_tokens" or key not in out:
                out[key] = held
    return out
