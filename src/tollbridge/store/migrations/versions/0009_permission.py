"""What a key may use besides models."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import TEXT

revision = "0009_permission"
down_revision = "0008_mcp_servers"


def upgrade() -> None:
    op.add_column("keys", sa.Column("permission", TEXT, nullable=False, server_default="{}"))
