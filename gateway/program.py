"""Runs a gateway as a program: alone, or as several workers behind one admin port."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog
import uvloop

from gateway import exposition, workers
from gateway.config import Config
from gateway.instance import Instance
from gateway.metrics import Metrics
from programs.log_lines import set_up
from programs.operators_port import Admin, Schemas, application
from schemas import subjects

log = structlog.get_logger("gateway")

TELL_EVERY_S = 1.0


def run(config: Config) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    set_up(config.log_level, config.log_format)
    if config.workers == 1:
        return _looped(partial(_alone, config))
    return _looped(partial(workers.run, config, worker, _schemas(config)))


def worker(config: Config, name: str, directory: Path) -> int:
    """Run one of several gateway processes; what it tells its parent goes into `directory`."""
    set_up(config.log_level, config.log_format)
    return _looped(partial(_told, config, name, directory))


def _looped(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    async def until_signal() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        return await main(stop)

    _collect_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(until_signal())


def _collect_seldom() -> None:
    """Keep the garbage collector from looking at every frame's values.

    They are freed without it; only what belongs to a connection is in cycles, when that has ended.
    """
    gc.freeze()  # what the imports made is there for good
    gc.set_threshold(10_000, 20)


async def _alone(config: Config, stop: asyncio.Event) -> int:
    metrics = Metrics()
    instance = Instance(config, "", metrics)
    admin = Admin(
        config.admin,
        application(
            metrics=lambda: exposition.text(metrics.samples()),
            unready=instance.unready,
            unwell=list,
            schemas=_schemas(config),
        ),
    )
    try:
        await admin.start()
    except OSError as error:
        log.error("cannot start", problem=f"CHARGEWIRE_ADMIN={config.admin}: {error.strerror}")
        return 1
    try:
        return await instance.run(stop)
    finally:
        await admin.stop()


async def _told(config: Config, name: str, directory: Path, stop: asyncio.Event) -> int:
    workers.end_with_parent(stop)
    metrics = Metrics()
    instance = Instance(config, name, metrics)

    async def tell() -> None:
        while True:
            exposition.publish(directory, name, metrics, instance.unready())
            await asyncio.sleep(TELL_EVERY_S)

    telling = asyncio.create_task(tell())
    try:
        return await instance.run(stop)
    finally:
        telling.cancel()
        exposition.publish(directory, name, metrics, instance.unready())


def _schemas(config: Config) -> Schemas | None:
    """The built-in registry, unless there is a real one."""
    if config.schema_registry:
        return None
    return partial(subjects.answer, prefix=config.prefix)
