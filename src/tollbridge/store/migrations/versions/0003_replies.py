"""Replies that are kept, sealed, for a retry under the same Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import BYTES, REAL

revision = "0003_replies"
down_revision = "0002_ledger"


def upgrade() -> None:
    op.create_table(
        "replies",
        sa.Column("id", BYTES, primary_key=True),
        sa.Column("fingerprint", BYTES, nullable=False),
        sa.Column("expires_at", REAL, nullable=False),
        sa.Column("sealed", BYTES, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("replies_by_expiry", "replies", ["expires_at"])
