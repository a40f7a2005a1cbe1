"""Records as rows, and the sums that a number of them adds up to. Pure, and quick: run for each request.

A record's tokens and cost are of all its attempts together. In the sums by day each attempt's stand under its own
provider and model; the request itself, and what is unpriced or estimated of it, under those that it ended with.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tollbridge.observe.record import Record
from tollbridge.observe.ulid import at as moment_of
from tollbridge.store.ledger_tables import KINDS

Row = tuple[Any, ...]
Place = tuple[str, str, str, str, str]
"""Day, key, group, provider, model: what the sums are kept by."""

FIXED = 5
"""Sums before the counts by kind: requests, failures, cost, unpriced, estimated."""
_KIND_AT = {kind: FIXED + n for n, kind in enumerate(KINDS)}
_encode = msgspec.json.Encoder().encode


def entry_row(record: Record, shelf: int) -> Row:
    """In the order of `ENTRIES`."""
    tokens = record.tokens
    return (
        record.id,
        record.request_id,
        _clean(record.answer_id),
        record.trace_id,
        record.parent,
        record.key_id,
        record.at or datetime.fromisoformat(record.ts).timestamp(),
        record.ttft_ms,
        record.upstream_ms,
        record.overhead_ms,
        record.duration_ms,
        record.endpoint,
        _clean(record.model_requested),
        record.group,
        record.deployment,
        record.provider,
        record.model,
        record.status,
        record.outcome,
        record.error_class,
        record.attempts,
        record.fallbacks,
        int(record.relayed),
        int(record.stream),
        None if tokens is None else tokens.get("input", 0),
        None if tokens is None else tokens.get("output", 0),
        None if tokens is None or len(tokens) < 3 else _parts(tokens),
        record.cost_nanousd,
        int(record.estimated),
        record.priced,
        int(record.cache_hit),
        None if record.user is None else _clean(record.user),
        _json(record.tags) if record.tags else None,
        None if record.metadata is None else _json(record.metadata),
        record.client,
        record.peer,
        _json(record.caveats) if record.caveats else None,
        shelf,
    )


def attempt_rows(record: Record) -> list[Row]:
    """In the order of `ATTEMPTS`."""
    return [
        (
            record.id,
            number,
            tried.deployment,
            tried.provider,
            tried.model,
            tried.status,
            tried.error_class,
            tried.ms,
            None if tried.tokens is None else tried.tokens.get("input", 0),
            None if tried.tokens is None else tried.tokens.get("output", 0),
            None if tried.tokens is None or len(tried.tokens) < 3 else _parts(tried.tokens),
            tried.cost_nanousd,
            int(tried.estimated),
        )
        for number, tried in enumerate(record.tried, 1)
    ]


def day_rows(records: Sequence[Record]) -> list[Row]:
    """In the order of `DAILY`, sorted: two writers take their locks in one order."""
    sums: dict[Place, list[int]] = {}
    days = _Days(records)
    for record in records:
        day = days.of(record.id)
        place = (day, record.key_id, record.group, record.provider, record.model)
        row = sums.get(place)
        if row is None:
            row = sums[place] = [0] * (FIXED + len(KINDS))
        row[0] += 1
        if record.outcome != "ok":
            row[1] += 1
        if record.cost_nanousd is None:
            row[3] += 1
        if record.estimated:
            row[4] += 1
        if len(record.tried) < 2:
            _spend(row, record.tokens, record.cost_nanousd)
            continue
        for tried in record.tried:
            its = (day, record.key_id, record.group, tried.provider, tried.model)
            cost = None if record.cost_nanousd is None else tried.cost_nanousd
            _spend(sums.setdefault(its, [0] * (FIXED + len(KINDS))), tried.tokens, cost)
    return [(*place, *sums[place]) for place in sorted(sums)]


def spent_by_key(records: Iterable[Record]) -> dict[str, int]:
    """In nano-dollars."""
    spent: dict[str, int] = {}
    for record in records:
        if record.cost_nanousd:
            spent[record.key_id] = spent.get(record.key_id, 0) + record.cost_nanousd
    return spent


def _spend(row: list[int], tokens: dict[str, int] | None, cost_nanousd: int | None) -> None:
    if cost_nanousd is not None:
        row[2] += cost_nanousd
    if tokens is not None:
        for kind, count in tokens.items():
            at = _KIND_AT.get(kind)
            if at is not None:
                row[at] += count


class _Days:
    """The days of ids: most often one for all."""

    def __init__(self, records: Sequence[Record]) -> None:
        ids = [record.id for record in records]
        first, last = day_of(min(ids)), day_of(max(ids))
        self._only = first if first == last else None

    def of(self, id: str) -> str:
        return day_of(id) if self._only is None else self._only


def day_of(id: str) -> str:
    """`2026-11-25`, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(moment_of(id)))


def _clean(text: str) -> str:
    """PostgreSQL keeps no NUL, which a client may write."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _json(value: object) -> str:
    return _encode(value).decode()


def _parts(tokens: dict[str, int]) -> str:
    return _json({kind: count for kind, count in tokens.items() if kind not in ("input", "output")})
