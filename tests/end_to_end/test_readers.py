"""Readers that we did not write read our topics: Confluent's deserializer and ClickHouse.

Each through the registry that a gateway is itself, and through Apicurio Registry.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro.schema import to_parsing_canonical_form

from deploy.local.kafka import Broker
from programs import registry
from schemas import lock, records, subjects
from schemas.codec import Codec
from tests.clickhouse import ClickHouse, ClickHouseError
from tests.end_to_end.bus import Bus, day_16, day_201, registry_client
from tests.end_to_end.filled import filled, mapped
from tests.end_to_end.gateways import Fleet, Gateway, until
from tests.station import PATIENCE_S

pytestmark = pytest.mark.kafka

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS = ("provisioning", "transactions", "metering", "availability")


@pytest.fixture(scope="module", params=["built-in", "apicurio"])
def bus(
    request: pytest.FixtureRequest, kafka: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bus]:
    """A fleet whose stations had their day: with each kind of registry."""
    kind: str = request.param
    external = request.getfixturevalue("registry").url if kind == "apicurio" else ""
    folder = tmp_path_factory.mktemp(kind)
    fleet = Fleet(kafka.bootstrap, f"{kind}.", folder, schema_registry=external)

    async def opened() -> Gateway:
        await fleet.topics()
        gateway = await fleet.start()
        await day_16(gateway.url, hour=12)
        await day_201(gateway.url)
        return gateway

    def is_over() -> bool:
        types = [one.record["type"] for one in bus.consumed("connections")]
        return types.count("disconnected") == 2

    try:
        bus = Bus(fleet, asyncio.run(opened()), external)
        asyncio.run(until(is_over, "the stations are still connected"))
        yield bus
    finally:
        for gateway in fleet.gateways:
            gateway.kill()


@pytest.fixture(scope="module")
def codec(bus: Bus) -> Codec:
    """Writes records of any topic, with the ids that the registry gives."""
    return Codec(asyncio.run(registry.resolve(bus.settings)))


@pytest.fixture(scope="module")
def clickhouse(bus: Bus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A ClickHouse that knows the registry, and nothing else of us."""
    server = ClickHouse(tmp_path_factory.mktemp("clickhouse"), bus.registry)
    yield server
    server.close()


def in_file(path: Path, values: Iterable[bytes]) -> str:
    """ClickHouse's words for a file in which records stand one after another."""
    path.write_bytes(b"".join(values))
    return f"file('{path}', 'AvroConfluent')"


def saved(bus: Bus, folder: Path, topic: str) -> str:
    return in_file(folder / f"{topic}.bin", (one.value for one in bus.consumed(topic)))


def test_confluents_deserializer_reads_every_event(bus: Bus) -> None:
    """A station's frames come back typed, in their order, with nothing configured but the URL."""
    found = [one.record for one in bus.consumed(*EVENTS) if one.record["station"] == "CS 16"]
    events = sorted(found, key=lambda event: event["sequence"])
    assert [(event["action"], event["kind"]) for event in events[:10]] == [
        (action, kind)
        for action in ("BootNotification", "Heartbeat", "StartTransaction", *["MeterValues"] * 2)
        for kind in ("call", "result")
    ]
    start, started, meter = events[4:7]
    assert start["v16_start_transaction_request"] == {
        "connectorId": 1,
        "idTag": "A",
        "meterStart": 1000,
        "reservationId": None,
        "timestamp": datetime(2026, 6, 1, 12, 0, 0, 250_000, UTC),
        "extra": None,
    }
    assert abs(start["observed_at"] - datetime.now(UTC)) < timedelta(hours=1)
    assert started["v16_start_transaction_response"]["idTagInfo"]["status"] == "Accepted"
    assert started["call_sequence"] == start["sequence"]
    value = meter["v16_meter_values_request"]["meterValue"][0]["sampledValue"][0]
    assert (value["value"], json.loads(value["extra"])) == ("1700", {"vendorsOwn": "A"})
    assert meter["deviations"] == ["unknown_property"]


