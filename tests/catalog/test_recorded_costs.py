"""Law 6: what recorded answers cost is what plain arithmetic on the vendor's own words says.

The oracle knows nothing of our code: it reads LiteLLM's table as it is (dollars, as decimals) and the usage object as
it came, one formula a format. genai-prices is asked too; where it says otherwise, docs/prices.md says why.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import genai_prices
from genai_prices.types import Usage as TheirUsage

from scripts.genai_list import PROVIDERS
from tests.catalog.reported import Reported, all_reported
from tests.shared import SHARED
from tollbridge.calls.tariff import tariff
from tollbridge.catalog.facts import catalog, facts
from tollbridge.catalog.parts import Parts
from tollbridge.catalog.pricing import UNPRICED, Tariff, catalog_list
from tollbridge.providers.table import ROWS

PAGE = Path(__file__).resolve().parents[2] / "docs/prices.md"
SAMPLE = 60
APART = "gemini-generatecontent-dfa937a10e89"
"""How much of its sound was read from the cache is said in words that our usage has not: the least that adds up is
taken, which charges a little more."""
UNKNOWN = {
    "anthropic-messages-c10afdb9441e": "the place where it was computed is none that is listed",
    "openai-chat_completions-2e1c23ceba99": "sound from a model that has no price for it: counts made up by a test",
    "openai-chat_completions-3db5394c54c3": "sound from a model that has no price for it: counts made up by a test",
}


@cache
def reported() -> tuple[Reported, ...]:
    return tuple(all_reported())


@cache
def table() -> dict[str, dict[str, Any]]:
    text = (SHARED / "data/model_prices_litellm.json").read_text()
    rows: dict[str, dict[str, Any]] = json.loads(text, parse_float=Decimal)
    return rows


def row_of(one: Reported) -> dict[str, Any] | None:
    """LiteLLM's row of the same price list; None where the catalog has the model from elsewhere."""
    if one.known.listed_by not in ("litellm", "both"):
        return None
    return table().get(f"{one.provider}/{one.known.name}") or table().get(one.known.name)


def charged(one: Reported) -> int | None:
    """By the table alone: what a provider tells of its own costs is looked at elsewhere."""
    return Tariff(catalog_list(one.known.prices), "", kin=partial(_listed, one.provider)).cost(one.usage, one.tier)


def _listed(provider: str, model: str) -> Tariff:
    known = facts(provider, model)
    return UNPRICED if known is None else Tariff(catalog_list(known.prices), "")


