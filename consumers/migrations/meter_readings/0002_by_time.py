"""Readings of a station are looked for by time."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the index."""
    op.create_index("meter_readings_by_time", "meter_readings", ["station", "observed_ms"])