def test_what_is_around_the_events_is_read_too(bus: Bus) -> None:
    """Connections, dead letters and the gateway's signs of life."""
    found = bus.consumed("connections", "rejected", "gateways")
    types = [one.record["type"] for one in found if one.topic == "connections"]
    assert sorted(types) == ["connected", "connected", "disconnected", "disconnected"]
    (rejected,) = [one.record for one in found if one.topic == "rejected"]
    assert (rejected["rule"], rejected["action"]) == ("unknown_action", "Nonsense")
    addresses = {one.record["admin"] for one in found if one.topic == "gateways"}
    assert bus.admin.removeprefix("http://") in addresses


def test_the_ids_in_the_records_are_the_registrys(bus: Bus) -> None:
    """Each topic has a subject with its newest schema, whose id every record of it begins with."""
    with registry_client(bus.registry) as client:
        latest = {
            topic: client.get_latest_version(subjects.subject(bus.fleet.prefix, topic))
            for topic in records.RECORDS
        }
    for topic, version in latest.items():
        # Registries may write a schema in their own way, as Apicurio does.
        found = to_parsing_canonical_form(json.loads(version.schema.schema_str))
        assert found == to_parsing_canonical_form(records.schema(topic))
        assert (version.schema_id < lock.FIRST_ID) == bool(bus.external)
    read = bus.consumed()
    assert {one.topic for one in read} == {*EVENTS, "connections", "rejected", "gateways"}
    assert all(one.schema_id == latest[one.topic].schema_id for one in read)


def test_a_second_start_finds_the_same_ids(bus: Bus) -> None:
    """Another gateway of the fleet registers nothing, and writes what the first one writes."""
    asyncio.run(bus.fleet.start(instance="second")).kill()
    signs = bus.consumed("gateways")
    assert len({one.record["gateway"] for one in signs}) == 2
    assert len({one.schema_id for one in signs}) == 1
    with registry_client(bus.registry) as client:
        for topic in records.RECORDS:
            versions = client.get_versions(subjects.subject(bus.fleet.prefix, topic))
            assert len(versions) == (1 if bus.external else len(lock.versions()[topic]))


@pytest.mark.parametrize("topic", records.RECORDS)
def test_confluents_deserializer_reads_every_field(bus: Bus, codec: Codec, topic: str) -> None:
    """All values at all depths, the extreme ones too, and payloads with nothing in them."""
    context = SerializationContext(bus.fleet.prefix + topic, MessageField.VALUE)
    with registry_client(bus.registry) as client:
        read = AvroDeserializer(client)
        for record in filled(topic):
            assert read(codec.encode(topic, mapped(record, _millis)), context) == record


@pytest.mark.parametrize("topic", records.RECORDS)
def test_clickhouse_reads_every_field(
    codec: Codec, clickhouse: ClickHouse, tmp_path: Path, topic: str
) -> None:
    """As Confluent's, but that a list which is absent is an empty one in ClickHouse."""
    wanted = list(filled(topic))
    values = (codec.encode(topic, mapped(record, _millis)) for record in wanted)
    found = clickhouse.ask(f"SELECT * FROM {in_file(tmp_path / 'all.bin', values)}")
    assert [_present(row) for row in found] == [_present(mapped(record, _iso)) for record in wanted]


def _millis(time: datetime) -> int:
    return (time - EPOCH) // timedelta(milliseconds=1)


