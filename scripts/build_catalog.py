#!/usr/bin/env python3
"""Build `src/tollbridge/catalog/models.json.gz` from LiteLLM's model table (MIT, (c) Berri AI).

    python scripts/build_catalog.py ../shared/data/model_prices_litellm.json --version 1.109.1 --date 2026-11-21

The table is wide: a field for each product of class x tier x service. Here a price has one key of a small grammar,

    class[>tokens][@service]        input   cache_read>200000   output@batch   input>272000@priority

and is an integer: nano-dollars per million units, exact (the source is read as decimals). One model is one line:
`diff <(zcat OLD) <(zcat NEW)` is what a new table changes. What is left out is counted and printed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[1] / "src/tollbridge/catalog/models.json.gz"
NANO_PER_MILLION = Decimal(10) ** 15

CLASSES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cache_read",
    "input_cost_per_token_cache_hit": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_creation_input_token_cost_above_12hr": "cache_write_12h",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "cache_read_input_audio_token_cost": "audio_cache_read",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_image_token": "image_output",
    "cache_read_input_image_token_cost": "image_cache_read",
    "input_cost_per_image": "per_image_in",
    "output_cost_per_image": "per_image",
    "input_cost_per_pixel": "per_pixel_in",
    "output_cost_per_pixel": "per_pixel",
    "input_cost_per_second": "per_second_in",
    "output_cost_per_second": "per_second",
    "input_cost_per_character": "per_character_in",
    "output_cost_per_character": "per_character",
    "input_cost_per_query": "per_query",
    "input_cost_per_request": "per_request",
    "ocr_cost_per_page": "per_page",
}
SEARCH = {
    "search_context_size_low": "search_low",
    "search_context_size_medium": "search_medium",
    "search_context_size_high": "search_high",
}
SERVICES = {"batches": "batch", "priority": "priority", "flex": "flex"}
PRICE_FIELD = re.compile(r"(?P<base>.+?)(?:_above_(?P<tokens>\d+)k_tokens)?(?:_(?P<service>batches|priority|flex))?")

# fmt: off
FEATURES = [
    "tools", "parallel_tools", "tool_choice", "forced_tool_use", "vision", "pdf", "audio_input", "audio_output",
    "video", "reasoning", "adaptive_thinking", "response_schema", "prompt_caching", "system", "prefill", "web_search",
    "computer_use", "sampling", "effort_none", "effort_minimal", "effort_xhigh", "effort_max",
    "mid_conversation_system",
]
"""The bits of a row's features, in order: add at the end only."""
# fmt: on
SUPPORTS = {
    "supports_function_calling": "tools",
    "supports_parallel_function_calling": "parallel_tools",
    "supports_tool_choice": "tool_choice",
    "supports_forced_tool_use": "forced_tool_use",
    "supports_vision": "vision",
    "supports_image_input": "vision",
    "supports_pdf_input": "pdf",
    "supports_audio_input": "audio_input",
    "supports_audio_output": "audio_output",
    "supports_video_input": "video",
    "supports_reasoning": "reasoning",
    "supports_adaptive_thinking": "adaptive_thinking",
    "supports_response_schema": "response_schema",
    "supports_native_structured_output": "response_schema",
    "supports_prompt_caching": "prompt_caching",
    "supports_system_messages": "system",
    "supports_assistant_prefill": "prefill",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer_use",
    "supports_sampling_params": "sampling",
    "supports_none_reasoning_effort": "effort_none",
    "supports_minimal_reasoning_effort": "effort_minimal",
    "supports_xhigh_reasoning_effort": "effort_xhigh",
    "supports_max_reasoning_effort": "effort_max",
    "supports_mid_conversation_system": "mid_conversation_system",
}

