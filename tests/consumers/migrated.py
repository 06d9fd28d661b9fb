"""What the migrations of a consumer make of an empty database."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

from consumers.stores.upgrade import upgrade


def differences(consumer):
    """Between the tables that its migrations make and those that it declares."""
    declared = MetaData()
    for table in consumer.tables:
        table.to_metadata(declared)
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade(connection, consumer.name)
        context = MigrationContext.configure(connection, opts={"include_object": _is_its_own})
        found = compare_metadata(context, declared)
    engine.dispose()
    return found


def _is_its_own(thing, name, kind, reflected, compared):
    """Bookkeeping is everybody's."""
    return kind != "table" or not name.startswith("chargewire_")
