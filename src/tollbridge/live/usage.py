"""What a realtime response used. https://platform.openai.com/docs/api-reference/realtime-server-events/response/done
(seen 2026-11-26): totals, and parts of them by what they are, also of what was read from the cache."""

from __future__ import annotations

from tollbridge.model.json import Json
from tollbridge.model.response import Usage, is_count

ORIGIN = "realtime"


def read_usage(value: Json) -> Usage | None:
    """None where it tells nothing."""
    if not isinstance(value, dict) or not is_count(value.get("input_tokens")):
        return None
    into, out = _table(value.get("input_token_details")), _table(value.get("output_token_details"))
    return Usage(
        input=value["input_tokens"],
        output=_count(value.get("output_tokens")) or 0,
        cache_read=_count(into.get("cached_tokens")),
        audio_input=_count(into.get("audio_tokens")),
        image_input=_count(into.get("image_tokens")),
        audio_output=_count(out.get("audio_tokens")),
        reasoning=_count(out.get("reasoning_tokens")),
        origin=ORIGIN,
    )


def _count(value: Json) -> int | None:
    return value if is_count(value) else None


def _table(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
