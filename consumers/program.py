"""Runs one consumer as a program: builds its parts, and ends them in order."""

import asyncio
import signal
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import structlog
import uvloop

from consumers.config import Config
from consumers.log.membership import open_member
from consumers.log.rebuild import RebuildRefusedError
from consumers.log.runner import Runner
from consumers.metrics import Metrics
from consumers.sequels.producing import Producer
from consumers.sequels.publisher import published
from consumers.sequels.running import Parts, Sequel
from consumers.stores import engines
from consumers.stores.store import Store
from consumers.stores.unusable import Unusable, make_folder
from consumers.stores.upgrade import HISTORIES, UpgradeError
from consumers.tables.projections import Consumer
from programs import loop_lag, registry, tracing
from programs.kafka import clients as kafka_clients
from programs.kafka.tls import TlsFileError
from programs.log_lines import set_up
from programs.operators_port import Admin, application
from schemas.codec import Codec

ACK_TIME_S = 10.0
DAY_MS = 86_400_000

log = structlog.get_logger("consumers")


def run(  # noqa: PLR0913 - handed through
    config: Config,
    consumer: Consumer,
    *,
    sequels: Sequence[str] = (),
    rebuilds: bool = False,
    whole_log: bool = True,
    histories: Path = HISTORIES,
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. The settings are complete.

    `sequels` are modules of this package, see consumers.services.
    """
    set_up(config.log_level, config.log_format)

    async def until_signal() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        metrics = Metrics(consumer.name)
        codec = await registry.codec(config)
        traced = tracing.begun(config, f"chargewire-consume-{consumer.name}")
        producer = _producer(config, codec, metrics, traced)
        tables = published(consumer, config.publish)
        kept_ms = config.readings_kept_days * DAY_MS
        aside = {"sequels.publisher": tables, "sequels.remover": kept_ms and consumer.ages}
        modules = [*sequels, *(name for name, wanted in aside.items() if wanted)]

        def begun(store: Store) -> list[Sequel]:
            parts = Parts(config, store, codec, producer, metrics, _now_ms, traced)
            return [import_module(f"{__package__}.{name}").sequel(parts) for name in modules]

        make_folder(config.store)
        opened = partial(Store.open, config.store, consumer)
        runner = Runner(
            consumer=consumer,
            open_store=partial(opened, histories=histories, published=tables, kept_ms=kept_ms),
            connect=lambda group: open_member(config.client_options(), group=group),
            codec=codec,
            learn=partial(registry.learn, codec, config),
            sequels=begun,
            tracing=traced,
            partitions=config.partitions,
            prefix=config.prefix,
            metrics=metrics,
            batch_records=config.batch_records,
            rebuilds=rebuilds,
            whole_log=whole_log,
        )
        metrics.watch_ready(lambda: not runner.unready())
        metrics.partitions_all.set(config.partitions)
        lagging = asyncio.create_task(loop_lag.measure(metrics.loop_lag.observe))
        try:
            return await _served(config, runner, metrics, stop)
        finally:
            lagging.cancel()
            await producer.close()
            if traced is not None:
                await asyncio.to_thread(traced.close)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            return loop.run(until_signal())
    except (registry.RegistryError, TlsFileError, Unusable) as error:
        log.error("cannot start", problem=str(error))
        return 1


def _producer(
    config: Config, codec: Codec, metrics: Metrics, traced: tracing.Tracing | None
) -> Producer:
    return Producer(
        connect=partial(
            kafka_clients.open_producer,
            config.client_options(),
            frame_limit_bytes=config.frame_limit_bytes,
            ack_time_s=ACK_TIME_S,
        ),
        codec=codec,
        metrics=metrics,
        prefix=config.prefix,
        partitions=config.partitions,
        ack_time_s=ACK_TIME_S,
        tracing=traced,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


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
    except (RebuildRefusedError, UpgradeError, Unusable) as error:
        for problem in str(error).splitlines():
            log.error("cannot start", problem=problem)
        return 1
    finally:
        await admin.stop()
    log.info("ended")
    return 0
