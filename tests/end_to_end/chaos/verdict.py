"""Holds the stations' books against topics and tables: what is lost, counted twice, or wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg

from consumers.services import SERVICES
from schemas.catalogue import BLOCKS
from tests.end_to_end.books import LOST, TWICE, WRONG, Difference, differences, frames
from tests.end_to_end.chaos.charger import Transaction
from tests.end_to_end.chaos.ledger import Ledger
from tests.end_to_end.gateways import PARTITIONS, Logged, read

FRAME_TOPICS = (*BLOCKS, "rejected", "connections")
_METER = "Energy.Active.Import.Register"
Frame = tuple[str, int, int]
"""(station, epoch, sequence)."""
Samples = tuple[int, Decimal]
"""How many there are in a frame, and the sum of those of the energy meter in Wh."""

_SAMPLES = f"""
SELECT station, epoch, sequence, count(*),
    coalesce(sum(value) FILTER (WHERE measurand = '{_METER}'), 0)
FROM meter_readings GROUP BY station, epoch, sequence
"""


@dataclass(slots=True)
class Told:
    """What the log says: events by kind, and the samples in each CALL."""

    events: Counter[str] = field(default_factory=Counter)
    samples: dict[Frame, Samples] = field(default_factory=dict)
    unheard: int = 0


async def of_frames(bootstrap: str, prefix: str, ledger: Ledger, found: list[Difference]) -> Told:
    """The frames of all stations, one partition after the other: the whole log may be large."""
    told = Told()
    for number in range(PARTITIONS):
        records = await read(bootstrap, prefix, FRAME_TOPICS, [number])
        records = [one for one in records if one.value is not None]
        books = ledger.said(number)
        found += differences(books, records)
        for one in records:
            told.events[_kind(one)] += 1
        calls, _ = frames(records)
        answered = sum(said.entry.answer is not None for said in books)
        told.unheard += sum(map(len, calls.values())) - answered
        for said in books:
            for one in calls.get((said.station, said.entry.message_id), ()):
                if samples := sampled(said.entry.payload):
                    told.samples[one["station"], one["epoch"], one["sequence"]] = samples
    return told


def _kind(one: Logged) -> str:
    if one.topic == "connections":
        return str(one["type"])
    if one.topic == "rejected":
        return "rejected"
    return f"{one['kind']} {one['direction'].replace('_', ' ')}"


def sampled(payload: Mapping[str, Any]) -> Samples | None:
    """The samples of a CALL; None where it has none."""
    values = [
        one for meter in payload.get("meterValue", ()) for one in meter.get("sampledValue", ())
    ]
    energy = (one["value"] for one in values if one.get("measurand", _METER) == _METER)
    return (len(values), sum(map(Decimal, energy), Decimal())) if values else None


def of_refusals(ledger: Ledger) -> Iterator[Difference]:
    """A station counts an error as a failed try, and has about three of them."""
    for call in ledger.calls:
        entry = call.said.entry
        if call.kept and entry.answer is not None and entry.answer[0] != 3:
            yield Difference(LOST, f"{call.said.station} was refused {entry}: {entry.answer}")


async def of_samples(
    connection: asyncpg.Connection, told: Mapping[Frame, Samples]
) -> Iterable[Difference]:
    """The rows of samples are those of the CALLs in the log, to the frame."""
    rows = {
        (station, epoch, sequence): (count, Decimal(wh))
        for station, epoch, sequence, count, wh in await connection.fetch(_SAMPLES)
    }
    return compared("samples", told, rows)


def compared(
    what: str, wanted: Mapping[Any, Any], there: Mapping[Any, Any]
) -> Iterator[Difference]:
    """Two books with the same keys and values."""
    for key in wanted.keys() | there.keys():
        if key not in there:
            yield Difference(LOST, f"{what}: {key} is missing: {wanted[key]}")
        elif key not in wanted:
            yield Difference(TWICE, f"{what}: {key} is too much: {there[key]}")
        elif wanted[key] != there[key]:
            yield Difference(WRONG, f"{what}: {key} is {there[key]}, not {wanted[key]}")


async def of_transactions(
    connection: asyncpg.Connection, transactions: Iterable[Transaction]
) -> list[Difference]:
    """One row for each transaction of the books, with its times, meters, energy and reason."""
    rows: dict[tuple[str, str], list[Any]] = {}
    for row in await connection.fetch("SELECT * FROM transactions"):
        rows.setdefault((row["station"], row["transaction_id"]), []).append(row)
    found = []
    known = set()
    for one in transactions:
        key = one.station, str(one.id)
        known.add(key)
        there = rows.get(key, [])
        if not one.confirmed:
            found.append(Difference(WRONG, f"transaction {key} was never ended: {one}"))
        if len(there) != 1:
            kind = TWICE if there else LOST
            found.append(Difference(kind, f"transaction {key} has {len(there)} rows"))
            continue
        row = _row(there[0])
        found += compared(f"transaction {key}", _book(one), row)
    too_many = rows.keys() - known
    found += [Difference(TWICE, f"nobody has had transaction {key}") for key in too_many]
    return found


def _book(one: Transaction) -> dict[str, Any]:
    """A transaction of the books, as its row has to be."""
    return {
        "state": "ended",
        "ordinal": 1,
        "token": one.token,
        "begin_ms": _ms(one.begin),
        "end_ms": _ms(one.end),
        "meter_begin_wh": Decimal(one.meter_begin),
        "meter_end_wh": Decimal(one.meter_end),
        "energy_wh": Decimal(one.meter_end - one.meter_begin),
        "reason": one.reason,
    }


def _row(row: Any) -> dict[str, Any]:
    names = ("state", "ordinal", "token", "begin_ms", "end_ms", "reason")
    exact = ("meter_begin_wh", "meter_end_wh", "energy_wh")
    return {name: row[name] for name in names} | {
        name: None if row[name] is None else Decimal(row[name]) for name in exact
    }


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


async def of_poison(connection: asyncpg.Connection) -> list[Difference]:
    """Nothing was set aside."""
    rows = await connection.fetch("SELECT * FROM chargewire_poison")
    return [Difference(WRONG, f"set aside: {dict(row)}") for row in rows]


async def of_topic(
    bootstrap: str, prefix: str, connection: asyncpg.Connection
) -> Iterable[Difference]:
    """The rows on the topic of transactions, the newest of each, are those of the table."""
    newest: dict[tuple[str, str, int], Logged] = {}
    for one in await read(bootstrap, prefix, ["tables.transactions"]):
        if one.value is not None:  # no transaction ever goes
            key = one["station"], one["transaction_id"], one["ordinal"]
            newest[key] = max(newest.get(key, one), one, key=_age)
    published = {key: _energy(one["energy_wh"]) for key, one in newest.items()}
    names = ("station", "transaction_id", "ordinal")
    rows = await connection.fetch(f"SELECT {', '.join(names)}, energy_wh FROM transactions")
    table = {tuple(row[name] for name in names): _energy(row["energy_wh"]) for row in rows}
    return compared("topic tables.transactions", table, published)


def _age(one: Logged) -> tuple[int, int]:
    return one["generation"], one["revision"]


def _energy(told: Any) -> Decimal | None:
    return None if told is None else Decimal(str(told))


async def of_rebuild(
    connection: asyncpg.Connection, rebuilt: asyncpg.Connection
) -> list[Difference]:
    """Promise 7: every table comes out the same when it is made anew from the log."""
    found: list[Difference] = []
    for service in SERVICES.values():
        for table in service.consumer.tables:
            keys = [column.name for column in table.primary_key.columns]
            before, after = [
                {tuple(row[key] for key in keys): dict(row) for row in rows}
                for rows in (
                    await connection.fetch(f'SELECT * FROM "{table.name}"'),
                    await rebuilt.fetch(f'SELECT * FROM "{table.name}"'),
                )
            ]
            found += [
                Difference(WRONG, f"rebuilt otherwise: {one.text}")
                for one in compared(table.name, before, after)
            ]
    return found
