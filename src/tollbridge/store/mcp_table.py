"""The table of MCP servers that were added over the API, as `migrations` makes it."""

from sqlalchemy import Column, Table

from tollbridge.store.schema import BYTES, INT, METADATA, REAL, TEXT

MCP_SERVERS = Table(
    "mcp_servers",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("name", TEXT, nullable=False, unique=True),
    Column("revision", INT, nullable=False),
    Column("sealed", BYTES, nullable=False),
    Column("created_at", REAL, nullable=False),
    Column("created_by", TEXT, nullable=False),
    Column("updated_at", REAL, nullable=False),
    Column("updated_by", TEXT, nullable=False),
    sqlite_strict=True,
)
