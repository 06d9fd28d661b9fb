"""The tables of a consumer that only tests have."""

import sqlalchemy as sa
from alembic import op

from consumers.tables.columns import Exact

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "tally",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("count", sa.BigInteger),
        sa.Column("total", Exact),
        sa.Column("said", sa.Text),
    )
    op.create_table(
        "tally_heard",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("said", sa.Text),
    )
    op.create_table(
        "tally_totals",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger),
    )
    op.create_table(
        "tally_tokens",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger),
        sa.Column("said", sa.Text),
        sa.Column("written_ms", sa.BigInteger),
    )
