"""What keys that are deleted were called: the ledger tells of them for ever."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import TEXT

revision = "0014_former_aliases"
down_revision = "0013_background_responses"


def upgrade() -> None:
    op.create_table(
        "former_aliases",
        sa.Column("key_id", TEXT, primary_key=True),
        sa.Column("alias", TEXT, nullable=False),
        sqlite_strict=True,
    )
