"""The ledger's tables: a row for each request (`entries`), the attempts of those that had several, and sums by day.

Ids are ULIDs, so that both tables grow at their end, and a span of time is a span of ids. The day of a request, in UTC,
is that of its id: of the moment when it was accounted for.

A column of `entries` is what requests are searched by, and what their sums by day can be compared with; all else of a
request is JSON in `details`.

An index over ids in no order, as those in answers are, costs a page of the disk for each row, the more so the larger it
grows. So rows stand on shelves, some four thousand in turn on each, and answers are indexed within their shelf: an
insertion touches the pages of the last one, and who looks for an answer looks on every shelf.
"""

from sqlalchemy import Column, Index, Table, text

from tollbridge.observe.record import PARTS
from tollbridge.store.schema import INT, METADATA, REAL, TEXT

KINDS = ("input", "output", *PARTS)
"""What is counted of a request, as `Record.tokens` names it."""

ENTRIES = Table(
    "entries",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("request_id", TEXT, nullable=False),
    Column("answer_id", TEXT, nullable=False),
    Column("key_id", TEXT, nullable=False),
    Column("end_user", TEXT),
    Column("model_group", TEXT, nullable=False),
    Column("provider", TEXT, nullable=False),
    Column("model", TEXT, nullable=False),
    Column("status", INT, nullable=False),
    Column("outcome", TEXT, nullable=False),
    Column("input_tokens", INT),
    Column("output_tokens", INT),
    Column("cost_nanousd", INT),
    Column("estimated", INT, nullable=False),
    Column("shelf", INT, nullable=False),
    Column("details", TEXT, nullable=False),
    Index("entries_by_request", "request_id"),
    Index("entries_by_answer", "shelf", "answer_id"),
    Index("entries_by_key", "key_id", "id"),
    Index(
        "entries_by_end_user",
        "end_user",
        "id",
        sqlite_where=text("end_user IS NOT NULL"),
    ),
    sqlite_strict=True,
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("entry_id", TEXT, primary_key=True),
    Column("number", INT, primary_key=True),
    Column("deployment", TEXT, nullable=False),
    Column("provider", TEXT, nullable=False),
    Column("model", TEXT, nullable=False),
    Column("status", INT, nullable=False),
    Column("error_class", TEXT, nullable=False),
    Column("ms", REAL, nullable=False),
    Column("input_tokens", INT),
    Column("output_tokens", INT),
    Column("parts", TEXT),
    Column("cost_nanousd", INT),
    Column("estimated", INT, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

DAILY = Table(
    "daily",
    METADATA,
    Column("day", TEXT, primary_key=True),
    Column("key_id", TEXT, primary_key=True),
    Column("model_group", TEXT, primary_key=True),
    Column("provider", TEXT, primary_key=True),
    Column("model", TEXT, primary_key=True),
    Column("requests", INT, nullable=False),
    Column("failures", INT, nullable=False),
    Column("cost_nanousd", INT, nullable=False),
    Column("unpriced", INT, nullable=False),
    Column("estimated", INT, nullable=False),
    *(Column(f"{kind}_count", INT, nullable=False) for kind in KINDS),
    Index("daily_by_key", "key_id", "day"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
