"""The views of transactions, and the index by which they find what is open."""

from alembic import op

from consumers.transactions.views import views

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create them as this version of the program has them.

    Once a view has to change, that is done by a new revision, which drops and creates all; this one
    then no longer makes them.
    """
    op.create_index("transactions_by_state", "transactions", ["state", "station"])
    for name, query in views(op.get_bind().dialect.name).items():
        op.execute(f"CREATE VIEW {name} AS {query}")
