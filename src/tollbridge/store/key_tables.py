"""The tables of keys, their changes, what deleted ones were called, and the pepper, as `migrations` makes them."""

from sqlalchemy import Column, Index, Table

from tollbridge.store.schema import BYTES, INT, METADATA, REAL, TEXT

KEYS = Table(
    "keys",
    METADATA,
    Column("id", TEXT, primary_key=True),
    Column("digest", BYTES, nullable=False, unique=True),
    Column("name", TEXT, nullable=False),
    Column("alias", TEXT, unique=True),
    Column("models", TEXT, nullable=False),
    Column("aliases", TEXT, nullable=False),
    Column("max_budget_nanousd", INT),
    Column("budget_duration", TEXT),
    Column("budget_resets_at", REAL),
    Column("rpm", INT),
    Column("tpm", INT),
    Column("parallel", INT),
    Column("expires_at", REAL),
    Column("blocked", INT, nullable=False),
    Column("metadata", TEXT, nullable=False),
    Column("created_at", REAL, nullable=False),
    Column("updated_at", REAL, nullable=False),
    Column("minted_by", TEXT, nullable=False),
    Column("spend_nanousd", INT, nullable=False),
    Column("budget_began_at", REAL),
    Column("likely_output_tokens", INT),
    Column("likely_output_tokens_by_model", TEXT, nullable=False, server_default="{}"),
    Column("permission", TEXT, nullable=False, server_default="{}"),
    Index("keys_by_creation", "created_at", "id"),
    sqlite_strict=True,
)

KEY_CHANGES = Table(
    "key_changes",
    METADATA,
    Column("number", INT, primary_key=True, autoincrement=True),
    Column("key_id", TEXT, nullable=False),
    Column("at", REAL, nullable=False),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)

FORMER_ALIASES = Table(
    "former_aliases",
    METADATA,
    Column("key_id", TEXT, primary_key=True),
    Column("alias", TEXT, nullable=False),
    sqlite_strict=True,
)
"""What keys that are deleted were called, for who reads the ledger."""

PEPPER = Table(
    "pepper",
    METADATA,
    Column("number", INT, primary_key=True, autoincrement=False),
    Column("fingerprint", BYTES, nullable=False),
    sqlite_strict=True,
)
"""One row, number 1."""
