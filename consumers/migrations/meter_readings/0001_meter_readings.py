"""One row for each sampled value."""

import sqlalchemy as sa
from alembic import op

from consumers.tables.columns import Exact

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "meter_readings",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sample_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("observed_ms", sa.BigInteger),
        sa.Column("told_ms", sa.BigInteger),
        sa.Column("told_text", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("transaction_id", sa.Text),
        sa.Column("evse", sa.BigInteger),
        sa.Column("connector", sa.BigInteger),
        sa.Column("measurand", sa.Text),
        sa.Column("phase", sa.Text),
        sa.Column("location", sa.Text),
        sa.Column("context", sa.Text),
        sa.Column("format", sa.Text),
        sa.Column("unit", sa.Text),
        sa.Column("value", Exact),
        sa.Column("raw", sa.Text),
        sa.Column("signed", sa.Text),
    )
