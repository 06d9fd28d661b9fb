"""Writes events to a log as gateways would, many and without stations."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer

from programs.registry import builtin_ids
from schemas.codec import Codec
from schemas.topics import partition
from tests import log

CODEC = Codec(builtin_ids())
NOON_MS = 1_800_000_000_000


def heartbeat(station: str, sequence: int, epoch: int = 1) -> dict[str, Any]:
    """A Heartbeat as an event: the fact Seen."""
    return {
        "event_id": f"{epoch}-{sequence}-{station}",
        "station": station,
        "connection_id": "c",
        "epoch": epoch,
        "sequence": sequence,
        "gateway": "gw",
        "ocpp_version": "1.6",
        "direction": "from_station",
        "kind": "call",
        "action": "Heartbeat",
        "message_id": str(sequence),
        "observed_at": NOON_MS + sequence,
        "v16_heartbeat_request": {},
    }


class Log:
    """The topics of one test; events go where a gateway would put them."""

    def __init__(self, bootstrap: str, prefix: str, partitions: int) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.partitions = partitions
        # What is written again, since nobody answered in time, is there once.
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, linger_ms=5, enable_idempotence=True
        )

    async def __aenter__(self) -> "Log":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def topics(self, names: Iterable[str]) -> None:
        """Make them, with as many partitions as we have."""
        wanted = [self.prefix + name for name in names]
        await log.create(self.bootstrap, wanted, partitions=self.partitions)

    async def write(self, topic: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Write events of stations, and wait until all of them are there."""
        for record in records:
            await self.put(topic, record["station"].encode(), CODEC.encode(topic, record))
        await self._producer.flush()

    async def put(
        self, topic: str, key: bytes, value: bytes | None, number: int | None = None
    ) -> int:
        """Write whatever it is, also where it does not belong; returns the partition number."""
        at = partition(key, self.partitions) if number is None else number
        await self._producer.send(self.prefix + topic, value, key, at)
        return at

    async def heartbeats(self, stations: int, sequences: Iterable[int]) -> None:
        """Every one of so many stations says a Heartbeat for each sequence."""
        for sequence in sequences:
            await self.write(
                "availability", (heartbeat(f"S{number}", sequence) for number in range(stations))
            )

    async def flush(self) -> None:
        await self._producer.flush()
