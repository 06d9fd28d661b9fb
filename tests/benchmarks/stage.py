"""What a benchmark runs on: an embedded Kafka, the servers, the stations; all ended with it."""

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from deploy.local.kafka import Broker
from deploy.local.ports import HOST, free_port
from gateway.config import load
from programs.kafka import admin
from schemas.topics import Change, Layout, layouts, plan
from tests.benchmarks.servers import PLAIN_TOPIC

START_TIME_S = 60.0
STOP_TIME_S = 40.0
ORDER_TIME_S = 120.0
LINE_LIMIT = 1 << 20

# The servers, in the order of every table.
SERVERS = ("bare", "plain", "gateway")


class StageError(Exception):
    """A process of the benchmark did not do its part; the text has what it said last."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up."""

    kind: str
    pid: int
    port: int

    @property
    def resident_bytes(self) -> int:
        """Memory of the process that is in RAM now."""
        return int(psutil.Process(self.pid).memory_info().rss)


class Load:
    """The stations' process; `order` has it do something and returns what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def order(self, do: str, **details: Any) -> dict[str, Any]:
        """Raises StageError when it could not be done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")
        async with asyncio.timeout(ORDER_TIME_S):
            line = await self._process.stdout.readline()
        if not line:
            raise StageError("the load generator has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise StageError(f"load: {answer['error']}")
        return answer


class Stage:
    """One broker, and whatever servers are started on it; nothing listens beyond loopback."""

    def __init__(self, broker: Broker, folder: Path, stack: AsyncExitStack) -> None:
        self._broker = broker
        self._folder = folder
        self._stack = stack
        self._processes: dict[int, asyncio.subprocess.Process] = {}

    async def end(self, *parts: Load | Server) -> None:
        """End processes before the whole stage does, in this order."""
        for part in parts:
            await _end(self._processes[part.pid])

    async def server(self, kind: str, profile: Path | None = None) -> Server:
        """Start a server and wait until it takes stations; with `profile`, under cProfile."""
        port = free_port()
        if kind == "gateway":
            return await self._gateway(port, profile)
        command = ["tests.benchmarks.servers", kind, "--port", str(port)]
        process = await self._start(kind, [*command, "--kafka", self._broker.bootstrap])
        assert process.stdout is not None
        async with asyncio.timeout(START_TIME_S):
            if await process.stdout.readline() != b"ready\n":
                raise StageError(f"{kind} did not start:\n{self._said(kind)}")
        return Server(kind, process.pid, port)

    async def _gateway(self, port: int, profile: Path | None) -> Server:
        admin_port = free_port()
        own = {
            "CHARGEWIRE_KAFKA": self._broker.bootstrap,
            "CHARGEWIRE_LISTEN": f"{HOST}:{port}",
            "CHARGEWIRE_ADMIN": f"{HOST}:{admin_port}",
            "CHARGEWIRE_ALLOW_SINGLE_REPLICA": "true",
        }
        traced = [] if profile is None else ["cProfile", "-o", str(profile), "-m"]
        process = await self._start("gateway", [*traced, "gateway"], own)
        async with httpx.AsyncClient() as client, asyncio.timeout(START_TIME_S):
            while process.returncode is None:
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(f"http://{HOST}:{admin_port}/readyz")
                    if answer.status_code == 200:
                        return Server("gateway", process.pid, port)
                await asyncio.sleep(0.1)
        raise StageError(f"the gateway did not start:\n{self._said('gateway')}")

    async def stations(self, server: Server) -> Load:
        """A load generator for one server, without connections yet."""
        arguments = ["tests.benchmarks.load", "--server", str(server.pid)]
        return Load(await self._start(f"load-{server.kind}", arguments))

    async def _start(
        self, name: str, module: Sequence[str], variables: dict[str, str] | None = None
    ) -> asyncio.subprocess.Process:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CHARGEWIRE_")}
        with (self._folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=inherited | (variables or {}),
                limit=LINE_LIMIT,
            )
        self._processes[process.pid] = process
        self._stack.push_async_callback(_end, process)
        return process

    def _said(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")[-3000:]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        assert process.stdin is not None
        process.stdin.close()
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIME_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A Kafka with all topics, in a folder that goes with it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the processes started here have it
    with tempfile.TemporaryDirectory(prefix="chargewire-bench-") as name:
        folder = Path(name)
        broker = Broker(folder / "kafka", 0, heap_mb=512)
        await broker.start()
        try:
            await _topics(broker)
            async with AsyncExitStack() as stack:
                yield Stage(broker, folder, stack)
        finally:
            await broker.stop()


@asynccontextmanager
async def kafka() -> AsyncIterator[tuple[Broker, Path]]:
    """A Kafka without topics, and a folder; both go with it."""
    with tempfile.TemporaryDirectory(prefix="chargewire-bench-") as folder:
        broker = Broker(Path(folder) / "kafka", 0, heap_mb=512)
        await broker.start()
        try:
            yield broker, Path(folder)
        finally:
            broker.kill()


def cpu_time_s(pid: int) -> float:
    """What a process has used until now, in user and system, all threads."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


async def _topics(broker: Broker) -> None:
    config = load({"kafka": broker.bootstrap}, environ={})
    wanted = layouts(config.prefix, replication=1)
    like = next(iter(wanted.values()))
    wanted[PLAIN_TOPIC] = Layout(like.partitions, like.replication, like.config)
    changes: list[Change] = plan({}, wanted)
    await admin.apply(config, changes)
