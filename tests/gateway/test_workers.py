"""Several processes, one parent."""

import asyncio
import os
import signal
import socket
import time

import httpx
import pytest
from structlog.testing import capture_logs

from deploy.local.ports import HOST, free_port
from gateway import exposition, workers
from gateway.config import load
from gateway.metrics import Metrics
from tests.station import PATIENCE_S

pytestmark = pytest.mark.slow  # each worker is a new Python

READY_METRICS = Metrics()


def obedient(config, name, directory):
    """A worker that is ready at once, and ends when asked to."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    READY_METRICS.connected("1.6")
    (directory / f"{name}.pid").write_text(str(os.getpid()))
    exposition.publish(directory, name, READY_METRICS, [])
    signal.sigwait([signal.SIGTERM])
    return 0


def hesitant(config, name, directory):
    """As one that is obedient, but not before it may."""
    while (directory / "wait").exists():
        time.sleep(0.02)
    return obedient(config, name, directory)


def hopeless(config, name, directory):
    """A worker that cannot start."""
    return 3


def deaf(config, name, directory):
    """A worker that does not end when asked to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    exposition.publish(directory, name, READY_METRICS, [])
    while True:
        signal.pause()


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """These workers say once how they are, and another may take long to start."""
    monkeypatch.setattr(exposition, "STALE_S", 600)


def settings(**more):
    known = {"workers": 2, "admin": f"127.0.0.1:{free_port()}", "drain_time_s": 21}
    return load(known | more, environ={})


async def answer(config, path, status):
    """The first answer with this status, within a time."""
    client = httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S)
    async with client, asyncio.timeout(PATIENCE_S):
        while True:
            try:
                found = await client.get(f"http://{config.admin}{path}")
                if found.status_code == status:
                    return found
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)  # another process: there is nothing to await


async def test_the_whole_is_ready_when_all_workers_are_and_metrics_add_up():
    """One admin port speaks for all; SIGTERM reaches each, and the exit code is theirs."""
    config, stop = settings(), asyncio.Event()
    running = asyncio.create_task(workers.run(config, obedient, None, stop))
    await answer(config, "/readyz", 200)
    metrics = (await answer(config, "/metrics", 200)).text
    assert 'chargewire_connections{version="1.6"} 2.0' in metrics
    stop.set()
    assert await asyncio.wait_for(running, PATIENCE_S) == 0


async def test_a_worker_that_dies_is_started_again(monkeypatch, tmp_path):
    """Its counters are kept, its gauges go with it."""
    config, stop = settings(workers=1), asyncio.Event()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    running = asyncio.create_task(workers.run(config, hesitant, None, stop))
    await answer(config, "/readyz", 200)
    (pid,) = tmp_path.glob("*/worker-1.pid")
    first = int(pid.read_text())
    (pid.parent / "wait").touch()
    os.kill(first, signal.SIGKILL)
    await answer(config, "/readyz", 503)
    (pid.parent / "wait").unlink()
    await answer(config, "/readyz", 200)
    assert int(pid.read_text()) != first
    metrics = (await answer(config, "/metrics", 200)).text
    assert 'chargewire_connections{version="1.6"} 1.0' in metrics
    assert 'chargewire_connects_total{version="1.6"} 2.0' in metrics
    stop.set()
    assert await asyncio.wait_for(running, PATIENCE_S) == 0


async def test_workers_that_cannot_start_end_all():
    """The next would end alike: the exit code says so at once, instead of a loop."""
    stop = asyncio.Event()
    assert await asyncio.wait_for(workers.run(settings(), hopeless, None, stop), PATIENCE_S) == 3
    assert stop.is_set()


async def test_an_admin_address_that_is_taken_ends_all():
    """Before any worker is started, and the variable is named."""
    with socket.create_server((HOST, 0)) as taken, capture_logs() as told:
        config = settings(admin=f"{HOST}:{taken.getsockname()[1]}")
        assert await asyncio.wait_for(workers.run(config, deaf, None, asyncio.Event()), 60) == 1
    (line,) = told
    assert line["problem"].startswith(f"CHARGEWIRE_ADMIN={config.admin}: Address already in use")


async def test_a_worker_that_hangs_is_ended_after_its_time(monkeypatch):
    """The drain time is a limit for all of them."""
    monkeypatch.setattr(workers, "KILL_AFTER_S", -20.5)
    config, stop = settings(workers=1), asyncio.Event()
    running = asyncio.create_task(workers.run(config, deaf, None, stop))
    await answer(config, "/readyz", 200)
    stop.set()
    assert await asyncio.wait_for(running, PATIENCE_S) == 1
