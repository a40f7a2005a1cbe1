#!/usr/bin/env python3
"""Build `src/tollbridge/catalog/models.json.gz` from LiteLLM's model table (MIT, (c) Berri AI) and PyPI's genai-prices
(MIT, (c) Pydantic Services Inc.), and the list of their differences in `docs/prices.md`.

    python -m scripts.build_catalog ../shared/data/model_prices_litellm.json --version 1.109.1 --date 2026-11-21

LiteLLM's table has the names, windows and features, and most prices; genai-prices adds the models that it lacks, and
to models on whose prices both agree the classes that it lacks. Where they differ, `price_differences` says who is
followed. Prices have the names of `catalog/price_names.py`. One model is one line: `diff <(zcat OLD) <(zcat NEW)` is
what a new table changes. What is left out is counted and printed. The result hangs on the arguments and the two
sources alone.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from scripts.genai_list import PROVIDERS, Listed, Prices, every, find
from scripts.price_differences import Beyond, Difference, beyond, difference, page
from tollbridge.catalog.facts import LISTED_BY
from tollbridge.catalog.price_file import multiplied, provider_of
from tollbridge.catalog.price_names import is_price, prices_of

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "src/tollbridge/catalog/models.json.gz"
PAGE = ROOT / "docs/prices.md"
BEGIN, END = "<!-- differences: written by scripts/build_catalog.py -->\n", "<!-- end of differences -->"

# fmt: off
FEATURES = [
    "tools", "parallel_tools", "tool_choice", "forced_tool_use", "vision", "pdf", "audio_input", "audio_output",
    "video", "reasoning", "adaptive_thinking", "response_schema", "prompt_caching", "system", "prefill", "web_search",
    "computer_use", "sampling", "effort_none", "effort_minimal", "effort_xhigh", "effort_max",
    "mid_conversation_system", "url_context",
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
    "supports_url_context": "url_context",
}
MODALITIES = {"image": "vision", "audio": "audio_input", "video": "video"}


@dataclass
class Built:
    """`models`: rows as `catalog.facts` reads them, by `provider/name`. `left_out`: prices without a class of ours."""

    models: dict[str, list[Any]] = field(default_factory=dict)
    bare: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=lambda: [""])
    differences: list[Difference] = field(default_factory=list)
    beyond: list[Beyond] = field(default_factory=list)
    compared: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def source(self, url: str) -> int:
        if url not in self.sources:
            self.sources.append(url)
        return self.sources.index(url)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("table", type=Path)
    arguments.add_argument("--version", required=True, help="of the LiteLLM package that the table is from")
    arguments.add_argument("--date", required=True, type=date.fromisoformat, help="the day whose prices these are")
    given = arguments.parse_args()
    built = build(given.table, given.date)
    OUT.write_bytes(gzip.compress(text(built, given.version, given.date).encode(), 9, mtime=0))
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(
        before + BEGIN + page(built.differences, built.beyond, built.compared) + END + rest.partition(END)[2]
    )
    print(f"{len(built.models)} models, {OUT.stat().st_size:,} bytes, {len(built.differences)} differences.")
    print(f"Left out: {dict(built.left_out.most_common())}")


def build(table: Path, on: date) -> Built:
    built = Built()
    for key, row in json.loads(table.read_text(), parse_float=Decimal).items():
        if "litellm_provider" not in row or key == "sample_spec":
            built.left_out["(not a model)"] += 1
            continue
        provider = provider_of(row["litellm_provider"])
        name = key.removeprefix(provider + "/")
        full = f"{provider}/{name}"
        if "/" not in key:
            built.bare[key] = provider
        if full not in built.models or key == full:
            built.models[full] = _row(built, provider, name, row, on)
    for full, listed in sorted(_others(built, on), key=lambda pair: pair[0]):
        built.models.setdefault(full, _new_row(built, listed))
    return built


def _row(built: Built, provider: str, name: str, row: dict[str, Any], on: date) -> list[Any]:
    """[mode, max_input_tokens, max_output_tokens, features, lacks, prices, source, listed by]; features and lacks are
    bit sets, the last two are indexes."""
    ours = prices(row, built.left_out)
    mode = row.get("mode", "")
    window = limit(row.get("max_input_tokens")) or limit(row.get("max_tokens"))
    listed = find(provider, name, on)
    by = 0
    if listed is not None and ours.keys() & listed.prices.keys():
        differs = difference(provider, name, mode, ours, listed)
        built.compared += 1
        by = 2 if differs is None else 3
        if differs is not None:
            built.differences = [one for one in built.differences if (one.provider, one.model) != (provider, name)]
            built.differences.append(differs)
        if differs is None:
            ours = filled(ours, listed, window or 0)
            built.beyond += beyond(provider, name, ours, listed)
        elif differs.follows == "genai-prices":
            ours = {
                price: rate for price, rate in ours.items() if price.startswith(("search_", "per_"))
            } | listed.prices
    has, lacks = features(row)
    url = row.get("source")
    return [
        mode,
        window or (None if listed is None or by != 2 else listed.context_window),
        limit(row.get("max_output_tokens")),
        has,
        lacks,
        dict(sorted((ours | multiplied(ours, row)).items())),
        built.source(url if isinstance(url, str) and url.startswith("http") else ""),
        by,
    ]


def _others(built: Built, on: date) -> Iterator[tuple[str, Listed]]:
    """Models that only genai-prices has, under the names that it spells out."""
    for provider in PROVIDERS:
        for listed in every(provider, on):
            if "input" not in listed.prices or listed.id.startswith("regional."):
                built.left_out["(not by the token, or of no one region)"] += 1
                continue
            for name in listed.names:
                full = f"{provider}/{name}"
                if full not in built.models:
                    yield full, listed


def _new_row(built: Built, listed: Listed) -> list[Any]:
    mode = "chat" if "output" in listed.prices else ""
    prices = dict(sorted(listed.prices.items()))
    return [mode, listed.context_window, None, 0, 0, prices, built.source(listed.url), 1]


def features(row: dict[str, Any]) -> tuple[int, int]:
    has = lacks = 0
    for field_, feature in SUPPORTS.items():
        bit = 1 << FEATURES.index(feature)
        match row.get(field_):
            case True:
                has |= bit
            case False:
                lacks |= bit
    for modality in row.get("supported_modalities") or ():
        if modality in MODALITIES:
            has |= 1 << FEATURES.index(MODALITIES[modality]) & ~lacks
    return has, lacks & ~has


def limit(value: Any) -> int | None:
    return int(value) if isinstance(value, int | Decimal) and value > 0 else None


def prices(row: dict[str, Any], left_out: Counter[str]) -> Prices:
    fields = {name: value for name, value in row.items() if "cost" in name or name == "tiered_pricing"}
    known = {name: value for name, value in fields.items() if is_price(name)}
    left_out.update(fields.keys() - known.keys())
    return prices_of({name: value for name, value in known.items() if value is not None})


def filled(ours: Prices, listed: Listed, window: int) -> Prices:
    """With what the other list has for a class and service of which ours says nothing, and its tiers, where ours has
    none and the window reaches them: those beyond it are of the past."""
    known = {_class(price) for price in ours}
    tiered = {_class(price) for price in ours if ">" in price}
    return ours | {
        price: rate
        for price, rate in listed.prices.items()
        if _tier(price) < (window or 1) and _class(price) not in (tiered if _tier(price) else known)
    }


def _tier(price: str) -> int:
    return int(price.partition("@")[0].partition(">")[2] or 0)


def _class(price: str) -> tuple[str, str]:
    head, _, service = price.partition("@")
    return head.partition(">")[0], service


def text(built: Built, version: str, on: date) -> str:
    head = {
        "source": f"litellm {version}, model_prices_and_context_window_backup.json (MIT, (c) Berri AI); "
        f"genai-prices {metadata.version('genai-prices')} (MIT, (c) Pydantic Services Inc.)",
        "date": str(on),
        "features": FEATURES,
        "sources": built.sources,
        "listed_by": LISTED_BY,
    }
    lines = [json.dumps(head)[:-1] + ', "models": {', *by_provider(built.models)]
    lines.append('}, "bare": ' + json.dumps(dict(sorted(built.bare.items())), separators=(",", ":")) + "}")
    return "\n".join(lines) + "\n"


def by_provider(models: Mapping[str, Any]) -> Iterator[str]:
    """Lines of JSON: an object for each provider, a line for each of its models."""
    grouped = [
        (provider, [(full.partition("/")[2], row) for full, row in theirs])
        for provider, theirs in groupby(sorted(models.items()), lambda item: item[0].partition("/")[0])
    ]
    for provider, rows in grouped:
        yield f"{json.dumps(provider)}:{{"
        yield ",\n".join(f"{json.dumps(name)}:{json.dumps(row, separators=(',', ':'))}" for name, row in rows)
        yield "}" if provider == grouped[-1][0] else "},"


if __name__ == "__main__":
    main()
