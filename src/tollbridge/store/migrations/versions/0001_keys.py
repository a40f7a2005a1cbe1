"""Virtual keys, and the list of their changes that other processes follow."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import BYTES, INT, REAL, TEXT

revision = "0001_keys"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("digest", BYTES, nullable=False, unique=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("alias", TEXT, unique=True),
        sa.Column("models", TEXT, nullable=False),
        sa.Column("aliases", TEXT, nullable=False),
        sa.Column("max_budget_nanousd", INT),
        sa.Column("budget_duration", TEXT),
        sa.Column("budget_resets_at", REAL),
        sa.Column("rpm", INT),
        sa.Column("tpm", INT),
        sa.Column("parallel", INT),
        sa.Column("expires_at", REAL),
        sa.Column("blocked", INT, nullable=False),
        sa.Column("metadata", TEXT, nullable=False),
        sa.Column("created_at", REAL, nullable=False),
        sa.Column("updated_at", REAL, nullable=False),
        sa.Column("minted_by", TEXT, nullable=False),
        sa.Column("spend_nanousd", INT, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("keys_by_creation", "keys", ["created_at", "id"])
    op.create_table(
        "key_changes",
        sa.Column("number", INT, primary_key=True, autoincrement=True),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("at", REAL, nullable=False),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
