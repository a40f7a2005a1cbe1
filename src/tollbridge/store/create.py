"""Gives a new SQLite database today's schema at once.

Alembic, which would take it there through all of its versions, costs a start a seventh of a second and its process
12 MB for good. What comes out is the same, to the letter of the schema: a test holds that.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from tollbridge.store import (  # noqa: F401  # each puts its tables into METADATA
    key_tables,
    ledger_tables,
    mcp_pin_table,
    mcp_table,
    oauth_table,
    object_table,
    reply_table,
    response_table,
)
from tollbridge.store.schema import METADATA, versions

VERSION_TABLE = """
CREATE TABLE alembic_version (
\tversion_num VARCHAR(32) NOT NULL, \n\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""
"""As alembic makes it."""


def create(connection: Connection) -> None:
    """Within the transaction that `connection` is in, whole or not at all."""
    METADATA.create_all(connection, checkfirst=False)
    connection.execute(text(VERSION_TABLE))
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:newest)"), {"newest": versions()[-1]})
