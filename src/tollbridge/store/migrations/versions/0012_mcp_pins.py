"""What tools of MCP servers were said to be when they were first trusted, or last approved."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import INT, REAL, TEXT

revision = "0012_mcp_pins"
down_revision = "0011_oauth"


def upgrade() -> None:
    op.create_table(
        "mcp_pins",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("server", TEXT, nullable=False),
        sa.Column("revision", INT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("definition", TEXT, nullable=False),
        sa.Column("pinned_at", REAL, nullable=False),
        sa.Column("pinned_by", TEXT, nullable=False),
        sa.Column("changed", TEXT, nullable=True),
        sa.Column("changed_at", REAL, nullable=True),
        sqlite_strict=True,
    )
