"""Brings the tables of a store to what this version of the program works with."""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

HISTORIES = Path(__file__).parents[1] / "migrations"
BOOKKEEPING = "bookkeeping"
log = structlog.get_logger(__name__)

_LOCK = 0x63_68_77_72  # any number that nobody else takes in this database


class UpgradeError(Exception):
    """The tables cannot be brought up to date; the text says why."""


def upgrade(connection: Connection, consumer: str, histories: Path = HISTORIES) -> None:
    """Run what has not been run of two histories: bookkeeping's, and the consumer's own.

    A history is a folder of Alembic revisions, one after the other, and has a version table of its
    own: so consumers may share a database, in different versions too. Runs inside the transaction
    that `connection` is in; another program that does the same waits. Raises UpgradeError.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    _run(connection, HISTORIES / BOOKKEEPING, "chargewire_version")
    _run(connection, histories / consumer.replace("-", "_"), version_table(consumer))


def version_table(consumer: str) -> str:
    """Where the revision of a consumer's own tables stands."""
    return f"chargewire_version_{consumer.replace('-', '_')}"


def _run(connection: Connection, history: Path, version_table: str) -> None:
    config = Config()
    for name, value in {
        "script_location": str(HISTORIES),
        "path_separator": "newline",
        "version_locations": str(history),
    }.items():
        config.set_main_option(name, value.replace("%", "%%"))
    config.attributes["configuration"] = {
        "connection": connection,
        "version_table": version_table,
        "transactional_ddl": True,
    }
    before = _revision(connection, version_table)
    # A consumer that waits for Kafka comes by here again and again. And what Alembic works with is
    # the process's own, so that two stores which are opened at once would get in each other's way.
    if before == ScriptDirectory.from_config(config).get_current_head():
        return
    log.info("upgrading tables", of=history.name, revision=before)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UpgradeError(
            f"{history.name}: {error}. Were these tables made by a newer chargewire? Then run that "
            "one, or name another CHARGEWIRE_STORE."
        ) from error
    after = _revision(connection, version_table)
    log.info("tables are up to date", of=history.name, revision=after)


def _revision(connection: Connection, version_table: str) -> str | None:
    """The revision of a history's tables; None: there are none yet."""
    options = {"version_table": version_table}
    return MigrationContext.configure(connection, opts=options).get_current_revision()