def oracle(one: Reported, row: dict[str, Any]) -> int:
    """Nano-dollars, half up."""
    raw = one.raw
    details = raw.get("prompt_tokens_details") or raw.get("input_tokens_details") or {}

    def price(field: str, otherwise: Decimal | None = None) -> Decimal:
        for thousand in (512, 272, 256, 200, 128, 100):
            above = row.get(f"{field}_above_{thousand}k_tokens")
            if above is not None and size > thousand * 1000:
                return Decimal(above)
        value = row.get(field, otherwise)
        assert value is not None, (one.id, field)
        return Decimal(value)

    if one.form in ("chat", "responses"):
        read = raw["prompt_tokens"] if one.form == "chat" else raw["input_tokens"]
        wrote = (raw["completion_tokens"] or 0) if one.form == "chat" else raw["output_tokens"]
        cached = (
            details.get("cached_tokens")
            or raw.get("prompt_cache_hit_tokens")
            or raw.get("cached_tokens")
            or raw.get("num_cached_tokens")
            or 0
        )
        sound = details.get("audio_tokens") or 0
        size = read + sum(part for part in (cached, sound) if part > read)
        written = details.get("cache_write_tokens") or 0
        fresh = size - cached - sound - written
        of_output = raw.get("completion_tokens_details") or raw.get("output_tokens_details") or {}
        spoken, thought = of_output.get("audio_tokens") or 0, of_output.get("reasoning_tokens") or 0
        unseen = max(0, (raw.get("total_tokens") or 0) - size - wrote)
        thought = thought or unseen
        wrote += unseen
        into, out = price("input_cost_per_token"), price("output_cost_per_token")
        dollars = (
            fresh * into
            + cached * price("cache_read_input_token_cost", into)
            + written * price("cache_creation_input_token_cost", into)
            + sound * price("input_cost_per_audio_token", into)
            + (wrote - spoken - thought) * out
            + thought * price("output_cost_per_reasoning_token", out)
            + (spoken * price("output_cost_per_audio_token") if spoken else 0)
        )
    elif one.form == "messages":
        cached, written = raw.get("cache_read_input_tokens") or 0, raw.get("cache_creation_input_tokens") or 0
        long = (raw.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
        size = raw["input_tokens"] + cached + written
        searches = (raw.get("server_tool_use") or {}).get("web_search_requests") or 0
        into = price("input_cost_per_token")
        dollars = (
            raw["input_tokens"] * into
            + cached * price("cache_read_input_token_cost", into)
            + (written - long) * price("cache_creation_input_token_cost", into)
            + (long * price("cache_creation_input_token_cost_above_1hr") if long else 0)
            + raw["output_tokens"] * price("output_cost_per_token")
            + searches * Decimal("0.01")  # ten dollars a thousand, for all models of the vendor's
        )
        for beside in raw.get("iterations") or ():
            other = row if beside["type"] == "compaction" else table()[beside["model"]] if "model" in beside else None
            if other is not None:
                dollars += beside["input_tokens"] * Decimal(other["input_cost_per_token"])
                dollars += beside["output_tokens"] * Decimal(other["output_cost_per_token"])
    elif one.form == "gemini":
        read = raw["promptTokenCount"] + (raw.get("toolUsePromptTokenCount") or 0)
        cached = raw.get("cachedContentTokenCount") or 0
        kinds = {part["modality"]: part.get("tokenCount", 0) for part in raw.get("promptTokensDetails") or ()}
        drawn = {part["modality"]: part.get("tokenCount", 0) for part in raw.get("candidatesTokensDetails") or ()}
        sound, pictures = kinds.get("AUDIO", 0), drawn.get("IMAGE", 0)
        size = read
        into, out = price("input_cost_per_token"), price("output_cost_per_token")
        dollars = (
            (read - cached - sound) * into
            + cached * price("cache_read_input_token_cost", into)
            + sound * price("input_cost_per_audio_token", into)
            + ((raw.get("candidatesTokenCount") or 0) - pictures) * out
            + (raw.get("thoughtsTokenCount") or 0) * price("output_cost_per_reasoning_token", out)
            + (pictures * price("output_cost_per_image_token") if pictures else 0)
        )
    elif one.form == "cohere":
        size = raw["billed_units"]["input_tokens"]
        dollars = size * price("input_cost_per_token") + raw["billed_units"]["output_tokens"] * price(
            "output_cost_per_token"
        )
    else:
        cached, written = raw.get("cacheReadInputTokens") or 0, raw.get("cacheWriteInputTokens") or 0
        size = raw["inputTokens"] + cached + written
        into = price("input_cost_per_token")
        dollars = (
            raw["inputTokens"] * into
            + cached * price("cache_read_input_token_cost", into)
            + written * price("cache_creation_input_token_cost", into)
            + raw["outputTokens"] * price("output_cost_per_token")
        )
    return int((dollars * 10**9).to_integral_value(ROUND_HALF_UP))


def plain(one: Reported) -> bool:
    """The oracle knows the plain list and its tiers of context."""
    return one.tier in (None, "", "default", "standard", "auto", "on_demand")


def test_nearly_every_recorded_answer_has_a_cost() -> None:
    counts = Counter((one.provider, one.form) for one in reported())
    assert sum(counts.values()) > 1_200
    assert len({provider for provider, _ in counts}) >= 15
    unknown = {one.id for one in reported() if charged(one) is None and one.provider != "openrouter"}
    assert unknown == set(UNKNOWN)


def test_what_the_catalog_charges_is_what_plain_arithmetic_says() -> None:
    """All of them, and a sample of 60 in which each provider and format is, so that none hides in the mass."""
    compared = [(one, row) for one in reported() if plain(one) and (row := row_of(one)) is not None]
    wrong = [
        (one.id, one.model, charged(one), oracle(one, row))
        for one, row in compared
        if one.id not in (*UNKNOWN, APART) and charged(one) != oracle(one, row)
    ]
    assert wrong == []
    assert len(compared) > 950
    kinds: dict[tuple[str, str], list[tuple[Reported, dict[str, Any]]]] = {}
    for one, row in compared:
        kinds.setdefault((one.provider, one.form), []).append((one, row))
    chance = random.Random(6)
    sample = [chance.choice(several) for several in kinds.values()]
    sample += chance.sample(compared, SAMPLE - len(sample))
    assert len(kinds) >= 15
    assert sum((charged(one) or 0) > 0 for one, _ in sample) > SAMPLE * 3 // 4


def test_no_token_is_charged_twice() -> None:
    """The disjoint parts of a usage are its totals again: of every recording whose totals are totals, and billed."""
    for one in reported():
        if one.form == "cohere":
            continue
        parts = dict(Parts(one.usage).counts)
        tokens = sum(count for kind, count in parts.items() if not kind.startswith("search_"))
        outside = one.usage.extra.get("total_tokens")
        if outside is None and (one.usage.cache_read or 0) <= one.usage.input:
            assert tokens == one.usage.input + one.usage.output, one.id


def test_what_a_provider_tells_is_what_it_costs() -> None:
    told = [one for one in reported() if one.provider in ROWS and ROWS[one.provider].tells_cost and one.raw.get("cost")]
    assert len(told) > 50
    for one in told:
        priced = tariff(ROWS[one.provider], one.model, one.known, {})
        said = one.raw["cost"]
        dollars = Decimal(str(said["total_cost"] if isinstance(said, dict) else said))
        assert priced.cost(one.usage, one.tier) == int((dollars * 10**9).to_integral_value(ROUND_HALF_UP)), one.id


# beside genai-prices


def theirs(one: Reported) -> int | None:
    provider = PROVIDERS.get(one.provider)
    usage, parts = one.usage, dict(Parts(one.usage).counts)
    counts = {
        "input_tokens": Parts(usage).input,
        "output_tokens": max(usage.output, parts.get("output", 0) + parts.get("reasoning", 0)),
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "input_audio_tokens": usage.audio_input,
        "output_audio_tokens": usage.audio_output,
        "output_image_tokens": usage.image_output,
        "output_reasoning_tokens": usage.reasoning,
        "web_searches": usage.web_searches,
    }
    if provider is None:
        return None
    if one.form == "cohere":
        counts = {"input_tokens": parts.get("input", 0), "output_tokens": parts.get("output", 0)}
    on = datetime.fromisoformat(catalog().date).replace(hour=12, tzinfo=UTC)
    try:
        found = genai_prices.calc_price(
            TheirUsage(**{name: count for name, count in counts.items() if count}),
            one.model,
            provider_id=provider,
            genai_request_timestamp=on,
        )
    except LookupError:
        return None
    return int((found.total_price * 10**9).to_integral_value(ROUND_HALF_UP))


LISTED = re.compile(r"^\| `([^`]+)` \| (\d+) \| (.+) \|$", re.MULTILINE)


def test_the_differences_from_genai_prices_are_those_of_the_page() -> None:
    found: Counter[str] = Counter()
    compared = 0
    for one in reported():
        if one.id == APART or not plain(one):
            continue
        cost, other = charged(one), theirs(one)
        if cost is None or other is None:
            continue
        compared += 1
        if abs(cost - other) > 1:  # a nano-dollar: they do not round
            found[f"{one.provider}/{one.model}"] += 1
    text = PAGE.read_text()
    section = text[text.index("## Recorded answers") :]
    listed = {name: int(count) for name, count, _ in LISTED.findall(section)}
    assert dict(found) == listed
    assert f"{compared:,} recorded answers" in section


def test_each_difference_has_a_reason() -> None:
    listed = LISTED.findall(PAGE.read_text().partition("## Recorded answers")[2])
    assert listed
    assert all(len(reason) > 10 for _, _, reason in listed)
