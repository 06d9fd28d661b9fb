"""A fleet whose stations had a day, read from outside: what the tests of foreign readers share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from deploy.local.ports import HOST
from programs.settings import KafkaSettings
from schemas import records
from tests.end_to_end.gateways import PARTITIONS, Fleet, Gateway
from tests.station import Station


@dataclass(frozen=True, slots=True)
class Read:
    """A Kafka record as Confluent's software gives it; `topic` is without prefix."""

    topic: str
    value: bytes
    record: Mapping[str, Any]

    @property
    def schema_id(self) -> int:
        return int.from_bytes(self.value[1:5], "big")


@dataclass(frozen=True, slots=True)
class Bus:
    """A fleet of one gateway; `external` is the URL of its schema registry, or empty."""

    fleet: Fleet
    gateway: Gateway
    external: str

    @property
    def admin(self) -> str:
        return f"http://{HOST}:{self.gateway.admin}"

    @property
    def registry(self) -> str:
        """Where readers find the schemas."""
        return self.external or self.admin

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(prefix=self.fleet.prefix, schema_registry=self.registry)

    def consumed(self, *topics: str) -> list[Read]:
        """What is in topics (all, where none is named), by Confluent's software alone."""
        names = topics or records.DECLARED
        parts = [
            TopicPartition(self.fleet.prefix + name, number, OFFSET_BEGINNING)
            for name in names
            for number in range(PARTITIONS)
        ]
        consumer = Consumer(
            {
                "bootstrap.servers": self.fleet.bootstrap,
                "group.id": f"{self.fleet.prefix}reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        found, ends = [], 0
        try:
            with registry_client(self.registry) as client:
                read = AvroDeserializer(client)
                consumer.assign(parts)
                while ends < len(parts):
                    one = consumer.poll(120)
                    assert one is not None, "Kafka says nothing"
                    if one.error():
                        assert one.error().code() == KafkaError._PARTITION_EOF, one.error()
                        ends += 1
                        continue
                    context = SerializationContext(one.topic(), MessageField.VALUE)
                    topic = one.topic().removeprefix(self.fleet.prefix)
                    found.append(Read(topic, one.value(), read(one.value(), context)))
        finally:
            consumer.close()
        return found


def registry_client(url: str) -> SchemaRegistryClient:
    """Confluent's client, with a time limit, after which it asks again.

    By default it waits for ever, and of the 404s that Apicurio has in its access log one in some
    hundreds never arrives.
    """
    return SchemaRegistryClient({"url": url, "timeout": 3, "max.retries": 20})


async def day_16(url: str, hour: int) -> None:
    """Two transactions, of 3500 and 4500 Wh; and a word that OCPP does not have."""
    async with await Station.connect(url, "CS 16") as station:
        boot = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
        assert (await station.call("BootNotification", boot)).ok
        assert (await station.call("Heartbeat")).ok
        for tag, begin, end in (("A", 1000, 4500), ("B", 4500, 9000)):
            start = {"connectorId": 1, "idTag": tag, "meterStart": begin, "timestamp": _at(hour, 0)}
            found = await station.call("StartTransaction", start)
            assert found.payload
            transaction = found.payload["transactionId"]
            for minute in (1, 2):
                value = {"value": str(begin + 700 * minute), "unit": "Wh", "vendorsOwn": tag}
                meter = {"timestamp": _at(hour, minute), "sampledValue": [value]}
                values = {"connectorId": 1, "transactionId": transaction, "meterValue": [meter]}
                assert (await station.call("MeterValues", values)).ok
            stop = {"transactionId": transaction, "meterStop": end, "timestamp": _at(hour, 3)}
            assert (await station.call("StopTransaction", stop)).ok
        assert not (await station.call("Nonsense")).ok


async def day_201(url: str) -> None:
    """One transaction, of 1250.25 Wh."""
    async with await Station.connect(url, "CS-201", ["ocpp2.0.1"]) as station:
        custom = {"vendorId": "Vendor", "more": [1, None]}
        model = {"vendorName": "Vendor", "model": "Model", "customData": custom}
        boot = {"reason": "PowerUp", "chargingStation": model}
        assert (await station.call("BootNotification", boot)).ok
        for number, (kind, energy) in enumerate(
            (("Started", 100.0), ("Updated", 600.5), ("Ended", 1350.25))
        ):
            value = {"value": energy, "measurand": "Energy.Active.Import.Register"}
            event = {
                "eventType": kind,
                "timestamp": _at(12, number),
                "triggerReason": "MeterValuePeriodic",
                "seqNo": number,
                "transactionInfo": {"transactionId": "T-1"},
                "meterValue": [{"timestamp": _at(12, number), "sampledValue": [value]}],
            }
            assert (await station.call("TransactionEvent", event)).ok


def _at(hour: int, minute: int) -> str:
    return f"2026-06-01T{hour:02}:{minute:02}:00.250Z"
