"""Runs one consumer as a program: builds its parts, and ends them in order."""

import asyncio
import signal
from functools import partial
from pathlib import Path

import structlog
import uvloop
from sqlalchemy.engine import make_url

from consumers import engines
from consumers.config import Config
from consumers.membership import open_member
from consumers.metrics import Metrics
from consumers.projection import Projection
from consumers.rebuild import RebuildRefusedError
from consumers.runner import Runner
from consumers.stores import Store
from consumers.upgrade import HISTORIES, UpgradeError
from schemas import registry
from schemas.log import set_up
from schemas.operators_port import Admin, application

log = structlog.get_logger("consumers")


def run(
    config: Config,
    projection: Projection,
    *,
    rebuilds: bool = False,
    whole_log: bool = True,
    histories: Path = HISTORIES,
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. The settings are complete."""
    set_up(config.log_level, config.log_format)

    async def until_signal() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        metrics = Metrics(projection.name)
        runner = await _runner(config, projection, metrics, rebuilds, whole_log, histories)
        return await _served(config, runner, metrics, stop)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            return loop.run(until_signal())
    except registry.RegistryError as error:
        log.error("cannot start", problem=str(error))
        return 1


async def _runner(  # noqa: PLR0913 - handed through
    config: Config,
    projection: Projection,
    metrics: Metrics,
    rebuilds: bool,
    whole_log: bool,
    histories: Path,
) -> Runner:
    codec = await registry.codec(config)
    if (url := make_url(config.store)).drivername == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    return Runner(
        projection=projection,
        open_store=partial(Store.open, config.store, projection, histories=histories),
        connect=partial(
            open_member,
            config.client_options(),
            group=f"{config.prefix}consume-{projection.name}",
        ),
        codec=codec,
        learn=partial(registry.learn, codec, config),
        partitions=config.partitions,
        prefix=config.prefix,
        metrics=metrics,
        batch_records=config.batch_records,
        rebuilds=rebuilds,
        whole_log=whole_log,
    )


async def _served(config: Config, runner: Runner, metrics: Metrics, stop: asyncio.Event) -> int:
    app = application(metrics=metrics.text, unready=runner.unready, unwell=list, schemas=None)
    admin = Admin(config.admin, app)
    try:
        await admin.start()
    except OSError as error:
        log.error("cannot start", problem=f"CHARGEWIRE_ADMIN={config.admin}: {error.strerror}")
        return 1
    log.info("started", store=engines.shown(config.store), admin=config.admin)
    try:
        await runner.run(stop)
    except (RebuildRefusedError, UpgradeError) as error:
        for problem in str(error).splitlines():
            log.error("cannot start", problem=problem)
        return 1
    finally:
        await admin.stop()
    log.info("ended")
    return 0
