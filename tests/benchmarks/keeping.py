"""The measurement of what is kept: bytes of events in the log, and of rows in PostgreSQL."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from consumers.services import SERVICES
from deploy.local.fleet import Fleet as Stations
from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas.catalogue import BLOCKS
from schemas.records import TABLES
from schemas.topics import layouts, plan
from tests.benchmarks.stage import kafka
from tests.end_to_end.gateways import PARTITIONS, Fleet, Logged, until
from tests.postgres import Postgres

Tell = Callable[[str], None]
SEED = 5
CAUGHT_UP_S = 300.0
_DAY_S = 86_400
_SIZES = """
SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables ORDER BY relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured: stations, real seconds, and seconds of theirs in each of them."""

    stations: int = 20
    seconds: float = 60.0
    speed: float = 1440.0

    @property
    def days(self) -> float:
        """Days of stations, of all together."""
        return self.stations * self.seconds * self.speed / _DAY_S


async def keeping(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Simulated stations charge; what the log and the tables then take, each in bytes."""
    server = Postgres()
    server.start()
    try:
        async with kafka() as (broker, folder):
            async with Fleet(broker.bootstrap, "bench.", folder) as fleet:
                url = await server.database()
                memory = await _lived(fleet, url, effort)
                log = await fleet.log(*BLOCKS, "connections")
                tell(f"{len(log):,} events of {effort.days:g} days of stations")
                disk = _disk(folder / "kafka", fleet.prefix)
                return {
                    "days": effort.days,
                    "events": len(log),
                    "bytes": sum(disk[topic] for topic in {one.topic for one in log}),
                    "actions": _actions(log, disk),
                    "rows": await _rows(url, disk),
                    "memory": memory,
                }
    finally:
        server.remove()


async def _lived(fleet: Fleet, store: str, effort: Effort) -> dict[str, int]:
    """Until the last row is written, and is on its topic; the memory of each program then."""
    settings = KafkaSettings(kafka=fleet.bootstrap, prefix=fleet.prefix, partitions=PARTITIONS)
    wanted = layouts(fleet.prefix, partitions=PARTITIONS, replication=1, tables=TABLES)
    await admin.apply(settings, plan({}, wanted))
    gateway = await fleet.start()
    consumers = [await fleet.consume(name, store) for name in SERVICES]
    stations = Stations(gateway.url, effort.stations, fleet.folder / "meters.json")
    stations.start(seed=SEED, speed=effort.speed)
    try:
        await until(lambda: stations.ended, timeout_s=effort.seconds)
    except TimeoutError:
        await stations.farewell()
    await stations.end()

    async def done() -> bool:
        for one in consumers:
            left = {
                name: value
                for name, value in (await one.metrics()).items()
                if name.startswith(("consumer_lag_records", "consumer_outbox_rows"))
            }
            if not left or any(left.values()):
                return False
        return True

    await until(done, "consumers have not caught up", CAUGHT_UP_S)
    programs = {"gateway": gateway} | {one.name: one for one in consumers}
    return {
        name: psutil.Process(one.process.pid).memory_info().rss for name, one in programs.items()
    }


def _disk(folder: Path, prefix: str) -> dict[str, int]:
    """Topic, without prefix -> bytes of its segments, all partitions; indexes are not counted."""
    found: dict[str, int] = defaultdict(int)
    for segment in folder.rglob("*.log"):
        topic, _, number = segment.parent.name.rpartition("-")
        if topic.startswith(prefix) and number.isdecimal():
            found[topic.removeprefix(prefix)] += segment.stat().st_size
    return found


def _actions(log: Sequence[Logged], disk: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Action -> its events, and bytes of each on the disk: its share of those of its topic."""
    raw: dict[tuple[str, str], list[int]] = defaultdict(list)
    whole: dict[str, int] = defaultdict(int)
    for one in log:
        size = len(one.key) + len(one.value) + sum(len(k) + len(v) for k, v in one.headers)
        raw[one.topic, one.record.get("action") or one.record["type"]].append(size)
        whole[one.topic] += size
    found: dict[str, dict[str, float]] = {}
    for (topic, action), sizes in sorted(raw.items(), key=lambda item: -sum(item[1])):
        kept = sum(sizes) * disk[topic] / whole[topic]
        found[action] = {
            "events": len(sizes),
            "bytes": kept / len(sizes),
            "raw_bytes": sum(sizes) / len(sizes),
        }
    return found


async def _rows(url: str, disk: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Table -> its rows, bytes of each in PostgreSQL with all indexes, and of each on its topic."""
    connection = await asyncpg.connect(url)
    try:
        found = {}
        for table, size in await connection.fetch(_SIZES):
            rows = await connection.fetchval(f'SELECT count(*) FROM "{table}"')
            if rows and not table.startswith("chargewire_"):
                topic = disk.get(f"tables.{table}", 0)
                found[table] = {"rows": rows, "bytes": size / rows, "topic_bytes": topic / rows}
        return found
    finally:
        await connection.close()
