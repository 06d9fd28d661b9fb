"""Readings that name no transaction, and the view of the sessions they most likely tell of."""

import sqlalchemy as sa
from alembic import op

from consumers.tables.columns import Exact
from consumers.transactions.unnamed_readings import views

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table, and the view as this version of the program has it."""
    op.create_table(
        "unnamed_readings",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("transaction_id", sa.Text),
        sa.Column("connector", sa.BigInteger),
        sa.Column("meter_wh", Exact),
        sa.Column("told_ms", sa.BigInteger),
        sa.Column("observed_ms", sa.BigInteger),
        sa.Index("unnamed_readings_by_age", "observed_ms"),
    )
    for name, query in views(op.get_bind().dialect.name).items():
        op.execute(f"CREATE VIEW {name} AS {query}")
