"""`tollbridge spend --by tag`, `--by user`: what requests with each tag, or of each user that they name, cost.

A request with two tags is in both sums, so that there is no sum of all; tokens by them are not kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Literal

import msgspec

from tollbridge.cli.columns import aligned, harmless, printable
from tollbridge.cli.indented import indented
from tollbridge.errors import BadRequestError
from tollbridge.ledger.report import read_date
from tollbridge.model.json import JsonObject
from tollbridge.model.money import round_dollars, spell_dollars
from tollbridge.store.spend import TAGS_MAX, SpendReader, Wanted

Named = Literal["tag", "user"]


class NamedSpent(msgspec.Struct, kw_only=True):
    """What `--json` prints of a tag or a user, with null for a cost of which nothing is known; this shape is kept."""

    by: dict[str, str]
    requests: int
    cost_nanousd: int
    unpriced: int


def known_cost(cost_nanousd: int, unpriced: int) -> int | None:
    """None where nothing is known of it: a sum of nothing, and requests without a price."""
    return None if unpriced and not cost_nanousd else cost_nanousd


def dollars(cost_nanousd: int, unpriced: int) -> str:
    """For CSV: all digits, and empty where nothing is known."""
    known = known_cost(cost_nanousd, unpriced)
    return "" if known is None else spell_dollars(known, 2)


def in_json(row: msgspec.Struct, cost_nanousd: int, unpriced: int) -> JsonObject:
    """The row for JSON."""
    return {**msgspec.structs.asdict(row), "cost_nanousd": known_cost(cost_nanousd, unpriced)}


def shown(cost_nanousd: int, unpriced: int) -> str:
    """For a table."""
    known = known_cost(cost_nanousd, unpriced)
    return "unknown" if known is None else round_dollars(known)


async def by_name(reader: SpendReader, by: Named, since: str, until: str, key_id: str | None) -> list[NamedSpent]:
    """The dearest first. `since`, `until`: days, both inclusive. Raises BadRequestError where there are too many."""
    wanted = Wanted(key_id=key_id, since=read_date(since), until=read_date(until, end=True))
    sums = await (reader.tags(wanted) if by == "tag" else reader.users(wanted))
    if sums is None:
        raise BadRequestError(f"There are more than {TAGS_MAX:,} {by}s in that time: name fewer days.")
    found = [
        NamedSpent(by={by: name}, requests=one.requests, cost_nanousd=one.cost_nanousd, unpriced=one.unpriced)
        for name, one in sums.items()
    ]
    return sorted(found, key=lambda one: (-one.cost_nanousd, one.by[by]))


def written(rows: Sequence[NamedSpent], form: str) -> str:
    """`form`: `json`, `csv` or `table`."""
    if form == "json":
        return indented([in_json(row, row.cost_nanousd, row.unpriced) for row in rows]) + "\n"
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*rows[0].by, "requests", "cost_usd", "unpriced"])
        for row in rows:
            cost = dollars(row.cost_nanousd, row.unpriced)
            writer.writerow([*map(harmless, row.by.values()), row.requests, cost, row.unpriced])
        return text.getvalue()
    lines = [(*(by.upper() for by in rows[0].by), "REQUESTS", "COST", "UNPRICED"), *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "".join(aligned(line, widths, 1) for line in lines)


def _cells(row: NamedSpent) -> tuple[str, ...]:
    cost = shown(row.cost_nanousd, row.unpriced)
    return *map(printable, row.by.values()), f"{row.requests:,}", cost, f"{row.unpriced:,}" if row.unpriced else ""
