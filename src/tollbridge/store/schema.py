"""What all tables share: one MetaData, and column types that SQLite's STRICT tables and PostgreSQL both take.

Money and counts are `INT` (64 bits), moments `REAL` (epoch seconds), truth is 0 or 1 in an `INT`, JSON is `TEXT` that
the stores write and read themselves: both databases then keep, compare and give back the same.

What only PostgreSQL is told (`postgresql_where` of an index, which is as its `sqlite_where`) stands in the migrations
alone: here it would load that dialect, 20 ms and 2 MB, wherever the database is SQLite.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from sqlalchemy import BigInteger, Double, Integer, LargeBinary, MetaData, Text
from sqlalchemy.dialects.sqlite import REAL as SQLITE_REAL
from sqlalchemy.types import TypeEngine

METADATA = MetaData()

INT = BigInteger().with_variant(Integer(), "sqlite")
REAL: TypeEngine[float] = Double().with_variant(SQLITE_REAL(), "sqlite")
TEXT = Text()
BYTES = LargeBinary()


@cache
def versions() -> tuple[str, ...]:
    """The versions of the schema, oldest first: one per file in `migrations/versions`, named alike. Read from the
    names alone, because alembic takes a fifth of a second to import and is hardly ever needed."""
    folder = resources.files("tollbridge.store") / "migrations" / "versions"
    return tuple(sorted(entry.name[:-3] for entry in folder.iterdir() if entry.name[:4].isdecimal()))
