"""One run to its end: quiet, a rolling restart, chaos, closing time, and then the books."""

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers.services import SERVICES
from deploy.local.kafka import Broker
from tests.end_to_end import commanded
from tests.end_to_end.books import WRONG, Difference
from tests.end_to_end.chaos import ledger, verdict
from tests.end_to_end.chaos.breaking import Breaking
from tests.end_to_end.chaos.disk import Disk
from tests.end_to_end.chaos.network import Network
from tests.end_to_end.chaos.plan import plan
from tests.end_to_end.chaos.report import Phase, Report
from tests.end_to_end.chaos.world import BROKER, HASTY, NAMES, PREFIX, READY_S, Size, World
from tests.end_to_end.gateways import PARTITIONS, Fleet, until
from tests.postgres import Postgres

CLOSE_S = 600.0
LAG_S = 600.0
REBUILD_S = 900.0
TELL_S = 10.0
# A frame may be under way so long on a slow network, after it was written in time.
HEARD_LATE_S = 30.0
_UNPUBLISHED = "SELECT count(*) FROM chargewire_outbox"
_POSITIONS = "SELECT consumer, topic, partition, position FROM chargewire_positions"


def say(line: str) -> None:
    """Tell who waits."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(slots=True)
class Run:
    """One run; `report` says what came of it."""

    world: World
    report: Report
    breaking: Breaking
    phases: list[Phase] = field(default_factory=list)
    _begun_s: float = field(default_factory=time.monotonic)
    _phase: str = "beginning"

    async def perform(self) -> None:
        """All of it. Raises what only a bug can be, and TimeoutError."""
        world, size, seed = self.world, self.world.size, self.report.seed
        telling = asyncio.create_task(self._tell())
        try:
            await world.begin()
            await self._everybody()
            names = [f"CS-{number}" for number in range(size.stations)]
            asking = commanded.Asking(
                world.broker.bootstrap, PREFIX, names, random.Random(f"commands {seed}")
            )
            async with asyncio.TaskGroup() as side_by_side:
                side_by_side.create_task(asking.run(size.commands, size.seconds))
                with self._in("quiet"):
                    await asyncio.sleep(size.seconds * 0.15)
                with self._in("rolling restart"):
                    await self.breaking.roll()
                with self._in("chaos"):
                    ends = {"gateways": size.gateways, "consumers": len(world.consumers)}
                    await self.breaking.perform(
                        plan(seed, size.seconds * 0.65, size.every_s, **ends)
                    )
            await world.ready()
            with self._in("afterwards"):
                await asyncio.sleep(size.seconds * 0.05)
                await world.close(CLOSE_S)
            await self._settled(asking)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        await self._judged()

    @contextmanager
    def _in(self, name: str) -> Iterator[None]:
        """A part of the run, of which answers are timed."""
        self._phase, from_s = name, time.time()
        try:
            yield
        finally:
            self.phases.append(Phase(name, from_s, time.time()))

    async def _everybody(self) -> None:
        """Wait until all stations have come."""
        wanted = self.world.size.stations

        def there() -> bool:
            return int(self.world.crowd()["connected"]) >= wanted

        await until(there, "not all stations are connected", READY_S)

    async def _tell(self) -> None:
        """A line now and then, for as long as it runs."""
        while True:
            await asyncio.sleep(TELL_S)
            crowd = self.world.crowd()
            told = ", ".join(f"{count:,} {name}" for name, count in crowd.items() if name != "over")
            now = ", ".join(self.breaking.now)
            spent_s = time.monotonic() - self._begun_s
            say(f"{spent_s:6.0f} s  {self._phase}: {told}{'; now ' if now else ''}{now}")

    async def _settled(self, asking: commanded.Asking) -> None:
        """Everything that was begun comes to its end, and so do the programs."""
        world, report = self.world, self.report
        self._phase = "catching up"
        before_s = time.monotonic()
        await self._caught_up(world.store, LAG_S)
        report.lag_zero_s = time.monotonic() - before_s
        self._phase = "commands end"
        await commanded.settled(world.fleet)
        self.breaking.wrong += await world.end(world.gateways)
        await self._caught_up(world.store, LAG_S)
        self.breaking.wrong += await world.end(world.consumers)
        log = await world.fleet.log("commands", "connections", "command-results")
        there = {one["command_id"] for one in log if one.topic == "commands"}
        asked = {name: record for name, record in asking.asked.items() if name in there}
        heard = ledger.read(world.books).heard
        try:
            account = commanded.audit(asked, heard, log, HEARD_LATE_S)
            report.outcomes = account.outcomes
        except AssertionError as error:
            report.differences.append(Difference(WRONG, f"commands: {error}"))

    async def _caught_up(self, store: str, timeout_s: float) -> None:
        """Wait until all that is in the log now is in the tables, and their rows on topics.

        Raises TimeoutError.
        """
        ends = await self._ends()
        connection = await asyncpg.connect(store)
        try:

            async def behind() -> bool:
                rows = await connection.fetch(_POSITIONS)
                at = {tuple(row)[:3]: row["position"] for row in rows}
                return await connection.fetchval(_UNPUBLISHED) or any(
                    at.get((name, topic, number), 0) < ends.get((topic, number), 0)
                    for name, service in SERVICES.items()
                    for topic in service.consumer.topics
                    for number in range(PARTITIONS)
                )

            end_s = time.monotonic() + timeout_s
            while await behind():
                if time.monotonic() > end_s:
                    raise TimeoutError(f"consumers are behind after {timeout_s:.0f} s")
                await asyncio.sleep(0.1)
        finally:
            await connection.close()

    async def _ends(self) -> dict[tuple[str, int], int]:
        """Where each partition ends now, by topic and number."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.world.broker.bootstrap)
        await consumer.start()
        try:
            topics = {topic for one in SERVICES.values() for topic in one.consumer.topics}
            places = [TopicPartition(PREFIX + t, n) for t in topics for n in range(PARTITIONS)]
            ends = await consumer.end_offsets(places)
        finally:
            await consumer.stop()
        return {(at.topic.removeprefix(PREFIX), at.partition): end for at, end in ends.items()}

    async def _judged(self) -> None:
        """Hold everything against everything."""
        world, report = self.world, self.report
        say("the books are held against the log and the tables")
        books = ledger.read(world.books)
        bootstrap, found = world.broker.bootstrap, report.differences
        told = await verdict.of_frames(bootstrap, PREFIX, books, found)
        found += verdict.of_refusals(books)
        found += [Difference(WRONG, text) for text in self.breaking.wrong]
        rebuilt = await self._rebuilt()
        table, anew = await asyncpg.connect(world.store), await asyncpg.connect(rebuilt)
        try:
            found += await verdict.of_transactions(table, books.transactions)
            found += await verdict.of_samples(table, told.samples)
            found += await verdict.of_poison(table)
            found += await verdict.of_topic(bootstrap, PREFIX, table)
            found += await verdict.of_rebuild(table, anew)
        finally:
            await table.close()
            await anew.close()
        report.events = told.events
        report.troubles, report.skipped = self.breaking.done, self.breaking.skipped
        report.counts = {
            "CALLs sent": len(books.calls),
            "CALLs answered": sum(one.answered_s is not None for one in books.calls),
            "in the log, answer not heard": told.unheard,
            "transactions": len(books.transactions),
            "samples": sum(count for count, _ in told.samples.values()),
            "commands heard by stations": len(books.heard),
        }
        report.times(books, self.phases)

    async def _rebuilt(self) -> str:
        """All tables anew, from the beginning of the log, in a store of their own."""
        world = self.world
        store = await world.postgres.database()
        before_s = time.monotonic()
        consumers = [
            world.fleet.launch_consumer(name, store, HASTY, publish="off") for name in NAMES
        ]
        for one in consumers:
            await one.ready(REBUILD_S)
        await self._caught_up(store, REBUILD_S)
        self.report.rebuilt_s = time.monotonic() - before_s
        self.breaking.wrong += await world.end(consumers)
        return store


async def performed(size: Size, seed: int, folder: Path, network: Network) -> Report:
    """A run in a folder that goes with it; all that it started has ended when it returns."""
    disk = Disk(folder)
    report = Report(seed, size.stations, size.seconds)
    for name, works, how in (
        ("network", network.works, network.how),
        ("disk", disk.works, disk.how),
    ):
        report.how[f"slow {name}"] = how if works else f"LEFT OUT: {how}"
        say(f"slow {name}: {report.how[f'slow {name}']}")
    broker = Broker(folder / "kafka", 0, heap_mb=512, options=BROKER)
    server = Postgres(options=())
    world = None
    try:
        async with Fleet(broker.bootstrap, PREFIX, folder, log_level="warning") as fleet:
            world = World(size, seed, folder, network, disk, broker, server, fleet)
            run = Run(world, report, Breaking(world))
            await run.perform()
    finally:
        if world is None:
            server.remove()
        else:
            world.remove()
    return report
