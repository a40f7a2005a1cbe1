"""The table of responses that are kept for their tenants, as `migrations` makes it."""

from sqlalchemy import Column, Index, Table

from tollbridge.store.schema import BYTES, INT, METADATA, REAL

RESPONSES = Table(
    "responses",
    METADATA,
    Column("id", BYTES, primary_key=True),
    Column("owner", BYTES, nullable=False),
    Column("expires_at", REAL, nullable=False),
    Column("sealed", BYTES, nullable=False),
    Column("alive_until", REAL),
    Column("cancelled", INT, nullable=False, server_default="0"),
    Index("responses_by_expiry", "expires_at"),
    Index("responses_by_owner", "owner", "expires_at"),
    sqlite_strict=True,
)
