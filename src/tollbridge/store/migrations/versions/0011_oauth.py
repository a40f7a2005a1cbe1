"""What OAuth keeps: tokens of MCP servers, sign-ins under way, clients and grants of our own; all sealed."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import BYTES, REAL, TEXT

revision = "0011_oauth"
down_revision = "0010_objects"


def upgrade() -> None:
    op.create_table(
        "oauth",
        sa.Column("id", BYTES, primary_key=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("about", TEXT, nullable=False),
        sa.Column("changed_at", REAL, nullable=False),
        sa.Column("expires_at", REAL),
        sa.Column("sealed", BYTES, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("oauth_by_owner", "oauth", ["kind", "owner"])
