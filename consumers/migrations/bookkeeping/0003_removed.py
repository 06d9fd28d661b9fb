"""How far old rows are removed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A table that is filled where a consumer removes rows."""
    op.create_table(
        "chargewire_removed",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("table_name", sa.Text, primary_key=True),
        sa.Column("before_ms", sa.BigInteger, nullable=False),
    )
