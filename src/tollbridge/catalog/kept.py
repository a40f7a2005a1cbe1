"""What an entry keeps of an answer's usage, so that it can be priced again: `keep` and `again` are a pair.

Tokens are kept as the log tells them. What else a price depends on is a bill's small print, and most answers have none:
the service that was given, a grand total that counts hidden thinking, how much context a search read, what the
provider itself says that it charged or how many tokens it bills, what another model did, what compacting took, and how
long it took, where that is what is paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tollbridge.catalog.parts import (
    BILLED,
    COMPACTION,
    ITERATIONS,
    UNSURE,
    Other,
    billed_tokens,
    others,
    samplings,
    service_of,
    told_cost,
)
from tollbridge.model.json import JsonObject
from tollbridge.model.money import write_dollars
from tollbridge.model.response import UNITS, Usage

Bill = dict[str, str | int]

MILLION = 1_000_000
SERVICE_MAX = 100
_decode = msgspec.json.Decoder(list[JsonObject]).decode
_SEARCH_SIZES = ("low", "high")
_COUNTS = frozenset(Usage.__struct_fields__) - {"origin", "spelling", "extra", "units"}


def keep(usage: Usage, service_tier: str | None, seconds: float | None = None) -> Bill:
    """`service_tier`: as the answer names it. `seconds`: of a model that is paid by time."""
    bill: Bill = {}
    extra = usage.extra
    if service := service_of(usage, service_tier)[:SERVICE_MAX]:
        bill["service"] = service
    if extra:
        if extra.get("total_tokens").__class__ is int:
            bill["total_tokens"] = extra["total_tokens"]
        if extra.get("search_context_size") in _SEARCH_SIZES:
            bill["search"] = extra["search_context_size"]
        told = told_cost(usage)
        if told is not None:
            bill["told_nanousd"] = told
        billed = billed_tokens(usage)
        if billed is not None:
            bill["billed_input"], bill["billed_output"] = billed
        beside = others(usage, service_tier)
        if beside:
            bill["others"] = msgspec.json.encode([_of_another(other) for other in beside]).decode()
        if runs := samplings(usage):
            compacted = [_of_another(Other(COMPACTION, "", run)) for run in runs[1:]]
            bill["compactions"] = msgspec.json.encode(compacted).decode()
    if seconds is not None:
        bill["took_us"] = round(seconds * MILLION)
    return bill


def again(tokens: Mapping[str, int], bill: Mapping[str, str | int] | None) -> Usage:
    """Usage that costs what the kept one did, at any prices."""
    extra: dict[str, Any] = {}
    bill = bill or {}
    for name, word in (
        ("service", "service_tier"),
        ("total_tokens", "total_tokens"),
        ("search", "search_context_size"),
    ):
        if name in bill:
            extra[word] = bill[name]
    told = bill.get("told_nanousd")
    if isinstance(told, int):
        extra["cost"] = write_dollars(told)
    if "billed_input" in bill:
        extra[BILLED] = {"input_tokens": bill["billed_input"], "output_tokens": bill.get("billed_output", 0)}
    told_of = [one for name in ("others", "compactions") if name in bill for one in _decode(str(bill[name]))]
    if told_of:
        extra[ITERATIONS] = told_of
    counts: dict[str, Any] = {kind: count for kind, count in tokens.items() if kind in _COUNTS}
    units = {name: tokens[name] for name in UNITS if name in tokens}
    return Usage(**counts, extra=extra, units=units or None)


def _of_another(other: Other) -> JsonObject:
    """As Anthropic tells it."""
    named = {"type": other.kind[:SERVICE_MAX], "model": other.model[:SERVICE_MAX]}
    used = other.used
    if used is None:
        return named
    read, write = used.cache_read or 0, used.cache_write or 0
    return {
        **named,
        "input_tokens": used.input - read - write,
        "output_tokens": used.output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": write,
        "cache_creation": {"ephemeral_1h_input_tokens": used.cache_write_1h or 0},
        **({} if other.sure else {UNSURE: True}),
    }


def took(bill: Mapping[str, str | int] | None) -> float | None:
    """Seconds, where they were kept: so many that `Tariff.cost` counts the same."""
    kept = None if bill is None else bill.get("took_us")
    return kept / MILLION if isinstance(kept, int) else None
