"""Commands, their history, and the newest connection of each station."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "commands",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("command_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text),
        sa.Column("action", sa.Text),
        sa.Column("payload", sa.Text),
        sa.Column("requested_by", sa.Text),
        sa.Column("when_offline", sa.Text),
        sa.Column("asked_ms", sa.BigInteger),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("attempt", sa.BigInteger),
        sa.Column("issued_ms", sa.BigInteger),
        sa.Column("issued_attempt", sa.BigInteger),
        sa.Column("taken_by", sa.Text),
        sa.Column("taken_epoch", sa.BigInteger),
        sa.Column("taken_ms", sa.BigInteger),
        sa.Column("settled_outcome", sa.Text),
        sa.Column("settled_ms", sa.BigInteger),
        sa.Column("claimed_attempt", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("outcome_attempt", sa.BigInteger),
        sa.Column("response", sa.Text),
        sa.Column("error_code", sa.Text),
        sa.Column("error_description", sa.Text),
        sa.Column("message_id", sa.Text),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("void_results", sa.BigInteger),
        sa.Column("asked_position", sa.BigInteger),
        sa.Column("taken_position", sa.BigInteger),
        sa.Column("turn_position", sa.BigInteger),
        sa.Column("settled_position", sa.BigInteger),
        sa.Column("result_position", sa.BigInteger),
        sa.Column("last_result_position", sa.BigInteger),
    )
    op.create_index("commands_by_state", "commands", ["state", "expires_ms"])
    unended = sa.text("state <> 'ended'")
    op.create_index(
        "commands_open",
        "commands",
        ["station", "command_id"],
        postgresql_where=unended,
        sqlite_where=unended,
    )
    op.create_table(
        "command_history",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("command_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("attempt", sa.BigInteger),
        sa.Column("gateway", sa.Text),
        sa.Column("connection_epoch", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("at_ms", sa.BigInteger),
    )
    op.create_table(
        "command_origins",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("command_id", sa.Text, primary_key=True),
        sa.Column("exact_id", sa.Text),
        sa.Column("reply_topic", sa.Text),
        sa.Column("reply_partition", sa.BigInteger),
        sa.Column("reply_correlation", sa.Text),
        sa.Column("traceparent", sa.Text),
    )
    op.create_table(
        "connections_now",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("connected", sa.Boolean),
        sa.Column("epoch", sa.BigInteger),
        sa.Column("connection_id", sa.Text),
        sa.Column("gateway", sa.Text),
        sa.Column("ocpp_version", sa.Text),
        sa.Column("connected_ms", sa.BigInteger),
        sa.Column("disconnected_ms", sa.BigInteger),
        sa.Column("close_reason", sa.Text),
    )
    op.create_table(
        "connections_given_up",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("connection_id", sa.Text, primary_key=True),
        sa.Column("disconnected_ms", sa.BigInteger),
        sa.Column("close_reason", sa.Text),
    )
