"""Under which pepper the keys were digested."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import BYTES, INT

revision = "0004_pepper"
down_revision = "0003_replies"


def upgrade() -> None:
    op.create_table(
        "pepper",
        sa.Column("number", INT, primary_key=True, autoincrement=False),
        sa.Column("fingerprint", BYTES, nullable=False),
        sqlite_strict=True,
    )
