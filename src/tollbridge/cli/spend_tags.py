"""`tollbridge spend --by tag`: what requests with each tag cost. A request with two tags is in both sums, so that there
is no sum of all; tokens by tag are not kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from tollbridge.cli.columns import aligned, harmless, printable
from tollbridge.cli.indented import indented
from tollbridge.errors import BadRequestError
from tollbridge.ledger.report import read_date
from tollbridge.model.money import show_dollars, spell_dollars
from tollbridge.store.spend import TAGS_MAX, SpendReader, Wanted


class TagSpent(msgspec.Struct, kw_only=True):
    """What `--json` prints of a tag; this shape is kept."""

    by: dict[str, str]
    requests: int
    cost_nanousd: int
    unpriced: int


async def by_tag(reader: SpendReader, since: str, until: str, key_id: str | None) -> list[TagSpent]:
    """The dearest first. `since`, `until`: days, both inclusive. Raises BadRequestError where there are too many."""
    wanted = Wanted(key_id=key_id, since=read_date(since), until=read_date(until, end=True))
    sums = await reader.tags(wanted)
    if sums is None:
        raise BadRequestError(f"There are more than {TAGS_MAX:,} tags in that time: name fewer days.")
    found = [
        TagSpent(by={"tag": tag}, requests=one.requests, cost_nanousd=one.cost_nanousd, unpriced=one.unpriced)
        for tag, one in sums.items()
    ]
    return sorted(found, key=lambda one: (-one.cost_nanousd, one.by["tag"]))


def written(rows: Sequence[TagSpent], form: str) -> str:
    """`form`: `json`, `csv` or `table`."""
    if form == "json":
        return indented(rows) + "\n"
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["tag", "requests", "cost_usd", "unpriced"])
        for row in rows:
            writer.writerow([harmless(row.by["tag"]), row.requests, spell_dollars(row.cost_nanousd, 2), row.unpriced])
        return text.getvalue()
    lines = [("TAG", "REQUESTS", "COST", "UNPRICED"), *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "".join(aligned(line, widths, 1) for line in lines)


def _cells(row: TagSpent) -> tuple[str, str, str, str]:
    cost = "unknown" if row.unpriced and not row.cost_nanousd else show_dollars(row.cost_nanousd)
    return printable(row.by["tag"]), f"{row.requests:,}", cost, f"{row.unpriced:,}" if row.unpriced else ""
