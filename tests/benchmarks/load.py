"""The stations of the benchmarks: one process that says much and thinks little.

A raw asyncio protocol with frames made beforehand, so that it costs far less than what it measures.
Its orders come on standard input, one JSON object per line, and each gets one such line as answer.
"""

import argparse
import asyncio
import base64
import json
import os
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import psutil
import uvloop

from tests.benchmarks.workloads import BOOT, ID_DIGITS, WORKLOADS, Frame

CONNECT_TIME_S = 60.0
CONNECTING_MAX = 100
ANSWER_TIME_S = 20.0
TICK_S = 0.002

_NUMBERS = cycle(b"%0*d" % (ID_DIGITS, number) for number in range(100_000))


class LoadError(Exception):
    """The server did not do what the measurement needs; the text says what."""


class Station(asyncio.Protocol):
    """One websocket with at most one CALL open; every answer must be a CALLRESULT."""

    __slots__ = ("_buffer", "_fleet", "_path", "_transport", "due_s", "frames", "opened")

    def __init__(self, fleet: "Fleet", path: str) -> None:
        self._fleet = fleet
        self._path = path
        self.frames: Iterator[Frame] = cycle(())
        self._buffer = b""
        self._transport: asyncio.Transport
        self.opened: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        self.due_s = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
        )
        transport.write(request.encode())

    def call(self) -> None:
        before, after = next(self.frames).around
        self._transport.write(b"%b%b%b" % (before, next(_NUMBERS), after))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if self.opened is not None:
            head, ended, buffer = buffer.partition(b"\r\n\r\n")
            if not ended:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fleet.failed(f"refused: {head[:100]!r}")
                return
            self.opened.set_result(None)
            self.opened = None
        while len(buffer) >= 2:
            # A server's frames are not masked; answers are shorter than 64 KiB.
            start = 4 if buffer[1] == 126 else 2
            size = int.from_bytes(buffer[2:4], "big") if start == 4 else buffer[1]
            if len(buffer) < start + size:
                break
            self._taken(buffer[0], buffer[start : start + size])
            buffer = buffer[start + size :]
        self._buffer = buffer

    def _taken(self, head: int, text: bytes) -> None:
        if head == 0x89:  # a ping
            self._transport.write(b"\x8a" + bytes([0x80 | len(text)]) + bytes(4) + text)
        elif head == 0x81 and text.startswith((b"[3,", b"[3 ,")):
            self._fleet.answered(self)
        else:
            self._fleet.failed(f"no CALLRESULT: {bytes([head]) + text[:200]!r}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fleet.failed(f"the server closed a connection: {exc}")

    def close(self) -> None:
        self._transport.abort()


@dataclass(slots=True)
class Mark:
    """Where a measurement stands: CALLs answered, the clock, and the server's CPU time."""

    answers: int
    at_s: float
    cpu_s: float


class Fleet:
    """Many stations, and what they do when an answer comes."""

    def __init__(self, server: int) -> None:
        self._server = psutil.Process(server)
        self.stations: list[Station] = []
        self._free: deque[Station] = deque()
        self._late: deque[float] = deque()
        self._waits_s: list[float] = []
        self._answers = 0
        self._open = 0
        self._mode = "once"
        self._closing = False
        self._idle = asyncio.Event()
        self._problem: str | None = None

    def failed(self, problem: str) -> None:
        if not self._closing:
            self._problem = self._problem or problem
            self._idle.set()

    async def connect(self, port: int, number: int) -> None:
        """Open connections; each station boots, and then is silent."""
        loop = asyncio.get_running_loop()
        gate = asyncio.Semaphore(CONNECTING_MAX)

        async def one(index: int) -> None:
            async with gate:
                # No other load has such stations: two gateways on one Kafka would take them over.
                path = f"/ocpp/BENCH-{self._server.pid}-{index:05d}"
                station = Station(self, path)
                opened = station.opened
                assert opened is not None
                await loop.create_connection(lambda: station, "127.0.0.1", port)
                await opened
                self.stations.append(station)

        first = len(self.stations)
        async with asyncio.timeout(CONNECT_TIME_S):
            await asyncio.gather(*(one(first + index) for index in range(number)))
        self._mode = "once"
        self._call_all(self.stations[first:], (BOOT,))
        await self._settled()

    def _script(self, stations: Sequence[Station], frames: Sequence[Frame]) -> None:
        # Each begins at another place, so that at any time all kinds of CALLs come.
        for index, station in enumerate(stations):
            at = index % len(frames)
            station.frames = cycle((*frames[at:], *frames[:at]))

    def _call_all(self, stations: Sequence[Station], frames: Sequence[Frame]) -> None:
        self._script(stations, frames)
        for station in stations:
            self._open += 1
            station.call()

    async def _settled(self) -> None:
        async with asyncio.timeout(ANSWER_TIME_S):
            if self._open and not self._problem:
                self._idle.clear()
                await self._idle.wait()
        if self._problem:
            raise LoadError(self._problem)

    def answered(self, station: Station) -> None:
        self._answers += 1
        match self._mode:
            case "closed":
                station.call()
            case "rate":
                self._waits_s.append(time.perf_counter() - station.due_s)
                if self._late:
                    self._send(station, self._late.popleft())
                else:
                    self._done(station)
            case _:
                self._done(station)

    def _done(self, station: Station) -> None:
        self._free.append(station)
        self._open -= 1
        if not self._open:
            self._idle.set()

    def _send(self, station: Station, due_s: float) -> None:
        station.due_s = due_s
        station.call()

    def _mark(self) -> Mark:
        used = self._server.cpu_times()
        return Mark(self._answers, time.perf_counter(), used.user + used.system)

    async def closed(self, workload: str, warm_up_s: float, measure_s: float) -> dict[str, float]:
        """Each station calls again as soon as it is answered: the most that the server can do."""
        self._free.clear()
        self._mode = "closed"
        self._call_all(self.stations, WORKLOADS[workload])
        await asyncio.sleep(warm_up_s)
        before = self._mark()
        await asyncio.sleep(measure_s)
        after = self._mark()
        self._mode = "once"
        await self._settled()
        return _difference(before, after)

    async def rate(
        self, workload: str, calls_per_s: float, warm_up_s: float, measure_s: float
    ) -> dict[str, Any]:
        """CALLs at a fixed rate, whatever the server does; waits count from when each was due."""
        self._free = deque(self.stations)
        self._mode = "rate"
        self._script(self.stations, WORKLOADS[workload])
        self._waits_s, self._late = [], deque()
        start_s = time.perf_counter()
        sent = 0
        before: Mark | None = None
        while (elapsed_s := time.perf_counter() - start_s) < warm_up_s + measure_s:
            if before is None and elapsed_s >= warm_up_s:
                before, self._waits_s = self._mark(), []
            # What is due by now goes at once; the tick is fine enough beside a broker's answer.
            while sent < elapsed_s * calls_per_s:
                due_s = start_s + sent / calls_per_s
                sent += 1
                if self._free:
                    self._open += 1
                    self._send(self._free.popleft(), due_s)
                else:
                    self._late.append(due_s)
            if self._problem:
                raise LoadError(self._problem)
            await asyncio.sleep(TICK_S)
        assert before is not None
        after = self._mark()
        waits = sorted(self._waits_s)
        await self._settled()
        return _difference(before, after) | {
            "p50_ms": 1000 * waits[len(waits) // 2],
            "p99_ms": 1000 * waits[len(waits) * 99 // 100],
            "max_ms": 1000 * waits[-1],
        }

    def close(self) -> None:
        self._closing = True
        for station in self.stations:
            station.close()


def _difference(before: Mark, after: Mark) -> dict[str, float]:
    return {
        "answers": after.answers - before.answers,
        "seconds": after.at_s - before.at_s,
        "cpu_s": after.cpu_s - before.cpu_s,
    }


async def _obey(fleet: Fleet, order: dict[str, Any]) -> object:
    match order.pop("do"):
        case "connect":
            await fleet.connect(**order)
        case "closed":
            return await fleet.closed(**order)
        case "rate":
            return await fleet.rate(**order)
    return {}


async def _run(server: int) -> None:
    fleet = Fleet(server)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            answer = await _obey(fleet, json.loads(line))
        except (LoadError, TimeoutError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    fleet.close()


def main() -> None:
    """Obey until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=int, required=True, help="process id, for its CPU time")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_run(options.server))


if __name__ == "__main__":
    main()
