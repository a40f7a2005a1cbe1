"""Usage, both ways.

    promptTokenCount, of it cachedContentTokenCount     toolUsePromptTokenCount: read by tools that Gemini ran
    candidatesTokenCount, thoughtsTokenCount            totalTokenCount: all four
    ...TokensDetails: the same by modality, as [{modality, tokenCount}]

The neutral `input` is prompt and tool use, `output` candidates and thoughts. A server that counts the thoughts among
the candidates is told by its total. Figures that cannot be right (negative, no integers) count as not said, and stay in
`extra` as they came.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage, is_count
from tollbridge.wires.gemini.vocabulary import NAME, fields

PROMPT, CANDIDATES, THOUGHTS = "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"
TOOLS, CACHED, TOTAL = "toolUsePromptTokenCount", "cachedContentTokenCount", "totalTokenCount"
_AUDIO, _IMAGE = ("AUDIO", 4), ("IMAGE", 2)
"""By name, and by number (`vocabulary.NUMBERED` says to whom)."""


def read_usage(value: Json) -> Usage | None:
    if value.__class__ is not dict:
        return None
    rest = fields(value)
    prompt, candidates = _take(rest, PROMPT), _take(rest, CANDIDATES)
    thoughts, cached = _take(rest, THOUGHTS), _take(rest, CACHED)
    tools = _count(rest.get(TOOLS)) or 0
    spelling = {name: "absent" for name, count in ((PROMPT, prompt), (CANDIDATES, candidates)) if count is None}
    output = (candidates or 0) + (thoughts or 0)
    if thoughts and candidates and candidates >= thoughts and rest.get(TOTAL) == (prompt or 0) + tools + candidates:
        output = candidates
        spelling[THOUGHTS] = "inside"
    return Usage(
        input=(prompt or 0) + tools,
        output=output,
        cache_read=cached,
        reasoning=thoughts,
        audio_input=_modality(rest, "promptTokensDetails", _AUDIO),
        image_input=_modality(rest, "promptTokensDetails", _IMAGE),
        audio_output=_modality(rest, "candidatesTokensDetails", _AUDIO),
        image_output=_modality(rest, "candidatesTokensDetails", _IMAGE),
        origin=NAME,
        spelling=spelling,
        extra=rest,
    )


def write_usage(usage: Usage) -> JsonObject:
    own = usage.origin == NAME
    tools = (_count(usage.extra.get(TOOLS)) or 0) if own else 0
    thoughts = 0 if usage.spelling.get(THOUGHTS) == "inside" else usage.reasoning or 0
    # A total smaller than its part was no total: the provider had left out what came from the cache.
    whole = usage.input if own or (usage.cache_read or 0) <= usage.input else usage.input + (usage.cache_read or 0)
    said: JsonObject = {PROMPT: whole - tools, CANDIDATES: max(0, usage.output - thoughts)}
    if own:
        for name, how in usage.spelling.items():
            if how == "absent" and not said[name]:
                del said[name]
    if usage.cache_read is not None:
        said[CACHED] = usage.cache_read
    if usage.reasoning is not None:
        said[THOUGHTS] = usage.reasoning
    if own:
        return {**usage.extra, **said}
    for name, total, parts in (
        ("promptTokensDetails", whole, (("AUDIO", usage.audio_input), ("IMAGE", usage.image_input))),
        (
            "candidatesTokensDetails",
            usage.output - thoughts,
            (("AUDIO", usage.audio_output), ("IMAGE", usage.image_output)),
        ),
    ):
        told = [{"modality": modality, "tokenCount": count} for modality, count in parts if count]
        if told:
            text = max(0, total - sum(count or 0 for _, count in parts))
            said[name] = [{"modality": "TEXT", "tokenCount": text}, *told]
    said[TOTAL] = whole + usage.output
    return said


def merged_usage(old: JsonObject, new: Json) -> JsonObject:
    """A later report over an earlier one: its figures are cumulative, and what it leaves out, says as null or cannot
    mean keeps its last valid value."""
    if new.__class__ is not dict:
        return old
    said = fields(new)
    return {**old, **{key: value for key, value in said.items() if value is not None and not _impossible(key, value)}}


def _impossible(key: str, value: Json) -> bool:
    return key.endswith("TokenCount") and _count(value) is None


def _count(value: Json) -> int | None:
    return int(value) if is_count(value) else None


def _take(rest: JsonObject, key: str) -> int | None:
    count = _count(rest.get(key))
    if count is not None:
        del rest[key]
    return count


def _modality(rest: JsonObject, key: str, which: tuple[str, int]) -> int | None:
    """What the list, which stays where it is, says of one modality."""
    said = rest.get(key)
    if said.__class__ is not list:
        return None
    for item in said:
        if item.__class__ is dict and item.get("modality") in which:
            return _count(item.get("tokenCount", item.get("token_count")))
    return None
