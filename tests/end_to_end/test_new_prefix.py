"""A fleet moves to topics with more partitions below another prefix, as docs/runbook.md says."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from chargewire.log import states
from deploy.local.kafka import Broker
from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas.topics import layouts, partition, plan
from tests.end_to_end.gateways import PARTITIONS, Fleet, send, until
from tests.station import PATIENCE_S, Station

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

MORE = 7
NAMES = [f"CS-{number}" for number in range(6)]
DECIDED = {"decided": "Authorize,StartTransaction", "drain_time_s": 600}
START = {"connectorId": 1, "idTag": "T", "meterStart": 1000, "timestamp": "2026-11-21T10:00:00Z"}
STOP = {"meterStop": 4500, "timestamp": "2026-11-21T11:00:00Z"}


def rows(store: Path) -> dict[str, tuple[Any, ...]]:
    """Station -> state, transaction, meter at the end, oddities."""
    with sqlite3.connect(store, timeout=PATIENCE_S) as connection:
        found = connection.execute(
            "SELECT station, state, transaction_id, meter_end_wh, anomalies FROM transactions"
        )
        return {station: tuple(rest) for station, *rest in found}


async def said(fleet: Fleet) -> None:
    """A token, and a station that is kept waiting: both are with the platform alone."""
    bus = fleet.bootstrap, fleet.prefix
    await send(*bus, "id-tokens", "t", token="T", type="ISO14443", status="Accepted", group="G")
    wanted = {"station": "CS-5", "registration_status": "Pending", "at": 0}
    await send(*bus, "stations", "CS-5", **wanted)


async def charge(station: Station) -> int:
    """Until the token's record is known: then the transaction begins, decided by it."""

    async def known() -> bool:
        told = (await station.call("Authorize", {"idTag": "T"})).payload
        return bool(told) and told["idTagInfo"].get("parentIdTag") == "G"

    await until(known, "the token is not known", 3 * PATIENCE_S)
    told = (await station.call("StartTransaction", START)).payload
    assert told is not None
    return int(told["transactionId"])


async def copied(fleet: Fleet, prefix: str) -> None:
    """Tokens and stations, as `chargewire topics copy` does it."""
    source = KafkaSettings(kafka=fleet.bootstrap, prefix=fleet.prefix)
    for topic in ("id-tokens", "stations"):
        await states.copy(source, KafkaSettings(kafka=fleet.bootstrap, prefix=prefix), topic)


async def test_a_fleet_moves(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Stations are told to connect again, what is said of them is known, no answer is missing.

    What was begun before ends afterwards under the same id, in the new tables without its start.
    """
    old_store, new_store = tmp_path / "old.db", tmp_path / "new.db"
    after = f"{prefix}next."
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    async with (
        Fleet(kafka.bootstrap, f"{prefix}first.", tmp_path / "old") as old,
        Fleet(kafka.bootstrap, after, tmp_path / "new", partitions=MORE) as new,
    ):
        await old.topics()
        made = KafkaSettings(kafka=kafka.bootstrap, prefix=after, partitions=MORE)
        await admin.apply(made, plan({}, layouts(after, partitions=MORE, replication=1)))
        await said(old)
        await old.consume("transactions", f"sqlite:///{old_store}", publish="off")
        await old.consume("authorizations", f"sqlite:///{old_store}", publish="off")
        gateway = await old.start(**DECIDED)
        stations = [await old.connect(gateway, name) for name in NAMES[:5]]
        begun = await asyncio.gather(*map(charge, stations))
        await until(lambda: len(rows(old_store)) == len(stations), "rows of the old prefix")

        await copied(old, after)
        await new.consume("transactions", f"sqlite:///{new_store}", publish="off")
        await new.consume("authorizations", f"sqlite:///{new_store}", publish="off")
        successor = await new.start(**DECIDED)
        gateway.terminate()
        assert {(await one.closed())[0] for one in stations} == {1012}
        assert await gateway.ended() == 0

        again = [await new.connect(successor, name) for name in NAMES]
        told = (await again[5].call("BootNotification", _BOOT)).payload
        assert told is not None
        assert told["status"] == "Pending", "what was said of a station holds"
        assert await charge(again[4]) == begun[4], "a retry has the same id here, too"
        for station, number in zip(again, begun, strict=False):
            reply = await station.call("StopTransaction", STOP | {"transactionId": number})
            assert reply.ok

        def ended() -> bool:
            return [state for state, *_ in rows(new_store).values()] == ["ended"] * len(begun)

        await until(ended, "rows of the new prefix")
        stopped = rows(new_store)
        for name, number in zip(NAMES, begun, strict=False):
            assert rows(old_store)[name][:3] == ("open", str(number), None)
            _, transaction, end_wh, odd = stopped[name]
            assert (transaction, int(end_wh)) == (str(number), 4500)
            assert ("stop_without_start" in odd) == (name != NAMES[4])
        homes = {partition(name.encode(), MORE) for name in NAMES}
        assert max(homes) >= PARTITIONS, "or nothing has moved"


_BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
