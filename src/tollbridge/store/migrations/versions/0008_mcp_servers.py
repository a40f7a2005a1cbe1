"""MCP servers that were added over the API; what was said of one is sealed."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import BYTES, INT, REAL, TEXT

revision = "0008_mcp_servers"
down_revision = "0007_responses"


def upgrade() -> None:
    op.create_table(
        "mcp_servers",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False, unique=True),
        sa.Column("revision", INT, nullable=False),
        sa.Column("sealed", BYTES, nullable=False),
        sa.Column("created_at", REAL, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("updated_at", REAL, nullable=False),
        sa.Column("updated_by", TEXT, nullable=False),
        sqlite_strict=True,
    )
