"""Responses that are kept, sealed, for the tenant that they were given to."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import BYTES, REAL

revision = "0007_responses"
down_revision = "0006_likely_output"


def upgrade() -> None:
    op.create_table(
        "responses",
        sa.Column("id", BYTES, primary_key=True),
        sa.Column("owner", BYTES, nullable=False),
        sa.Column("expires_at", REAL, nullable=False),
        sa.Column("sealed", BYTES, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("responses_by_expiry", "responses", ["expires_at"])
    op.create_index("responses_by_owner", "responses", ["owner", "expires_at"])
