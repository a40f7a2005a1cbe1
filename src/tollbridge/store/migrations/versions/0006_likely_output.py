"""How many tokens a key's answers are taken to have where a request sets no limit."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import INT, TEXT

revision = "0006_likely_output"
down_revision = "0005_budget_began"


def upgrade() -> None:
    op.add_column("keys", sa.Column("likely_output_tokens", INT))
    op.add_column("keys", sa.Column("likely_output_tokens_by_model", TEXT, nullable=False, server_default="{}"))
