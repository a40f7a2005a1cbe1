"""`INSERT ... ON CONFLICT`, as each database's dialect spells it. Only that of the one at hand is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy.engine import Dialect as Spelling

from tollbridge.store.address import Dialect

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def upsert(kind: Dialect, table: Table) -> SqliteInsert | PostgresqlInsert:
    if kind == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def spelling(kind: Dialect) -> Spelling:
    """Of statements that are given to the driver as they are."""
    if kind == "sqlite":
        from sqlalchemy.dialects.sqlite import aiosqlite

        return aiosqlite.dialect()
    from sqlalchemy.dialects.postgresql import asyncpg

    return asyncpg.dialect()  # type: ignore[no-untyped-call]
