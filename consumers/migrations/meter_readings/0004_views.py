"""The views of meter readings."""

from alembic import op

from consumers.meter_readings.views import views

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create them as this version of the program has them."""
    for name, query in views().items():
        op.execute(f"CREATE VIEW {name} AS {query}")
