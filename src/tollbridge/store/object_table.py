"""The table of files and batches that providers keep for our tenants, as `migrations` makes it."""

from sqlalchemy import Column, Index, Table, text

from tollbridge.store.schema import BYTES, INT, METADATA, REAL, TEXT

OBJECTS = Table(
    "objects",
    METADATA,
    Column("id", BYTES, primary_key=True),
    Column("owner", BYTES, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("created_at", REAL, nullable=False),
    Column("owing", INT, nullable=False),
    Column("sealed", BYTES, nullable=False),
    Index("objects_by_owner", "owner", "kind", "created_at"),
    Index(
        "objects_owing",
        "created_at",
        sqlite_where=text("owing > 0"),
    ),
    sqlite_strict=True,
)
