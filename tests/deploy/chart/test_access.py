"""The rights of the chart's Kafka users are enough for what their programs do, and no more."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from consumers.services import SERVICES
from deploy.local.kafka import Broker, Quorum, new_cluster_id
from deploy.local.ports import HOST, free_port
from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas.records import TABLES
from schemas.topics import layouts, plan
from tests.deploy.chart.helm import of
from tests.end_to_end.gateways import PARTITIONS, Fleet, Gateway, read, send, until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PREFIX = "guarded."
TOKEN = "a-token-of-the-console"
OPERATIONS = {
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
}
PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefix": ResourcePatternType.PREFIXED}
RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}


def users() -> dict[str, list[dict[str, Any]]]:
    """Program -> what its user may, as the chart says."""
    made = of("KafkaUser", "strimzi", "--set", f"topics.prefix={PREFIX}")
    return {
        name.removeprefix("cw-chargewire-"): one["spec"]["authorization"]["acls"]
        for name, one in made.items()
    }


def bindings() -> Iterator[AclBinding]:
    for name, rules in users().items():
        for rule in rules:
            on = rule["resource"]
            for operation in rule["operations"]:
                yield AclBinding(
                    RESOURCES[on["type"]],
                    on["name"],
                    PATTERNS[on["patternType"]],
                    f"User:{name}",
                    "*",
                    OPERATIONS[operation],
                    AclPermissionType.ALLOW,
                )


@pytest.fixture
async def open_door(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """(where nobody has to log in and may do all, where users may what the chart says)."""
    quorum = Quorum(new_cluster_id(), 1, free_port())
    port, guarded = free_port(), f"{HOST}:{free_port()}"
    listeners = f"PLAINTEXT://{HOST}:{port},GUARDED://{guarded}"
    logins = " ".join(f'user_{name}="{name}"' for name in users())
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    options = {
        "listeners": f"{listeners},CONTROLLER://{HOST}:{quorum.controller_port}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
        "GUARDED:SASL_PLAINTEXT",
        "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.guarded.plain.sasl.jaas.config": f"{module} required {logins};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    broker = Broker(tmp_path / "kafka", port, quorum=quorum, options=options)
    await broker.start()
    try:
        client = AdminClient({"bootstrap.servers": broker.bootstrap})
        for made in client.create_acls([*bindings()]).values():
            made.result(120)
        settings = KafkaSettings(kafka=broker.bootstrap, prefix=PREFIX, partitions=PARTITIONS)
        wanted = layouts(PREFIX, partitions=PARTITIONS, replication=1, tables=TABLES)
        await admin.apply(settings, plan({}, wanted))
        everything = AclBindingFilter(
            ResourceType.ANY,
            None,
            ResourcePatternType.ANY,
            None,
            None,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        wanted_acls = len([*bindings()])
        await until(
            lambda: len(client.describe_acls(everything).result(120)) == wanted_acls,
            "the rights are not in force",
        )
        yield broker.bootstrap, guarded
    finally:
        broker.kill()


def login(name: str) -> dict[str, object]:
    """What the program's environment has of its user."""
    return {
        "kafka_security_protocol": "SASL_PLAINTEXT",
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_sasl_username": name,
        "kafka_sasl_password": name,
    }


class Console(Gateway):
    """The console, asked as a gateway is."""

    command = ("-m", "chargewire", "console")

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        super().__init__(environ, log)
        self._environ |= {
            "CHARGEWIRE_CONSOLE_LISTEN": f"{HOST}:{self.admin}",
            "CHARGEWIRE_CONSOLE_TOKEN": TOKEN,
        }

    async def commanded(self, station: str) -> bool:
        """Have the station asked for something; False while the console does not know it."""
        asked = {"station": station, "action": "ClearCache", "payload": {}}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            response = await client.post(
                f"http://{HOST}:{self.admin}/api/commands",
                json=asked,
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
        assert response.status_code in (202, 404, 409), response.text
        return response.status_code == 202


async def test_programs_do_all_their_work(open_door: tuple[str, str], tmp_path: Path) -> None:
    """A station charges, is asked, and is asked while away; every table is on its topic."""
    anyone, guarded = open_door
    async with Fleet(guarded, PREFIX, tmp_path) as fleet:
        for name in SERVICES:
            store = f"sqlite:///{tmp_path}/{name}.db"
            fleet.launch_consumer(name, store, publish="on", **login(name))
        gateway = fleet.launch(decided="Authorize", **login("gateway"))
        console = Console(
            gateway._environ | {f"CHARGEWIRE_{k.upper()}": v for k, v in login("console").items()},
            tmp_path / "console.log",
        )
        fleet.gateways.append(console)
        console.launch()
        for program in (*fleet.gateways, *fleet.consumers):
            await program.ready()

        known = {"token": "TAG-1", "type": "ISO14443", "status": "Accepted"}
        await send(anyone, PREFIX, "id-tokens", "tag-1", **known)
        station = await fleet.connect(gateway, "CW-1")
        await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        await station.call(
            "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        )

        async def decided() -> bool:
            reply = await station.call("Authorize", {"idTag": "TAG-1"})
            return reply.ok and reply.payload["idTagInfo"]["status"] == "Accepted"

        await until(decided, "nobody decides", 60)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        started = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 0, "timestamp": now}
        begun = await station.call("StartTransaction", started)
        number = begun.payload["transactionId"]
        value = {"timestamp": now, "sampledValue": [{"value": "7"}]}
        await station.call("MeterValues", {"connectorId": 1, "meterValue": [value]})
        await station.call(
            "StopTransaction", {"transactionId": number, "meterStop": 9, "timestamp": now}
        )
        await station.close()  # so that no gateway answers for it, but the commands consumer
        await until(lambda: console.commanded("CW-1"), "the console does not know CW-1", 60)

        wanted = {"command-results", "connections"} | {
            f"tables.{name}"
            for name in ("transactions", "stations", "connectors", "commands", "meter_readings")
        }

        async def written() -> bool:
            found = await read(anyone, PREFIX, sorted(wanted))
            return {one.topic for one in found} == wanted

        await until(written, "not all that is wanted was written", 60)
        for program in (*fleet.gateways, *fleet.consumers):
            assert "uthorization" not in program.said().replace("authorization", ""), program.log
    await _others_may_not(guarded)


async def _others_may_not(guarded: str) -> None:
    """Who folds stations cannot decide who charges."""
    producer = AIOKafkaProducer(
        bootstrap_servers=guarded,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username="stations",
        sasl_plain_password="stations",
    )
    await producer.start()
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(f"{PREFIX}decisions", b"x", b"CW-1")
    finally:
        await producer.stop()
