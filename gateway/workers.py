"""Several gateway processes on one port, and the one admin port that speaks for all of them."""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from pathlib import Path

import structlog

from gateway import exposition
from gateway.config import Config
from programs.operators_port import Admin, Schemas, application

log = structlog.get_logger("gateway")

RESTART_AFTER_S = 1.0
KILL_AFTER_S = 5.0  # beyond the drain time: a worker that hangs must not hold up the others

Main = Callable[[Config, str, Path], int]
"""What a worker runs: (settings, its name, folder for what it tells its parent) -> exit code."""


async def run(config: Config, main: Main, schemas: Schemas | None, stop: asyncio.Event) -> int:
    """Keep `config.workers` processes running until `stop`; returns the worst exit code.

    A worker that dies is started again; one that ends with an error before it was ever ready ends
    all, since the next would end alike; so does an admin address that cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="chargewire-") as folder:
        directory = Path(folder)
        told = exposition.Workers(directory)
        names = [f"worker-{number}" for number in range(1, config.workers + 1)]
        for name in names:  # before anyone can ask: no worker at all would be ready
            told.expect(name)
        admin = Admin(
            config.admin,
            application(
                metrics=lambda: exposition.text(told.samples()),
                unready=lambda: ["stopping"] if stop.is_set() else told.unready(),
                unwell=told.unwell,
                schemas=schemas,
            ),
        )
        try:
            await admin.start()
        except OSError as error:
            log.error("cannot start", problem=f"CHARGEWIRE_ADMIN={config.admin}: {error.strerror}")
            return 1
        try:
            async with asyncio.TaskGroup() as group:  # a bug in one must not leave the others alone
                keeping = [
                    group.create_task(_keep(config, main, name, directory, told, stop))
                    for name in names
                ]
            return max(task.result() for task in keeping)
        finally:
            await admin.stop()


def end_with_parent(stop: asyncio.Event) -> None:
    """In a worker: set `stop` when the parent is gone, however it ended.

    Left alone, a worker would go on taking stations, seen by no probe and ended by nobody.
    """
    parent, loop = multiprocessing.parent_process(), asyncio.get_running_loop()
    assert parent is not None, "a worker has a parent"

    def gone() -> None:
        loop.remove_reader(parent.sentinel)
        stop.set()

    loop.add_reader(parent.sentinel, gone)


async def _keep(  # noqa: PLR0913 - what one worker needs, and what it is told by
    config: Config,
    main: Main,
    name: str,
    directory: Path,
    told: exposition.Workers,
    stop: asyncio.Event,
) -> int:
    context = multiprocessing.get_context("spawn")
    while True:
        process = context.Process(target=_main, args=(main, config, name, directory), name=name)
        told.expect(name)
        process.start()
        code = await _ended(process, config.drain_time_s + KILL_AFTER_S, stop)
        was_ready = not any(reason.startswith(f"{name}: ") for reason in told.unready())
        told.retire(name)
        if stop.is_set():
            return code
        if not was_ready:
            stop.set()
            return code or 1
        log.error("a worker died and is started again", worker=name, exit_code=code)
        told.expect(name)  # not ready meanwhile
        await asyncio.sleep(RESTART_AFTER_S)  # nothing to await: a pause between attempts


async def _ended(process: SpawnProcess, grace_s: float, stop: asyncio.Event) -> int:
    """Wait for the process; once `stop` is set, ask it to end, and after `grace_s` make it."""
    ending = asyncio.create_task(asyncio.to_thread(process.join))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ending, stopping}, return_when="FIRST_COMPLETED")
        if not ending.done():
            process.terminate()
            await asyncio.wait({ending}, timeout=grace_s)
    finally:
        stopping.cancel()
        if not ending.done():
            process.kill()
    await ending
    code = process.exitcode
    return code if code is not None and code >= 0 else 1


def _main(main: Main, config: Config, name: str, directory: Path) -> None:
    raise SystemExit(main(config, name, directory))
