"""The ledger: entries, their attempts, sums by day."""

import sqlalchemy as sa
from alembic import op

from tollbridge.store.schema import INT, REAL, TEXT

revision = "0002_ledger"
down_revision = "0001_keys"

KINDS = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
    "accepted_prediction",
    "rejected_prediction",
    "web_searches",
)


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("answer_id", TEXT, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("end_user", TEXT),
        sa.Column("model_group", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("status", INT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("input_tokens", INT),
        sa.Column("output_tokens", INT),
        sa.Column("cost_nanousd", INT),
        sa.Column("estimated", INT, nullable=False),
        sa.Column("shelf", INT, nullable=False),
        sa.Column("details", TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("entries_by_request", "entries", ["request_id"])
    op.create_index("entries_by_answer", "entries", ["shelf", "answer_id"])
    op.create_index("entries_by_key", "entries", ["key_id", "id"])
    named = sa.text("end_user IS NOT NULL")
    op.create_index("entries_by_end_user", "entries", ["end_user", "id"], sqlite_where=named, postgresql_where=named)
    op.create_table(
        "attempts",
        sa.Column("entry_id", TEXT, primary_key=True),
        sa.Column("number", INT, primary_key=True),
        sa.Column("deployment", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("status", INT, nullable=False),
        sa.Column("error_class", TEXT, nullable=False),
        sa.Column("ms", REAL, nullable=False),
        sa.Column("input_tokens", INT),
        sa.Column("output_tokens", INT),
        sa.Column("parts", TEXT),
        sa.Column("cost_nanousd", INT),
        sa.Column("estimated", INT, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily",
        sa.Column("day", TEXT, primary_key=True),
        sa.Column("key_id", TEXT, primary_key=True),
        sa.Column("model_group", TEXT, primary_key=True),
        sa.Column("provider", TEXT, primary_key=True),
        sa.Column("model", TEXT, primary_key=True),
        sa.Column("requests", INT, nullable=False),
        sa.Column("failures", INT, nullable=False),
        sa.Column("cost_nanousd", INT, nullable=False),
        sa.Column("unpriced", INT, nullable=False),
        sa.Column("estimated", INT, nullable=False),
        *(sa.Column(f"{kind}_count", INT, nullable=False) for kind in KINDS),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("daily_by_key", "daily", ["key_id", "day"])