PROVIDERS = {
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "ollama_chat": "ollama",
    "azure_text": "azure",
    "text-completion-openai": "openai",
    "text-completion-codestral": "codestral",
    "fireworks_ai-embedding-models": "fireworks_ai",
}
"""LiteLLM's sub-providers, by the provider whose account pays."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("table", type=Path)
    arguments.add_argument("--version", required=True, help="of the LiteLLM package that the table is from")
    arguments.add_argument("--date", required=True, help="YYYY-MM-DD on which the table was taken")
    given = arguments.parse_args()
    table = json.loads(given.table.read_text(), parse_float=Decimal)
    left_out: Counter[str] = Counter()
    models: dict[str, list[Any]] = {}
    bare: dict[str, str] = {}
    for key, row in table.items():
        if "litellm_provider" not in row or key == "sample_spec":
            left_out["(not a model)"] += 1
            continue
        provider = provider_of(row["litellm_provider"])
        name = key.removeprefix(provider + "/") if key.startswith(provider + "/") else key
        full = f"{provider}/{name}"
        if "/" not in key:
            bare[key] = provider
        if full not in models or key == full:
            models[full] = line_of(row, left_out)
    write(models, bare, given.version, given.date)
    print(f"{len(models)} models, {OUT.stat().st_size:,} bytes. Left out: {dict(left_out.most_common())}")


def provider_of(name: str) -> str:
    return "vertex_ai" if name.startswith("vertex_ai") else PROVIDERS.get(name, name)


def line_of(row: dict[str, Any], left_out: Counter[str]) -> list[Any]:
    """[mode, max_input_tokens, max_output_tokens, features, lacks, prices]; the two in the middle are bit sets."""
    has = lacks = 0
    for field, feature in SUPPORTS.items():
        bit = 1 << FEATURES.index(feature)
        match row.get(field):
            case True:
                has |= bit
            case False:
                lacks |= bit
    return [
        row.get("mode", ""),
        limit(row.get("max_input_tokens")) or limit(row.get("max_tokens")),
        limit(row.get("max_output_tokens")),
        has,
        lacks & ~has,
        prices(row, left_out),
    ]


def limit(value: Any) -> int | None:
    return int(value) if isinstance(value, int | Decimal) and value > 0 else None


def prices(row: dict[str, Any], left_out: Counter[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for field, value in row.items():
        if field == "search_context_cost_per_query" and isinstance(value, dict):
            found |= {SEARCH[size]: nano(price) for size, price in value.items() if size in SEARCH}
        elif field == "tiered_pricing" and isinstance(value, list):
            found |= tiers(value)
        elif isinstance(value, int | Decimal) and "cost" in field and not isinstance(value, bool):
            key = price_key(field)
            if key is None:
                left_out[field] += 1
            else:
                found[key] = nano(value)
    return dict(sorted(found.items()))


def price_key(field: str) -> str | None:
    if field in CLASSES:
        return CLASSES[field]
    matched = PRICE_FIELD.fullmatch(field)
    if matched is None or matched["base"] not in CLASSES:
        return None
    tier = f">{int(matched['tokens']) * 1000}" if matched["tokens"] else ""
    service = f"@{SERVICES[matched['service']]}" if matched["service"] else ""
    return CLASSES[matched["base"]] + tier + service


def tiers(listed: list[dict[str, Any]]) -> dict[str, int]:
    """Tiers by input length: the first starts at 0 and is the plain price."""
    found: dict[str, int] = {}
    for tier in listed:
        start = int(tier["range"][0]) if "range" in tier else 0
        for field, name in CLASSES.items():
            if isinstance(tier.get(field), int | Decimal):
                found[f"{name}>{start}" if start else name] = nano(tier[field])
    return found


def nano(price: int | Decimal) -> int:
    """US dollars per unit -> nano-dollars per million units."""
    exact = Decimal(price) * NANO_PER_MILLION
    whole = int(exact.to_integral_value())
    if abs(exact - whole) > Decimal("0.5") or (whole == 0 and price != 0):
        raise ValueError(f"{price} is not a price in whole nano-dollars per million")
    return whole


def write(models: dict[str, list[Any]], bare: dict[str, str], version: str, date: str) -> None:
    head = {
        "source": f"litellm {version}, model_prices_and_context_window_backup.json (MIT, (c) Berri AI)",
        "date": date,
        "features": FEATURES,
    }
    lines = [json.dumps(head)[:-1] + ', "models": {']
    lines.append(
        ",\n".join(
            f"{json.dumps(name)}:{json.dumps(row, separators=(',', ':'))}" for name, row in sorted(models.items())
        )
    )
    lines.append('}, "bare": ' + json.dumps(dict(sorted(bare.items())), separators=(",", ":")) + "}")
    OUT.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n", 9, mtime=0))


if __name__ == "__main__":
    main()
