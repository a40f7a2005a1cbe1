"""The table of what tools of MCP servers were said to be when they were trusted, as `migrations` makes it."""

from sqlalchemy import Column, Table

from tollbridge.store.schema import INT, METADATA, REAL, TEXT

MCP_PINS = Table(
    "mcp_pins",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("server", TEXT, nullable=False),
    Column("revision", INT, nullable=False),
    Column("fingerprint", TEXT, nullable=False),
    Column("definition", TEXT, nullable=False),
    Column("pinned_at", REAL, nullable=False),
    Column("pinned_by", TEXT, nullable=False),
    Column("changed", TEXT, nullable=True),
    Column("changed_at", REAL, nullable=True),
    sqlite_strict=True,
)
