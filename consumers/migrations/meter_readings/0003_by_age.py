"""Old readings are found, to be removed."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the index."""
    op.create_index("meter_readings_by_age", "meter_readings", ["observed_ms"])
