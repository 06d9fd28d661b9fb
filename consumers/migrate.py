"""Brings a consumer's tables up to date and ends: for whoever wants that done before a rollout."""

import asyncio
from pathlib import Path

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from consumers.config import Config
from consumers.stores import engines
from consumers.stores.unusable import Unusable, check, make_folder, words
from consumers.stores.upgrade import HISTORIES, UpgradeError, upgrade
from programs.log_lines import set_up

# A consumer gives up on a statement much sooner; an index of a table of years takes its time.
STATEMENT_TIME_S = 86_400.0

log = structlog.get_logger("consumers")


def run(config: Config, consumer: str) -> int:
    """Upgrade the tables of the consumer of this name; returns the exit code. Kafka is not needed.

    Others that do the same with the same database wait for each other. Where it fails, nothing is
    changed.
    """
    set_up(config.log_level, config.log_format)
    return migrated(config.store, consumer)


def migrated(store: str, consumer: str, histories: Path = HISTORIES) -> int:
    """As run, of a store, where logging is set up."""
    shown = engines.shown(store)
    try:
        make_folder(store)
        asyncio.run(_upgraded(store, consumer, histories))
    except (Unusable, UpgradeError, SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
        log.error("cannot bring the tables up to date", store=shown, problem=words(error))
        return 1
    log.info("the tables are those of this version", store=shown)
    return 0


async def _upgraded(store: str, consumer: str, histories: Path) -> None:
    engine = engines.engine(store, f"chargewire {consumer} --migrate", STATEMENT_TIME_S)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade, consumer, histories)
    except Exception as error:
        check(store, error)
        raise
    finally:
        await engine.dispose()
