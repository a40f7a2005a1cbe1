"""Records as rows, and the sums that a number of them adds up to. Pure, and quick: run for each request. They fit
(`fitting.py`).

A record's tokens and cost are of all its attempts together. In the sums by day each attempt's stand under its own
provider and model; the request itself, and what is unpriced or estimated of it, under those that it ended with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import asdict

from tollbridge.observe.record import Record, Tried
from tollbridge.observe.ulid import at as moment_of
from tollbridge.store.ledger_tables import KINDS

Row = tuple[Any, ...]
Place = tuple[str, str, str, str, str]
"""Day, key, group, provider, model: what the sums are kept by."""

FIXED = 5
"""Sums before the counts by kind: requests, failures, cost, unpriced, estimated."""
_KIND_AT = {kind: FIXED + n for n, kind in enumerate(KINDS)}
_encode = msgspec.json.Encoder().encode
_NO_PARTS: dict[str, int] = {}


DETAILS = (
    "endpoint",
    "model_requested",
    "deployment",
    "error_class",
    "fallbacks",
    "relayed",
    "stream",
    "ttft_ms",
    "upstream_ms",
    "overhead_ms",
    "duration_ms",
    "priced",
    "bill",
    "cache_hit",
    "trace_id",
    "parent",
    "tags",
    "metadata",
    "client",
    "peer",
    "caveats",
)
"""Of `Record`, what an entry's row tells that nothing is searched by: one text for all of it, since each column costs a
row a tenth of a microsecond, and most of these say nothing."""
_OF_RECORD = {field.name: field for field in msgspec.structs.fields(Record)}

Details: type[Any] = msgspec.defstruct(
    "Details",
    [
        ("started_at", float),
        ("attempts", int, 1),
        ("parts", dict[str, int], {}),
        *((name, _OF_RECORD[name].type, _OF_RECORD[name].default) for name in DETAILS),
    ],
    frozen=True,
    omit_defaults=True,
    gc=False,
)
"""`started_at` is the record's `at`; `parts` are its tokens but for the two totals."""

_details: Callable[[Record], tuple[Any, ...]] = attrgetter(*DETAILS)


class _Tagged(msgspec.Struct, frozen=True, gc=False):
    tags: tuple[str, ...] = ()


_read_tagged = msgspec.json.Decoder(_Tagged).decode
_read_details = msgspec.json.Decoder(Details).decode
_read_parts = msgspec.json.Decoder(dict[str, int]).decode


def entry_row(record: Record, shelf: int) -> Row:
    """In the order of `ENTRIES`."""
    tokens = record.tokens
    started_at = record.at or datetime.fromisoformat(record.ts).timestamp()
    details = Details(started_at, record.attempts, _parts(tokens), *_details(record))
    return (
        record.id,
        record.request_id,
        record.answer_id,
        record.key_id,
        record.user,
        record.group,
        record.provider,
        record.model,
        record.status,
        record.outcome,
        None if tokens is None else tokens.get("input", 0),
        None if tokens is None else tokens.get("output", 0),
        record.cost_nanousd,
        int(record.estimated),
        shelf,
        _encode(details).decode(),
    )


def read_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `ENTRIES` by its columns' names; in the place of `details`, each of them."""
    columns = dict(row)
    details = _read_details(columns.pop("details"))
    return {**columns, **asdict(details)}


def read_attempt(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `ATTEMPTS` by its columns' names; `parts` as a value."""
    return {**row, "parts": {} if row["parts"] is None else _read_parts(row["parts"])}


def read_record(row: Mapping[str, Any]) -> Record:
    """What sums are made of, and prices depend on, of an entry as `SpendReader` gives it."""
    return Record(
        id=row["id"],
        key_id=row["key_id"],
        group=row["model_group"],
        deployment=row["deployment"],
        provider=row["provider"],
        model=row["model"],
        outcome=row["outcome"],
        upstream_ms=row["upstream_ms"],
        tokens=_tokens(row),
        cost_nanousd=row["cost_nanousd"],
        estimated=bool(row["estimated"]),
        priced=row["priced"],
        bill=row["bill"],
        tried=tuple(
            Tried(
                deployment=tried["deployment"],
                provider=tried["provider"],
                model=tried["model"],
                status=tried["status"],
                error_class=tried["error_class"],
                ms=tried["ms"],
                tokens=_tokens(tried),
                cost_nanousd=tried["cost_nanousd"],
                estimated=bool(tried["estimated"]),
            )
            for tried in row["tried"]
        ),
    )


TAGGED = '"tags":['
"""Stands in the details of each entry with tags, and of a few others."""


def read_tags(details: str) -> tuple[str, ...]:
    """Those of an entry, each once."""
    return tuple(dict.fromkeys(_read_tagged(details).tags))


def with_prices_of(details: str, priced: str) -> str:
    """An entry's details, its prices from elsewhere."""
    return _encode(msgspec.structs.replace(_read_details(details), priced=priced)).decode()


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
            _encode(parts).decode() if (parts := _parts(tried.tokens)) else None,
            tried.cost_nanousd,
            int(tried.estimated),
        )
        for number, tried in enumerate(record.tried, 1)
    ]


def day_rows(records: Sequence[Record]) -> list[Row]:
    """In the order of `DAILY`, sorted: two writers take their locks in one order."""
    sums: dict[Place, list[int]] = {}
    ids = [record.id for record in records]
    first, last = day_of(min(ids)), day_of(max(ids))
    for record in records:
        day = first if first == last else day_of(record.id)
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
            if not cost and not any((tried.tokens or {}).values()):
                continue  # who failed and used nothing has no row for it
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
            if kind in _KIND_AT:
                row[_KIND_AT[kind]] += count


def day_of(id: str) -> str:
    """`2026-11-25`, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(moment_of(id)))


def _tokens(row: Mapping[str, Any]) -> dict[str, int] | None:
    if row["input_tokens"] is None:
        return None
    return {"input": row["input_tokens"], "output": row["output_tokens"], **row["parts"]}


def _parts(tokens: dict[str, int] | None) -> dict[str, int]:
    if tokens is None or len(tokens) < 3:
        return _NO_PARTS
    return {kind: count for kind, count in tokens.items() if kind not in ("input", "output")}
