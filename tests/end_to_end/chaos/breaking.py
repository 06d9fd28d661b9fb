"""Breaks what the plan says, and mends it: kills, stops, restarts, slow ways."""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from deploy.local.kafka import BrokerError
from tests.end_to_end.chaos.plan import Trouble
from tests.end_to_end.chaos.world import END_S, READY_S, World
from tests.end_to_end.gateways import Gateway


@dataclass(slots=True)
class Breaking:
    """Performs a plan. `done` counts by kind and victim, `now` is what is broken, `wrong` what
    programs did that they should not have.
    """

    world: World
    done: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    now: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _locks: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    async def perform(self, troubles: Sequence[Trouble]) -> None:
        """All of them, each at its time, side by side; returns when all is mended."""
        begun_s = time.monotonic()
        async with asyncio.TaskGroup() as side_by_side:
            for trouble in troubles:
                await asyncio.sleep(max(0.0, begun_s + trouble.at_s - time.monotonic()))
                side_by_side.create_task(self._one(trouble))

    async def roll(self) -> None:
        """A rolling restart: each gateway drains, and is replaced before the next one does."""
        for number, gateway in enumerate(self.world.gateways):
            self.now.append(f"restart gateway {number}")
            gateway.terminate()
            if (code := await gateway.ended(END_S)) != 0:
                self.wrong.append(f"{gateway.log.name} ended with {code} instead of draining")
            gateway.launch()
            await gateway.ready(READY_S)
            self.done[f"restart gateway {number}"] += 1
            self.now.pop()

    async def _one(self, trouble: Trouble) -> None:
        kind, number = trouble.kind, trouble.victim
        do, thing = kind.split(" ", 1)
        program: Gateway | None = None
        match thing:
            case "gateway":
                program = self.world.gateways[number]
                name = f"{kind} {number}"
            case "consumer":
                program = self.world.consumers[number]
                same = self.world.consumers[:number]
                name = f"{kind} {program.name} {sum(c.name == program.name for c in same)}"
            case _:
                name = kind
        async with self._locks[f"{thing} {number}"]:  # a victim has one trouble at a time
            if not self._possible(kind):
                self.skipped[name] += 1
                return
            self.now.append(name)
            self.done[name] += 1
            if program is None:
                await self._other(trouble)
            elif do == "kill":
                await self._killed(program, trouble.for_s)
            else:
                await self._stopped(program, trouble.for_s)
            self.now.remove(name)

    async def _other(self, trouble: Trouble) -> None:
        """What there is one of."""
        match trouble.kind:
            case "stop Kafka":
                await self._kafka_stopped(trouble.for_s)
            case "restart Kafka" | "kill Kafka":
                await self._kafka_again(trouble)
            case "restart PostgreSQL" | "kill PostgreSQL":
                await self._postgres_again(trouble)
            case "slow disk":
                await self._disk_slow(trouble)
            case "slow network to stations":
                size = self.world.size  # a CALL and its answer have about 8 kbit
                width_kbit = 100 + 8 * size.stations / size.pause_s
                await self._network_slow("stations", trouble, width_kbit)
            case "slow network to Kafka":
                size = self.world.size  # they are two events, which several consumers read
                width_kbit = 2000 + 80 * size.stations / size.pause_s
                await self._network_slow("Kafka", trouble, width_kbit)

    def _possible(self, kind: str) -> bool:
        if kind.startswith("slow network"):
            return self.world.network.works
        return kind != "slow disk" or self.world.disk.works

    async def _killed(self, program: Gateway, for_s: float) -> None:
        program.kill()
        await asyncio.sleep(for_s)
        program.launch()

    async def _stopped(self, program: Gateway, for_s: float) -> None:
        """A program that was killed meanwhile has been started again: that one is not stopped."""
        process = program.process
        with suppress(ProcessLookupError):
            process.signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(for_s)
            finally:
                process.signal(signal.SIGCONT)

    async def _kafka_stopped(self, for_s: float) -> None:
        self.world.broker.pause()
        try:
            await asyncio.sleep(for_s)
        finally:
            self.world.broker.resume()

    async def _kafka_again(self, trouble: Trouble) -> None:
        broker = self.world.broker
        if trouble.kind.startswith("kill"):
            broker.kill()
        else:
            await broker.stop()
        await asyncio.sleep(trouble.for_s)
        await self._started(broker.start)
        self.world.disk.take(broker.pid)

    async def _postgres_again(self, trouble: Trouble) -> None:
        server = self.world.postgres
        if trouble.kind.startswith("kill"):
            server.kill()
        else:
            await asyncio.to_thread(server.stop)
        await asyncio.sleep(trouble.for_s)

        async def start() -> None:
            server.start()  # in this thread: it dies with the one that started it

        await self._started(start)
        self.world.disk.take(server.pid)

    async def _started(self, start: Callable[[], Awaitable[None]]) -> None:
        """Again, where a slow disk or what was left of the one before keeps it from starting."""
        end_s = time.monotonic() + READY_S
        while True:
            try:
                return await start()
            except (RuntimeError, BrokerError):
                if time.monotonic() > end_s:
                    raise
                await asyncio.sleep(0.5)

    async def _disk_slow(self, trouble: Trouble) -> None:
        self.world.disk.slow(round(300 - 240 * trouble.extent))
        try:
            await asyncio.sleep(trouble.for_s)
        finally:
            self.world.disk.mend()

    async def _network_slow(self, what: str, trouble: Trouble, width_kbit: float) -> None:
        self.world.network.slow(what, trouble.extent, width_kbit)
        try:
            await asyncio.sleep(trouble.for_s)
        finally:
            self.world.network.mend(what)
