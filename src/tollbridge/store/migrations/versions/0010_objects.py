"""Files and batches that providers keep for tenants; what is known of one is sealed."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import BYTES, INT, REAL, TEXT

revision = "0010_objects"
down_revision = "0009_permission"


def upgrade() -> None:
    op.create_table(
        "objects",
        sa.Column("id", BYTES, primary_key=True),
        sa.Column("owner", BYTES, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("created_at", REAL, nullable=False),
        sa.Column("owing", INT, nullable=False),
        sa.Column("sealed", BYTES, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("objects_by_owner", "objects", ["owner", "kind", "created_at"])
    owing = sa.text("owing > 0")
    op.create_index("objects_owing", "objects", ["created_at"], sqlite_where=owing, postgresql_where=owing)
