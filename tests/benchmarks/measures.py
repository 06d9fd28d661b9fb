"""The measurements: each returns plain figures, which `figures` turns into tables."""

import asyncio
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.stage import SERVERS, Load, Server, Stage
from tests.benchmarks.workloads import WORKLOADS

Tell = Callable[[str], None]

WARM_CONNECTIONS = 20  # before memory is looked at, so that nobody pays for first times
SETTLE_S = 5.0
WARM_BROKER_S = 8.0  # Java compiles what a fresh broker does often, and takes a core for it
MAIN = "MeterValues"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured: times in seconds."""

    rounds: int = 3
    connections: int = 150
    warm_up_s: float = 1.0
    measure_s: float = 4.0
    idle_connections: int = 5000
    latency_s: float = 15.0


def machine() -> dict[str, Any]:
    """What the figures depend on; nothing that names the machine."""
    return {
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": psutil.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "packages": {
            name: version(name) for name in ("uvloop", "websockets", "aiokafka", "msgspec", "ocpp")
        },
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


async def calls(stage: Stage, effort: Effort, tell: Tell) -> dict[str, Any]:
    """CPU time of each server per CALL, and CALLs answered per second, for each workload.

    The servers take turns in each round, so that a change of the machine's mood meets all alike.
    """
    loads: dict[str, Load] = {}
    for kind in SERVERS:
        loads[kind] = await _connected(stage, kind, effort.connections)
    found: dict[str, Any] = {}
    for turn in range(effort.rounds):
        for workload in WORKLOADS:
            for kind in SERVERS:
                got = await loads[kind].order(
                    "closed",
                    workload=workload,
                    warm_up_s=effort.warm_up_s,
                    measure_s=effort.measure_s,
                )
                series = found.setdefault(workload, {}).setdefault(
                    kind, {"us_per_call": [], "answers_per_s": []}
                )
                cost = 1e6 * got["cpu_s"] / got["answers"]
                speed = got["answers"] / got["seconds"]
                series["us_per_call"].append(cost)
                series["answers_per_s"].append(speed)
                tell(
                    f"calls: round {turn + 1} of {effort.rounds}, {workload}, {kind}: "
                    f"{cost:.1f} us of CPU per CALL, {speed:.0f} answers/s"
                )
    return found


async def _connected(stage: Stage, kind: str, connections: int) -> Load:
    server = await stage.server(kind)
    load = await stage.stations(server)
    await load.order("connect", port=server.port, number=connections)
    return load


async def memory(stage: Stage, effort: Effort, tell: Tell) -> dict[str, Any]:
    """What a silent connection holds in RAM, of a station that has booted."""
    found: dict[str, Any] = {"connections": effort.idle_connections, "bytes_per_connection": {}}
    for kind in ("bare", "gateway"):
        server = await stage.server(kind)
        load = await stage.stations(server)
        await load.order("connect", port=server.port, number=WARM_CONNECTIONS)
        before = await _resting(server)
        await load.order("connect", port=server.port, number=effort.idle_connections)
        each = (await _resting(server) - before) / effort.idle_connections
        found["bytes_per_connection"][kind] = each
        tell(f"memory: {kind}: {each / 1024:.1f} KiB per connection")
        await stage.end(load, server)
    return found


async def _resting(server: Server) -> int:
    # Buffers go back, late frees happen: there is no event that says when a process is at rest.
    await asyncio.sleep(SETTLE_S)
    return server.resident_bytes


async def latency(stage: Stage, effort: Effort, tell: Tell) -> dict[str, Any]:
    """How long stations wait at half of the most that the gateway answers just before."""
    load = await _connected(stage, "gateway", effort.connections)
    got = await load.order(
        "closed", workload=MAIN, warm_up_s=WARM_BROKER_S, measure_s=effort.measure_s
    )
    most = got["answers"] / got["seconds"]
    got = await load.order(
        "rate",
        workload=MAIN,
        calls_per_s=most / 2,
        warm_up_s=effort.warm_up_s,
        measure_s=effort.latency_s,
    )
    tell(
        f"latency: at {most / 2:.0f} of {most:.0f} CALLs/s: "
        f"p50 {got['p50_ms']:.1f} ms, p99 {got['p99_ms']:.1f} ms"
    )
    return {
        "most_calls_per_s": most,
        "calls_per_s": got["answers"] / got["seconds"],
        "us_per_call": 1e6 * got["cpu_s"] / got["answers"],
        **{name: got[name] for name in ("p50_ms", "p99_ms", "max_ms")},
    }


def median(values: Sequence[float]) -> float:
    """The middle one: what the table shows."""
    return statistics.median(values)


async def profiled(stage: Stage, effort: Effort, workload: str, into: Path) -> None:
    """Run the gateway under cProfile; the file is there once the server has ended."""
    server = await stage.server("gateway", profile=into)
    load = await stage.stations(server)
    await load.order("connect", port=server.port, number=effort.connections)
    await load.order("closed", workload=workload, warm_up_s=0.0, measure_s=effort.latency_s)
    await stage.end(load, server)
