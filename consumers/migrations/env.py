"""What Alembic runs for each history: everything comes from `consumers.stores.upgrade`."""

from alembic import context

context.configure(**context.config.attributes["configuration"])
context.run_migrations()
