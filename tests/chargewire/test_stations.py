"""`chargewire stations` and `chargewire tail`, as an operator runs them, on a real Kafka."""

import asyncio
import json

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from chargewire.cli import chargewire
from schemas import registry
from schemas.derive import shape
from schemas.settings import KafkaSettings
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


@pytest.mark.kafka
def test_a_station_is_listed_with_its_connection_and_last_status(fleet):
    """Put together from three topics."""
    (station,) = map(json.loads, run("stations", "--json", *fleet).output.splitlines())
    assert station == {
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
    heading, row = run("stations", "--connected", *fleet).output.splitlines()
    assert heading.split()[:2] == ["STATION", "STATE"]
    assert row.split()[:2] == ["CS-1", "connected"]


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
