"""Reads from a store what the plan of local lists is made of."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select

from consumers.authorizations.local_lists.contents import ENTRIES, LISTS, SAID
from consumers.authorizations.local_lists.stations import STATIONS
from consumers.meaning.facts import ListEntry
from consumers.stores.store import Store
from consumers.tables.projections import Row


async def connected(store: Store, after: str, limit: int) -> list[str]:
    """The next connected stations, in order. Raises Away."""
    of = STATIONS.c
    page = select(of.station).where(of.connected.is_(True), of.station > after)
    async with store.transaction() as connection:
        return [*await connection.scalars(page.order_by(of.station).limit(limit))]


async def of(store: Store, stations: Collection[str]) -> dict[str, Row]:
    """Rows as plan.step takes them, by station. Raises Away."""
    statement = _joined().where(STATIONS.c.station.in_(stations))
    async with store.transaction() as connection:
        rows = (await connection.execute(statement)).mappings()
        return {row["station"]: dict(row) for row in rows}


async def entries(store: Store, station: str) -> dict[str, ListEntry]:
    """What a station is known to hold, by tokens as compared. Raises Away."""
    statement = select(*(ENTRIES.c[name] for name in SAID)).where(ENTRIES.c.station == station)
    async with store.transaction() as connection:
        found = await connection.execute(statement)
        return {token: ListEntry(*said) for token, *said in found}


def _joined() -> Select[Any]:
    own = [column for column in LISTS.c if column.name not in ("station", "epoch", "sequence")]
    joined = STATIONS.outerjoin(LISTS, LISTS.c.station == STATIONS.c.station)
    return select(STATIONS, *own, LISTS.c.epoch.label("list_epoch")).select_from(joined)
