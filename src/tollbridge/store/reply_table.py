"""The table of replies that are kept for a retry, as `migrations` makes it."""

from sqlalchemy import Column, Index, Table

from tollbridge.store.schema import BYTES, METADATA, REAL

REPLIES = Table(
    "replies",
    METADATA,
    Column("id", BYTES, primary_key=True),
    Column("fingerprint", BYTES, nullable=False),
    Column("expires_at", REAL, nullable=False),
    Column("sealed", BYTES, nullable=False),
    Index("replies_by_expiry", "expires_at"),
    sqlite_strict=True,
)
