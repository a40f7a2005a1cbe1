"""Usage as a bill sees it: disjoint counts, the service that was given, and what the provider says that it charged.

1. A part leaves its total. Parts that overlap (sound that was read from the cache) are counted once.
2. A total that is smaller than one of its parts was no total: the provider had left that part out. It counts besides.
3. Tokens that only the grand total knows are thinking.
   Anthropic's compactions are a run of the model each, and so is the answer: the tier of context is that of each.
4. A provider that tells beside its counts what it bills (`billed_units`) is paid for that: Cohere leaves the prompt of
   its own that it puts around the client's out of the bill (https://docs.cohere.com/docs/how-does-cohere-pricing-work,
   seen 2026-11-26).
5. What another model did for the answer (Anthropic's advisor) is no part of the counts; it has that model's prices.
   Where one answered in the place of one that refused, each attempt is paid for at the prices of its model, but for one
   that refused before it said anything, and the counts are those of the last alone.
   (https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, seen 2026-11-27)
6. Of the service that was given, batches and the place are the whole request's. Any other is that of the model that the
   answer is by; what one beside it was given is not known.
   (https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool, of priority, seen 2026-11-27)
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.money import NANO
from tollbridge.model.response import Usage, is_count

COST_MAX_USD = 1_000_000
"""No answer costs more: whoever says so, provider or price, is not believed."""

BILLED = "billed_units"
PLAIN_SERVICES = frozenset({None, "", "default", "standard", "standard_only", "auto", "on_demand"})
_PLAIN_PLACES = frozenset({"", "global", "not_available"})
_ONE_MODELS = frozenset({"fast", "flex", "priority"})
ITERATIONS, ADVISOR, FALLBACK, ATTEMPT = "iterations", "advisor_message", "fallback_message", "message"
COMPACTION = "compaction"
_ADDED = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
UNSURE = "unsure"
"""So a part is kept of which it is not known what it cost."""
OTHERS_MAX = 1000  # more than anybody asks for one answer
TICKS_IN_A_NANO = 10
_SAYING = frozenset({"service_tier", "speed", "inference_geo", "total_tokens", BILLED, ITERATIONS})


class Parts:
    """Usage as disjoint counts. `input`: all tokens of input, whatever the provider calls a total."""

    __slots__ = ("counts", "input")

    def __init__(self, usage: Usage) -> None:
        billed = billed_tokens(usage)
        if billed is not None:
            self.input = billed[0]
            self.counts = tuple((kind, count) for kind, count in zip(("input", "output"), billed, strict=True) if count)
            return
        read, write = usage.cache_read or 0, usage.cache_write or 0
        sound, picture = usage.audio_input or 0, usage.image_input or 0
        fresh, whole = _rest(usage.input, read, write, sound, picture)
        # Sound and pictures that were read from the cache stand in both counts, and nowhere else.
        heard_again = min(sound, read, overlap := max(0, -fresh))
        seen_again = min(picture, read - heard_again, overlap - heard_again)
        # Nothing is both read from the cache and written to it, or both heard and seen.
        self.input = max(whole, read + write + sound - heard_again + picture - seen_again)
        long = min(usage.cache_write_1h or 0, write)
        thought, spoken, drawn = usage.reasoning or 0, usage.audio_output or 0, usage.image_output or 0
        text, written = _rest(usage.output, thought, spoken, drawn)
        hidden = _hidden(usage, self.input + written)
        if hidden and hidden == thought:
            text += thought
        elif hidden and not thought:
            thought = hidden
        thought -= min(thought, max(0, -text))  # what was both thought and spoken is spoken
        self.counts = tuple(
            (kind, count)
            for kind, count in (
                ("input", max(0, fresh)),
                ("cache_read", read - heard_again - seen_again),
                ("cache_write", write - long),
                ("cache_write_1h", long),
                ("audio_input", sound - heard_again),
                ("audio_cache_read", heard_again),
                ("image_input", picture - seen_again),
                ("image_cache_read", seen_again),
                ("output", max(0, text)),
                ("reasoning", thought),
                ("audio_output", spoken),
                ("image_output", drawn),
                (f"search_{_search_size(usage)}", usage.web_searches or 0),
            )
            if count
        )


def _rest(total: int, *parts: int) -> tuple[int, int]:
    """(what is left of a total without its parts, the true total). Less than 0: so much do the parts overlap."""
    outside = sum(part for part in parts if part > total)
    return total - sum(part for part in parts if part <= total), total + outside


def _hidden(usage: Usage, counted: int) -> int:
    """Tokens of thinking that the provider counts in its grand total alone, as xAI and Gemini do in OpenAI's format
    (https://docs.x.ai/docs/guides/reasoning, seen 2026-11-21)."""
    total = usage.extra.get("total_tokens")
    return max(0, total - counted) if is_count(total) else 0


def _search_size(usage: Usage) -> str:
    """As the provider tells it, else the usual one (https://platform.openai.com/docs/guides/tools-web-search)."""
    size = usage.extra.get("search_context_size")
    return size if size in ("low", "high") else "medium"


def service_of(usage: Usage, service_tier: str | None) -> str:
    """The name of the list that counts: what the answer says, and what Anthropic's usage tells of speed and place
    (https://platform.claude.com/docs/en/about-claude/pricing, seen 2026-11-21)."""
    extra = usage.extra
    tier = _text(extra.get("service_tier")) if service_tier is None else service_tier
    words = [] if tier in PLAIN_SERVICES else [tier]
    if (speed := _text(extra.get("speed"))) not in PLAIN_SERVICES:
        words.append(speed)
    if (place := _text(extra.get("inference_geo"))) not in _PLAIN_PLACES:
        words.append(place)
    return "+".join(words)


def tells_nothing(extra: JsonObject) -> bool:
    """Nothing in it may change the price."""
    if _SAYING.isdisjoint(extra):
        return True
    return (
        "total_tokens" not in extra
        and BILLED not in extra
        and not _by_others(extra)
        and _text(extra.get("service_tier")) in PLAIN_SERVICES
        and _text(extra.get("speed")) in PLAIN_SERVICES
        and _text(extra.get("inference_geo")) in _PLAIN_PLACES
    )


def _by_others(extra: JsonObject) -> list[JsonObject]:
    """What tells of models beside the one asked. Where one answered in its place, all that tells of an attempt."""
    told = extra.get(ITERATIONS)
    if told.__class__ is not list:
        return []
    found = [one for one in told if one.__class__ is dict]
    if not any(one.get("type") == FALLBACK for one in found):
        return [one for one in found if one.get("type") == ADVISOR]
    return found


class Other(NamedTuple):
    """A model that had a part in an answer beside the counts of it. `used`: None where that is not told. `sure`: what
    it costs can be known. `kind`: `ADVISOR`; or of an attempt, which the counts are not priced beside: `FALLBACK`,
    `ATTEMPT`."""

    kind: str
    model: str
    used: Usage | None
    sure: bool = True

    @property
    def attempted(self) -> bool:
        return self.kind != ADVISOR


def others(usage: Usage, service_tier: str | None = None) -> tuple[Other, ...]:
    found = _by_others(usage.extra)
    last = next((one for one in reversed(found) if one.get("type") == FALLBACK), None)
    if len(found) > OTHERS_MAX:
        return (Other(ADVISOR if last is None else FALLBACK, "", None, False),)
    service = service_of(usage, service_tier)
    shared = _ONE_MODELS.isdisjoint(service.split("+"))
    searched = last is not None and bool(usage.web_searches)  # who searched how often is not told
    made = []
    for one in found:
        kind, model = _text(one.get("type")), _text(one.get("model"))
        answers = last is not None and model == _text(last.get("model"))
        refused = kind == ATTEMPT and not answers
        sure = answers or (shared and not (refused and _text(usage.extra.get("speed"))))
        used = _used(one, service)
        if kind in (FALLBACK, ATTEMPT) and used is not None and not used.output:
            used, sure = Usage(), True
        told = kind in (ADVISOR, FALLBACK, ATTEMPT) and used is not None and one.get(UNSURE) is not True
        made.append(Other(kind, model, used, sure and told and not searched))
    return tuple(made)


def samplings(usage: Usage) -> tuple[Usage, ...]:
    """The runs of the model whose counts `usage` adds up, each of the size that its tier of context is chosen by: what
    compacted the conversation, and what was answered after it. () where it is one, or is not told so that it adds up.
    (https://platform.claude.com/docs/en/build-with-claude/compaction, seen 2026-11-27)"""
    told = usage.extra.get(ITERATIONS)
    if told.__class__ is not list or len(told) > OTHERS_MAX or BILLED in usage.extra:
        return ()
    kinds = [(one.get("type"), _used(one, "")) for one in told if one.__class__ is dict]
    compacted = [used for kind, used in kinds if kind == COMPACTION and used is not None]
    if not compacted or any(kind == FALLBACK for kind, _ in kinds):
        return ()
    rest = {name: getattr(usage, name) or 0 for name in _ADDED}
    for used in compacted:
        rest = {name: count - (getattr(used, name) or 0) for name, count in rest.items()}
    if any(count < 0 for count in rest.values()):
        return ()
    return (msgspec.structs.replace(usage, **rest, extra={}), *compacted)


def _used(told: JsonObject, service: str) -> Usage | None:
    fresh, wrote = _whole(told.get("input_tokens")), _whole(told.get("output_tokens"))
    if fresh is None or wrote is None:
        return None
    heard, kept = _whole(told.get("cache_read_input_tokens")) or 0, _whole(told.get("cache_creation_input_tokens")) or 0
    kinds = told.get("cache_creation")
    long = _whole(kinds.get("ephemeral_1h_input_tokens")) if kinds.__class__ is dict else None
    return Usage(
        input=fresh + heard + kept,
        output=wrote,
        cache_read=heard,
        cache_write=kept,
        cache_write_1h=long or 0,
        extra={"service_tier": service} if service else {},
    )


def billed_tokens(usage: Usage) -> tuple[int, int] | None:
    """Tokens of input and output that the provider says it bills; None where it does not say both."""
    units = usage.extra.get(BILLED)
    if units.__class__ is not dict:
        return None
    read, wrote = _whole(units.get("input_tokens")), _whole(units.get("output_tokens"))
    return None if read is None or wrote is None else (read, wrote)


def _whole(value: Json) -> int | None:
    """Counts may come as `13.0`."""
    if value.__class__ is float and value.is_integer():
        value = int(value)
    return value if is_count(value) else None


def _text(value: Json) -> str:
    return value if value.__class__ is str else ""


def told_cost(usage: Usage) -> int | None:
    """The cost that `usage` itself tells, in nano-dollars: `cost`, a number or with a `total_cost` in it, or xAI's
    ticks, ten of which are a nano-dollar (https://docs.x.ai/developers/cost-tracking, seen 2026-11-27). On a key of
    the operator's own (`is_byok`) it is the go-between's fee alone, and the model's cost stands beside it."""
    told = usage.extra.get("cost")
    if told is None and is_count(ticks := usage.extra.get("cost_in_usd_ticks")):
        nanousd = (ticks + TICKS_IN_A_NANO // 2) // TICKS_IN_A_NANO
        return nanousd if nanousd <= COST_MAX_USD * NANO else None
    found = _dollars(told.get("total_cost") if told.__class__ is dict else told)
    if found is None or usage.extra.get("is_byok") is not True:
        return found
    details = usage.extra.get("cost_details")
    beside = _dollars(details.get("upstream_inference_cost")) if details.__class__ is dict else None
    return None if beside is None else found + beside


def _dollars(value: Json) -> int | None:
    if value.__class__ not in (int, float) or not math.isfinite(value) or not 0 <= value <= COST_MAX_USD:
        return None
    return int((Decimal(str(value)) * NANO).to_integral_value(ROUND_HALF_UP))
