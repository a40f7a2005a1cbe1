"""The table of what OAuth keeps, as `migrations` makes it."""

from sqlalchemy import Column, Index, Table

from tollbridge.store.schema import BYTES, METADATA, REAL, TEXT

OAUTH = Table(
    "oauth",
    METADATA,
    Column("id", BYTES, primary_key=True),
    Column("kind", TEXT, nullable=False),
    Column("owner", TEXT, nullable=False),
    Column("about", TEXT, nullable=False),
    Column("changed_at", REAL, nullable=False),
    Column("expires_at", REAL),
    Column("sealed", BYTES, nullable=False),
    Index("oauth_by_owner", "kind", "owner"),
    sqlite_strict=True,
)
