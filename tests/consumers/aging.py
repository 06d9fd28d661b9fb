"""Meter readings of stations, and what is left of them in a store."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from sqlalchemy import select

from consumers.meaning.facts import At, Sampled
from consumers.meter_readings.projection import METER_READINGS, PROJECTION
from consumers.stores.changes import Changes, Ownership, differences
from consumers.stores.store import Store
from consumers.tables.projections import fold
from schemas.topics import partition

NOON_MS = 1_795_262_400_000
DAY_MS = 86_400_000
PARTITIONS = 2
HERE = tuple(f"S{number}" for number in range(9) if partition(b"S%d" % number, PARTITIONS) == 0)
THERE = tuple(f"S{number}" for number in range(9) if partition(b"S%d" % number, PARTITIONS) == 1)


def sample(station: str, observed_ms: int, index: int = 0) -> Sampled:
    """A value of 1 Wh that came in a frame of its own at this time, or with others."""
    at = At(station, 1, observed_ms, observed_ms, f"{observed_ms}.{station}")
    told = (*("MeterValues", "17"), None, 1, observed_ms, None, *[None] * 5, "Wh", Decimal(1), "1")
    return Sampled(at, index, *told, None)  # type: ignore[arg-type]


async def folded(store: Store, owned: Mapping[int, Ownership], facts: Collection[Sampled]) -> None:
    """Write the rows of these facts, each from its own partition number."""
    for number, mine in owned.items():
        its = [one for one in facts if partition(one.at.station.encode(), PARTITIONS) == number]
        rows = differences(PROJECTION.tables, {}, fold(PROJECTION, {}, its))
        await store.commit(number, mine.generation, Changes(rows))


async def left(store: Store) -> list[tuple[str, int, int]]:
    """(station, time, number in the frame) of all rows, in this order."""
    of = METER_READINGS.c
    key = (of.station, of.observed_ms, of.sample_no)
    async with store.transaction() as connection:
        return sorted(tuple(row) for row in await connection.execute(select(*key)))
