"""Whose log the tables of a consumer are made of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A table that is filled when a consumer next starts."""
    op.create_table(
        "chargewire_origins",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("prefix", sa.Text, nullable=False),
    )
