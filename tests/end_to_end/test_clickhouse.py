"""The SQL of deploy/clickhouse does on a real Kafka what it says."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from consumers.tables import schemas
from consumers.transactions.rows import TRANSACTIONS
from deploy.local.kafka import Broker
from tests.clickhouse import ClickHouse, ClickHouseError
from tests.consumers.telling import row, start, stop
from tests.consumers.written import CODEC, Log
from tests.end_to_end.bus import Bus, day_16, day_201
from tests.end_to_end.gateways import PARTITIONS, Fleet, Gateway, until

pytestmark = pytest.mark.kafka

FOLDER = Path(__file__).parents[2] / "deploy" / "clickhouse"


@pytest.fixture(scope="module")
def bus(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A fleet whose stations had their day; its gateway is the schema registry."""
    fleet = Fleet(kafka.bootstrap, "analytics.", tmp_path_factory.mktemp("analytics"))

    async def opened() -> Gateway:
        await fleet.topics()
        async with Log(kafka.bootstrap, fleet.prefix, PARTITIONS) as log:
            await log.topics([schemas.topic(TRANSACTIONS.name)])
        gateway = await fleet.start()
        await day_16(gateway.url, hour=12)
        await day_201(gateway.url)
        return gateway

    try:
        yield Bus(fleet, asyncio.run(opened()), "")
    finally:
        for gateway in fleet.gateways:
            gateway.kill()


@pytest.fixture(scope="module")
def clickhouse(bus: Bus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A ClickHouse in which both files were run, with our addresses in them."""
    server = ClickHouse(tmp_path_factory.mktemp("clickhouse"), bus.registry)
    for name in ("events.sql", "tables.sql"):
        for statement in _statements((FOLDER / name).read_text(), bus):
            # The embedded engine says "Shutdown was called" of every Kafka table, and then has it.
            with suppress(ClickHouseError) if "ENGINE = Kafka" in statement else nullcontext():
                server.ask(statement)
    yield server
    server.close()


def _statements(script: str, bus: Bus) -> list[str]:
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    text = "\n".join(lines)
    for theirs, ours in {
        "kafka:9092": bus.fleet.bootstrap,
        "'ocpp.": f"'{bus.fleet.prefix}",
        "http://gateway:9100": bus.registry,
        "kafka_flush_interval_ms = 2000": "kafka_flush_interval_ms = 200",
    }.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    return [one for one in text.split(";\n") if one.strip()]


async def rows(clickhouse: ClickHouse, query: str, count: int) -> list[dict[str, Any]]:
    """The rows of a query, as soon as there are so many.

    Ask with FINAL: what ClickHouse has read twice, since its group changed, is merged later.
    """

    def enough() -> list[dict[str, Any]] | None:
        found = clickhouse.ask(query)
        return found if len(found) >= count else None

    found: list[dict[str, Any]] = await until(enough, f"not {count} rows: {query}", 240)
    assert len(found) == count
    return found


async def test_frames_of_charging(bus: Bus, clickhouse: ClickHouse) -> None:
    """Every event of the block, with what stations of both generations said."""
    count = len(bus.consumed("transactions"))
    await rows(clickhouse, "SELECT * FROM chargewire.transaction_events FINAL", count)
    found = await rows(
        clickhouse,
        "SELECT action, transaction_id, token, status, meter_wh, told_at AS told"
        " FROM chargewire.transaction_events FINAL"
        " WHERE station = 'CS 16' ORDER BY epoch, sequence",
        8,
    )
    begun, answered, ended = found[0], found[1], found[2]
    assert (begun["token"], begun["meter_wh"]) == ("A", 1000)
    assert begun["told"] == "2026-06-01T12:00:00.250Z"
    assert (answered["status"], answered["token"]) == ("Accepted", None)
    assert ended["action"] == "StopTransaction"
    assert ended["transaction_id"] == answered["transaction_id"] != found[4]["transaction_id"]
    assert (ended["meter_wh"], begun["transaction_id"]) == (4500, None)
    events = await rows(
        clickhouse,
        "SELECT event_type, seq_no, transaction_id, trigger FROM chargewire.transaction_events"
        " FINAL WHERE event_type IS NOT NULL ORDER BY seq_no",
        3,
    )
    assert [one["event_type"] for one in events] == ["Started", "Updated", "Ended"]
    assert {one["transaction_id"] for one in events} == {"T-1"}


async def test_values_of_meters(clickhouse: ClickHouse) -> None:
    """One row each, numbered in its frame."""
    found = await rows(
        clickhouse,
        "SELECT station, connector, measurand, unit, raw, value, sample_no,"
        " told_at AS told FROM chargewire.meter_values FINAL ORDER BY value",
        4,
    )
    assert found[0] == {
        **{"station": "CS 16", "connector": 1, "measurand": "Energy.Active.Import.Register"},
        **{"unit": "Wh", "raw": "1700", "value": 1700, "sample_no": 0},
        "told": "2026-06-01T12:01:00.250Z",
    }


async def test_the_newest_row_of_a_transaction_counts(bus: Bus, clickhouse: ClickHouse) -> None:
    """Whatever order they arrive in; and what cannot be read does not stop what comes after."""
    begun = row(start(1, meter_wh="0.5"))
    done = row(start(1, meter_wh="0.5"), stop(2, meter_wh="2500.75"))
    key = schemas.key_text(schemas.key_of(TRANSACTIONS, done)).encode()
    topic = schemas.topic(TRANSACTIONS.name)

    def encoded(one: dict[str, Any], *order: int) -> bytes:
        return CODEC.encode(topic, schemas.record(one, *order))

    async with Log(bus.fleet.bootstrap, bus.fleet.prefix, PARTITIONS) as log:
        number = await log.put(topic, key, encoded(begun, 5, 1))
        await log.put(topic, key, encoded(done, 6, 1), number)
        await log.put(topic, key, encoded(begun, 5, 9), number)
        await log.put(topic, key, None, number)
        await log.put(topic, key, b"no Avro", number)
        other = done | {"transaction_id": "18", "anomalies": "meter_backwards id_zero"}
        await log.put(topic, b"18", encoded(other, 6, 2), number)
        await log.flush()
    found = await rows(clickhouse, "SELECT * FROM chargewire.sessions ORDER BY transaction_id", 2)
    assert (found[0]["state"], Decimal(str(found[0]["energy_kwh"]))) == (
        "ended",
        Decimal("2.50025"),
    )
    assert found[0]["began_at"] == "2026-11-21T12:00:01.000Z"
    assert found[1]["anomalies"] == ["meter_backwards", "id_zero"]
    unread = await rows(clickhouse, "SELECT raw FROM chargewire.transactions_unread FINAL", 1)
    assert unread[0]["raw"] == "bm8gQXZybw=="


def test_the_queries_that_analysts_start_from(clickhouse: ClickHouse) -> None:
    """Those of docs/analytics.md: they run, and find something."""
    page = (FOLDER.parents[1] / "docs" / "analytics.md").read_text()
    (block,) = re.findall(r"```sql\n(.*?)```", page.split("\n## ClickHouse")[1], re.DOTALL)
    queries = [one for one in block.split(";\n") if one.strip()]
    assert len(queries) == 2
    for query in queries:
        assert clickhouse.ask(query), query
