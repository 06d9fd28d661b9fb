"""Stations, connectors, and the history of their connections and status."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "stations",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("connected", sa.Boolean),
        sa.Column("connected_ms", sa.BigInteger),
        sa.Column("disconnected_ms", sa.BigInteger),
        sa.Column("connection_id", sa.Text),
        sa.Column("gateway", sa.Text),
        sa.Column("ocpp_version", sa.Text),
        sa.Column("remote_address", sa.Text),
        sa.Column("security_profile", sa.BigInteger),
        sa.Column("close_code", sa.BigInteger),
        sa.Column("close_reason", sa.Text),
        sa.Column("close_event_id", sa.Text),
        sa.Column("connection_epoch", sa.BigInteger),
        sa.Column("seen_ms", sa.BigInteger),
        sa.Column("booted_ms", sa.BigInteger),
        sa.Column("boot_reason", sa.Text),
        sa.Column("vendor", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("serial", sa.Text),
        sa.Column("box_serial", sa.Text),
        sa.Column("firmware", sa.Text),
        sa.Column("iccid", sa.Text),
        sa.Column("imsi", sa.Text),
        sa.Column("meter_type", sa.Text),
        sa.Column("meter_serial", sa.Text),
        sa.Column("boot_epoch", sa.BigInteger),
        sa.Column("boot_sequence", sa.BigInteger),
        sa.Column("registration_status", sa.Text),
        sa.Column("interval_s", sa.BigInteger),
        sa.Column("registration_epoch", sa.BigInteger),
        sa.Column("registration_sequence", sa.BigInteger),
    )
    op.create_table(
        "lost_connections",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("connection_id", sa.Text, primary_key=True),
        sa.Column("disconnected_ms", sa.BigInteger),
        sa.Column("close_code", sa.BigInteger),
        sa.Column("close_reason", sa.Text),
        sa.Column("close_event_id", sa.Text),
    )
    op.create_table(
        "connections",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("connection_id", sa.Text),
        sa.Column("gateway", sa.Text),
        sa.Column("ocpp_version", sa.Text),
        sa.Column("connected_ms", sa.BigInteger),
        sa.Column("disconnected_ms", sa.BigInteger),
        sa.Column("close_code", sa.BigInteger),
        sa.Column("close_reason", sa.Text),
        sa.Column("close_event_id", sa.Text),
        sa.Index("connections_by_time", "connected_ms"),
    )
    op.create_table(
        "connectors",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("evse", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("connector", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("status", sa.Text),
        sa.Column("operative", sa.Boolean),
        sa.Column("told_ms", sa.BigInteger),
        sa.Column("told_text", sa.Text),
        sa.Column("observed_ms", sa.BigInteger),
        sa.Column("error_code", sa.Text),
        sa.Column("info", sa.Text),
        sa.Column("vendor_id", sa.Text),
        sa.Column("vendor_error", sa.Text),
        sa.Column("status_epoch", sa.BigInteger),
        sa.Column("status_sequence", sa.BigInteger),
        sa.Column("status_no", sa.BigInteger),
        sa.Column("availability_asked", sa.Text),
        sa.Column("availability_answer", sa.Text),
        sa.Column("availability_ms", sa.BigInteger),
        sa.Column("availability_epoch", sa.BigInteger),
        sa.Column("availability_sequence", sa.BigInteger),
    )
    op.create_table(
        "connector_status_history",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("status_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("evse", sa.BigInteger),
        sa.Column("connector", sa.BigInteger),
        sa.Column("status", sa.Text),
        sa.Column("operative", sa.Boolean),
        sa.Column("told_ms", sa.BigInteger),
        sa.Column("told_text", sa.Text),
        sa.Column("observed_ms", sa.BigInteger),
        sa.Column("error_code", sa.Text),
        sa.Column("info", sa.Text),
        sa.Column("vendor_id", sa.Text),
        sa.Column("vendor_error", sa.Text),
    )
