"""Usage. `inputTokens` leaves out what was read from or written to the cache; the neutral `input` is the total."""

from __future__ import annotations

from tollbridge.model.json import Json
from tollbridge.model.response import Usage, is_count
from tollbridge.wires.bedrock_converse.vocabulary import NAME

_SAID_TWICE = ("cacheReadInputTokenCount", "cacheWriteInputTokenCount")


def read_usage(value: Json, additional: Json = None) -> Usage | None:
    """`additional`: the model's own fields of the answer, where a request asked for them: Claude's tell how many tokens
    it thought. A figure that cannot be right counts as not said, and stays in `extra` as it came."""
    if value.__class__ is not dict:
        return None
    rest = {key: item for key, item in value.items() if key not in _SAID_TWICE}
    counts: dict[str, int | None] = {}
    for key in ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"):
        count = rest.get(key)
        counts[key] = count if is_count(count) else None
        if counts[key] is not None:
            del rest[key]
    read, written = counts["cacheReadInputTokens"], counts["cacheWriteInputTokens"]
    hour = _for_an_hour(rest.get("cacheDetails"))
    if hour is not None and hour <= (written or 0):
        del rest["cacheDetails"]
    else:
        hour = None
    return Usage(
        input=(counts["inputTokens"] or 0) + (read or 0) + (written or 0),
        output=counts["outputTokens"] or 0,
        cache_read=read,
        cache_write=written,
        cache_write_1h=hour,
        reasoning=_thought(additional),
        origin=NAME,
        extra=rest,
    )


def _for_an_hour(details: Json) -> int | None:
    """Of what was written, where it is told by how long it is kept."""
    if details.__class__ is not list or not details:
        return None
    if not all(item.__class__ is dict and is_count(item.get("inputTokens")) for item in details):
        return None
    return sum([int(item["inputTokens"]) for item in details if item.get("ttl") == "1h"])


def _thought(additional: Json) -> int | None:
    for key in ("usage", "output_tokens_details", "thinking_tokens"):
        additional = additional.get(key) if additional.__class__ is dict else None
    return additional if is_count(additional) else None
