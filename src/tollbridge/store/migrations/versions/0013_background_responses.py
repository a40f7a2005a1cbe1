"""Until when a response that runs in the background is believed to be under way, and whether it is to be cancelled."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import INT, REAL

revision = "0013_background_responses"
down_revision = "0012_mcp_pins"


def upgrade() -> None:
    op.add_column("responses", sa.Column("alive_until", REAL))
    op.add_column("responses", sa.Column("cancelled", INT, nullable=False, server_default="0"))