def _iso(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _present(value: Any) -> Any:
    """A value without the fields that are null or an empty list."""
    match value:
        case dict():
            return {k: _present(v) for k, v in value.items() if v is not None and v != []}
        case list():
            return [_present(inner) for inner in value]
    return value


def test_clickhouse_needs_no_column_declarations(
    bus: Bus, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """A wide record becomes typed columns, the frames of the block among them as tuples."""
    table = saved(bus, tmp_path, "metering")
    columns = {row["name"]: row["type"] for row in clickhouse.ask(f"DESCRIBE {table}")}
    assert columns.keys() == {field["name"] for field in records.schema("metering")["fields"]}
    assert columns["epoch"] == "Int64"
    assert columns["observed_at"] == "DateTime64(3)"
    assert columns["deviations"] == "Array(String)"
    call = columns["v16_meter_values_request"]
    assert "transactionId Nullable(Int64)" in call
    assert "meterValue Array(Tuple(" in call
    assert "timestamp Nullable(DateTime64(3))" in call
    assert "sampledValue Array(Tuple(value Nullable(String)" in call
    assert "value Nullable(Float64)" in columns["v2_meter_values_request"]


# Of 1.6: the answer to StartTransaction has the number, its CALL the register. {} is the table.
ENERGY_16 = """
WITH event AS (SELECT * FROM {}),
started AS (
    SELECT call.station AS station, result.v16_start_transaction_response.transactionId AS number,
        call.v16_start_transaction_request.idTag AS tag,
        call.v16_start_transaction_request.meterStart AS register
    FROM event AS call JOIN event AS result
    ON call.connection_id = result.connection_id AND call.sequence = result.call_sequence
    WHERE call.action = 'StartTransaction'
)
SELECT tag, v16_stop_transaction_request.meterStop - register AS wh
FROM event JOIN started ON event.station = started.station
AND event.v16_stop_transaction_request.transactionId = started.number
ORDER BY tag
"""
ENERGY_201 = """
SELECT station, v2_transaction_event_request.transactionInfo.transactionId AS transaction,
    max(sample.value) - min(sample.value) AS wh
FROM {}
ARRAY JOIN v2_transaction_event_request.meterValue AS meter
ARRAY JOIN meter.sampledValue AS sample
WHERE sample.measurand = 'Energy.Active.Import.Register'
GROUP BY station, transaction
"""
READINGS_16 = """
SELECT v16_meter_values_request.transactionId AS number, max(toFloat64(sample.value)) AS wh,
    toString(max(meter.timestamp)) AS last
FROM {}
ARRAY JOIN v16_meter_values_request.meterValue AS meter
ARRAY JOIN meter.sampledValue AS sample
GROUP BY number ORDER BY wh
"""
WH_16 = [{"tag": "A", "wh": 3500}, {"tag": "B", "wh": 4500}]
WH_201 = [{"station": "CS-201", "transaction": "T-1", "wh": 1250.25}]


def test_clickhouse_tells_the_energy_of_each_transaction(
    bus: Bus, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """From the records alone, over calls, answers and lists in lists."""
    table = saved(bus, tmp_path, "transactions")
    assert clickhouse.ask(ENERGY_16.format(table)) == WH_16
    assert clickhouse.ask(ENERGY_201.format(table)) == WH_201
    readings = clickhouse.ask(READINGS_16.format(saved(bus, tmp_path, "metering")))
    assert [row["wh"] for row in readings] == [2400.0, 5900.0]
    assert all("12:02:00.250" in row["last"] for row in readings)


async def test_clickhouse_follows_a_topic(bus: Bus, clickhouse: ClickHouse, tmp_path: Path) -> None:
    """Its Kafka engine fills a table from a topic, and goes on while stations do.

    The last of the tests, since it adds to the day.
    """
    source = saved(bus, tmp_path, "transactions")
    clickhouse.ask(
        "CREATE TABLE transactions ENGINE = MergeTree ORDER BY (station, epoch, sequence)"
        f" EMPTY AS SELECT * FROM {source}"
    )
    # The embedded engine says "Shutdown was called" of every Kafka table, and then has it.
    with suppress(ClickHouseError):
        clickhouse.ask(
            "CREATE TABLE topic AS transactions ENGINE = Kafka SETTINGS"
            f" kafka_broker_list = '{bus.fleet.bootstrap}',"
            f" kafka_topic_list = '{bus.fleet.prefix}transactions',"
            " kafka_group_name = 'clickhouse', kafka_format = 'AvroConfluent',"
            f" format_avro_schema_registry_url = '{bus.registry}', kafka_flush_interval_ms = 200"
        )
    clickhouse.ask("CREATE MATERIALIZED VIEW follow TO transactions AS SELECT * FROM topic")
    count = len(bus.consumed("transactions"))
    await _counted(clickhouse, count)
    assert clickhouse.ask(ENERGY_16.format("transactions")) == WH_16
    assert clickhouse.ask(ENERGY_201.format("transactions")) == WH_201
    await day_16(bus.gateway.url, hour=13)
    await _counted(clickhouse, count + 8)
    assert clickhouse.ask(ENERGY_16.format("transactions")) == sorted(WH_16 * 2, key=str)


async def _counted(clickhouse: ClickHouse, count: int) -> None:
    def enough() -> bool:
        (row,) = clickhouse.ask("SELECT count() AS found FROM transactions")
        return bool(row["found"] == count)

    await until(enough, f"not {count} rows in ClickHouse", 3 * PATIENCE_S)
