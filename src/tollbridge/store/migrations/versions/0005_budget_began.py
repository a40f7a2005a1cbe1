"""When the budget of a key last started: what was settled before it does not count, however late it is folded."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import REAL

revision = "0005_budget_began"
down_revision = "0004_pepper"


def upgrade() -> None:
    op.add_column("keys", sa.Column("budget_began_at", REAL))
