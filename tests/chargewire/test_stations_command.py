"""`chargewire stations` and `chargewire tail`, as an operator runs them."""

import asyncio
import json

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from chargewire.cli import chargewire
from consumers.meaning.facts import At, Booted, Connected, Disconnected, StatusTold
from consumers.stations.projection import CONSUMER, PROJECTION
from consumers.stores.changes import Changes, differences
from consumers.stores.store import Store
from consumers.tables.projections import fold
from programs import registry
from programs.settings import KafkaSettings
from schemas.derive import shape
from tests.log import create

AT = 1_767_225_600_000
TOPICS = ("connections", "provisioning", "availability")
FRAME = {
    "station": "CS-1",
    "connection_id": "c",
    "epoch": 0,
    "gateway": "g",
    "ocpp_version": "1.6",
    "direction": "from_station",
    "kind": "call",
}
CONNECTED = {
    "event_id": "c.0",
    "type": "connected",
    "station": "CS-1",
    "at": AT,
    "sequence": 0,
    "gateway": "g",
    "ocpp_version": "1.6",
}


def frame(action: str, field: str, sequence: int, body: dict[str, object]) -> dict[str, object]:
    place = {"event_id": f"0.{sequence}.CS-1", "sequence": sequence, "message_id": str(sequence)}
    record = shape("1.6", action, "request").to_avro(body)[0]
    return FRAME | place | {"action": action, "observed_at": AT + sequence, field: record}


EVENTS = [
    ("connections", "ocpp.connection.connected", CONNECTED),
    (
        "provisioning",
        "ocpp.v16.BootNotification.request",
        frame(
            "BootNotification",
            "v16_boot_notification_request",
            1,
            {"chargePointVendor": "V", "chargePointModel": "M"},
        ),
    ),
    (
        "availability",
        "ocpp.v16.StatusNotification.request",
        frame(
            "StatusNotification",
            "v16_status_notification_request",
            3,
            {"connectorId": 1, "errorCode": "NoError", "status": "Charging"},
        ),
    ),
    (
        "availability",
        "ocpp.v16.Heartbeat.request",
        frame("Heartbeat", "v16_heartbeat_request", 2, {}),
    ),
]


@pytest.fixture
def fleet(kafka, prefix) -> list[str]:
    """The options that lead to a log with one station in it."""

    async def write() -> None:
        await create(kafka.bootstrap, [prefix + name for name in TOPICS], partitions=2)
        codec = await registry.codec(KafkaSettings(prefix=prefix))
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            for topic, kind, record in EVENTS:
                headers = [("ce_type", kind.encode())]
                value = codec.encode(topic, record)
                await producer.send_and_wait(prefix + topic, value, b"CS-1", headers=headers)

    asyncio.run(write())
    return ["--kafka", kafka.bootstrap, "--prefix", prefix]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(chargewire, arguments)


STATION = {
    "station": "CS-1",
    "connected": True,
    "version": "1.6",
    "gateway": "g",
    "address": "",
    "vendor": "V",
    "model": "M",
    "since": "2026-01-01T00:00:00.000Z",
    "statuses": {"1": "Charging"},
}


@pytest.mark.kafka
def test_a_station_is_listed_out_of_the_log(fleet):
    """With its connection and last status, put together from three topics."""
    log = ["stations", "--from-log", *fleet]
    (station,) = map(json.loads, run(*log, "--json").output.splitlines())
    assert station == STATION
    heading, row = run(*log, "--connected").output.splitlines()
    assert heading.split()[:2] == ["STATION", "STATE"]
    assert row.split()[:2] == ["CS-1", "connected"]


def place(sequence: int, station: str = "CS-1") -> At:
    return At(station, 0, sequence, AT + sequence, f"0.{sequence}.{station}")


async def filled(url: str) -> None:
    """The same station in the tables of the consumer, one of 2.x, and one that only booted."""
    other = place(0, "CS-2")
    facts = [
        Connected(place(0), "g", "1.6"),
        Booted(place(1), "V", "M"),
        StatusTold(place(3), None, 1, "Charging"),
        Connected(other, "h", "2.1", "10.0.0.2"),
        StatusTold(place(1, "CS-2"), 1, 1, "Occupied"),
        StatusTold(place(2, "CS-2"), 2, 1, "Available"),
        Disconnected(place(3, "CS-2"), "", 1006, "closed"),
        Booted(place(1, "CS-3"), "W", "N"),
    ]
    store = await Store.open(url, CONSUMER)
    generation = (await store.own([0]))[0].generation
    rows = differences(CONSUMER.tables, {}, fold(PROJECTION, {}, facts))
    await store.commit(0, generation, Changes(rows=rows))
    await store.close()


@pytest.fixture
def store(tmp_path) -> list[str]:
    url = f"sqlite:///{tmp_path}/stations.db"
    asyncio.run(filled(url))
    return ["--data", str(tmp_path)]


def test_stations_are_listed_out_of_their_table(store):
    """The same as out of the log, without Kafka."""
    result = run("stations", "--json", *store)
    first, second, third = map(json.loads, result.output.splitlines())
    assert first == STATION
    assert (second["connected"], second["statuses"]) == (
        False,
        {"1.1": "Occupied", "2.1": "Available"},
    )
    assert (second["since"], second["address"]) == ("2026-01-01T00:00:00.003Z", "10.0.0.2")
    assert (third["connected"], third["vendor"], third["statuses"]) == (False, "W", {})
    heading, row = run("stations", "--connected", *store).output.splitlines()
    assert heading.split()[:2] == ["STATION", "STATE"]
    assert row.split()[:2] == ["CS-1", "connected"]


def test_without_a_table_both_ways_out_are_told(tmp_path):
    """Start the consumer, or read the log."""
    result = run("stations", "--data", str(tmp_path))
    assert result.exit_code == 1
    assert "chargewire consume stations" in result.stderr
    assert "chargewire stations --from-log" in result.stderr


@pytest.mark.kafka
def test_the_past_of_one_station_is_told_in_its_own_order(fleet):
    """Across topics, by epoch and sequence."""
    result = run("tail", "CS-1", "--from", "beginning", "--no-follow", *fleet)
    words = [line.split()[3] for line in result.output.splitlines()]
    assert words == ["connected", "BootNotification", "Heartbeat", "StatusNotification"]
    nobody = run("tail", "CS-2", "--from", "beginning", "--no-follow", *fleet)
    assert (nobody.stdout, "No event of CS-2" in nobody.stderr) == ("", True)


@pytest.mark.kafka
def test_tail_ends_after_the_number_wanted(fleet):
    """While it follows, too."""
    result = run("tail", "provisioning", "--json", "--from", "beginning", "--count", "1", *fleet)
    (event,) = map(json.loads, result.output.splitlines())
    assert (result.exit_code, event["action"]) == (0, "BootNotification")
    assert event["payload"] == {"chargePointVendor": "V", "chargePointModel": "M"}


@pytest.mark.kafka
def test_a_misspelt_topic_is_an_error_with_near_names(fleet):
    """Named with its prefix, it can be nothing else."""
    result = run("tail", fleet[-1] + "provisionin", *fleet)
    assert result.exit_code == 1
    assert "there are provisioning" in result.output
