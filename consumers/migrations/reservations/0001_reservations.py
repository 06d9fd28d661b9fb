"""Reservations, and what is remembered of their facts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NOW_MS = {
    "postgresql": "CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)",
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER) * 1000",
}


def upgrade() -> None:
    """Create the tables, and the view that knows the time."""
    op.create_table(
        "reservations",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("reservation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text),
        sa.Column("evse", sa.BigInteger),
        sa.Column("connector", sa.BigInteger),
        sa.Column("connector_type", sa.Text),
        sa.Column("token", sa.Text),
        sa.Column("token_folded", sa.Text),
        sa.Column("token_type", sa.Text),
        sa.Column("token_group", sa.Text),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("command_id", sa.Text),
        sa.Column("asked_ms", sa.BigInteger),
        sa.Column("asked_epoch", sa.BigInteger),
        sa.Column("asked_sequence", sa.BigInteger),
        sa.Column("answer", sa.Text),
        sa.Column("answered_ms", sa.BigInteger),
        sa.Column("answered_epoch", sa.BigInteger),
        sa.Column("answered_sequence", sa.BigInteger),
        sa.Column("transaction_id", sa.Text),
        sa.Column("used_ms", sa.BigInteger),
        sa.Column("used_epoch", sa.BigInteger),
        sa.Column("used_sequence", sa.BigInteger),
        sa.Column("refused_transaction_id", sa.Text),
        sa.Column("cancelled_ms", sa.BigInteger),
        sa.Column("cancelled_epoch", sa.BigInteger),
        sa.Column("cancelled_sequence", sa.BigInteger),
        sa.Column("update_status", sa.Text),
        sa.Column("updated_ms", sa.BigInteger),
        sa.Column("updated_epoch", sa.BigInteger),
        sa.Column("updated_sequence", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("last_observed_ms", sa.BigInteger),
    )
    op.create_index("reservations_by_expiry", "reservations", ["expires_ms"])
    op.create_table(
        "reservation_facts",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("reservation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text),
        sa.Column("observed_ms", sa.BigInteger),
        sa.Column("call_sequence", sa.BigInteger),
        sa.Column("status", sa.Text),
        sa.Column("transaction_id", sa.Text),
        sa.Column("evse", sa.BigInteger),
        sa.Column("connector", sa.BigInteger),
        sa.Column("connector_type", sa.Text),
        sa.Column("token", sa.Text),
        sa.Column("token_type", sa.Text),
        sa.Column("token_group", sa.Text),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("command_id", sa.Text),
    )
    _create_view()


def _create_view() -> None:
    bind = op.get_bind()
    reservations = sa.Table("reservations", sa.MetaData(), autoload_with=bind)
    of = reservations.c
    now_ms: sa.ColumnElement[int] = sa.literal_column(_NOW_MS[bind.dialect.name])
    over = sa.and_(of.state.in_(("requested", "accepted")), of.expires_ms <= now_ms)
    state = sa.case((over, "expired"), else_=of.state).label("state")
    now = sa.select(*(state if column is of.state else column for column in of))
    text = now.compile(bind, compile_kwargs={"literal_binds": True})
    op.execute(f"CREATE VIEW reservations_now AS {text}")
