"""Gateways as processes of their own on a real Kafka, and the log as they have written it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.ports import HOST, free_port
from deploy.local.process import Process
from programs.kafka import admin
from programs.registry import builtin_ids
from programs.settings import KafkaSettings
from schemas.catalogue import frame_field
from schemas.codec import Codec
from schemas.derive import shape
from schemas.topics import TOPICS, Layout, layouts, plan
from tests.station import PATIENCE_S, Station

ROOT = Path(__file__).parents[2]
PARTITIONS = 3  # a few, since every test has thirty topics of its own
START_TIME_S = 180.0
POLL_S = 0.02
PATIENT = ("-m", "tests.end_to_end.patient")
"""A gateway that waits for Kafka, however long; and UNHURRIED, for its own claims of commands."""
UNHURRIED = (*PATIENT, "600")
STEADY = "tests.end_to_end.hasty 120000"
"""A consumer that its group takes for dead after two minutes, not after ten seconds."""
_PARTS = {"call": "request", "result": "response", "send": "send"}
CODEC = Codec(builtin_ids())
# A machine that stands still for ten seconds is no fault; a test of a fault says what it waits for.
_LIMITS = {"ack_time_s": 12, "outage_time_s": 60, "handshake_time_s": 60}


async def until(
    condition: Callable[[], Any | Awaitable[Any]], what: str = "", timeout_s: float = PATIENCE_S
) -> Any:
    """The first true value of a condition which nothing announces. Raises TimeoutError."""
    end_s = time.monotonic() + timeout_s
    while True:
        found = condition()
        if isawaitable(found):
            found = await found
        if found:
            return found
        if time.monotonic() > end_s:
            raise TimeoutError(what or "the condition did not become true")
        await asyncio.sleep(POLL_S)


@dataclass(frozen=True, slots=True)
class Logged:
    """A record of the log: `topic` without prefix, decoded."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int
    record: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.record[name]

    @property
    def payload(self) -> dict[str, Any]:
        """What the typed payload holds, as the JSON object of the frame."""
        version, action = self["ocpp_version"], self["action"]
        part = _PARTS[self["kind"]]
        return shape(version, action, part).from_avro(
            self.record[frame_field(version, action, part)]
        )


class Gateway:
    """One gateway process, with ports of its own; `log` is the file of its log lines."""

    command: tuple[str, ...] = ("-m", "gateway")

    def __init__(
        self, environ: dict[str, str], log: Path, command: tuple[str, ...] | None = None
    ) -> None:
        self.log = log
        self.command = command or self.command
        self.port, self.admin = free_port(), free_port()
        self._environ = environ | {
            "CHARGEWIRE_LISTEN": f"{HOST}:{self.port}",
            "CHARGEWIRE_ADMIN": f"{HOST}:{self.admin}",
        }
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/ocpp"

    @property
    def process(self) -> Process:
        assert self._process is not None, "start it first"
        return self._process

    def launch(self) -> None:
        """Start the process, which takes a second or two to be ready."""
        command = [sys.executable, *self.command]
        self._process = Process(command, log=self.log, environ=self._environ)

    async def ready(self, timeout_s: float = START_TIME_S) -> None:
        """Wait until stations may come. Raises TimeoutError; AssertionError where it ended."""

        async def is_ready() -> bool:
            assert self.process.exit_code is None, f"ended by itself:\n{self.said()}"
            return (await self.asked("readyz"))[0] == 200

        try:
            await until(is_ready, "not ready", timeout_s)
        except TimeoutError:
            raise TimeoutError(f"not ready: {self.said()[-2000:]}") from None

    async def asked(self, path: str) -> tuple[int, str]:
        """(status, body) of the admin port; status 0 where nobody listens."""
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                url = f"http://{HOST}:{self.admin}/{path}"
                response = await client.get(url, timeout=PATIENCE_S)
            except httpx.TransportError:
                return 0, ""
        return response.status_code, response.text

    async def metrics(self) -> dict[str, float]:
        """Name with labels, as in `refusals_total{reason="outage"}` -> value."""
        found = {}
        for family in text_string_to_metric_families((await self.asked("metrics"))[1]):
            for name, labels, value, *_ in family.samples:
                shown = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
                short = name.removeprefix("chargewire_")
                found[f"{short}{{{shown}}}" if shown else short] = value
        return found

    def said(self) -> str:
        """The lines of its log so far."""
        return self.log.read_text(errors="replace")

    def terminate(self) -> None:
        """SIGTERM: it is to end in good order."""
        self.process.signal(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9 of the process and all its workers."""
        if self._process is not None and self._process.exit_code is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()

    async def ended(self, timeout_s: float = 2 * PATIENCE_S) -> int:
        """Wait for the end of the process; its exit code. Raises TimeoutError."""
        return await self.process.ended(timeout_s)


class Consumer(Gateway):
    """One consumer process, which is asked and ended as a gateway is."""

    def __init__(self, name: str, environ: dict[str, str], log: Path, command: str) -> None:
        super().__init__(environ, log, ("-m", *command.split(), name))
        self.name = name


class Fleet:
    """The programs of one test, side by side below one prefix; all of them end with it."""

    def __init__(self, bootstrap: str, prefix: str, folder: Path, **limits: object) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.folder = folder
        self.gateways: list[Gateway] = []
        self.consumers: list[Consumer] = []
        self._stations: list[Station] = []
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CHARGEWIRE_")},
            "CHARGEWIRE_KAFKA": bootstrap,
            "CHARGEWIRE_PREFIX": prefix,
            "CHARGEWIRE_PARTITIONS": str(PARTITIONS),
            "CHARGEWIRE_ALLOW_SINGLE_REPLICA": "true",
            "CHARGEWIRE_LOG_FORMAT": "json",
            **_variables(_LIMITS | limits),
        }

    async def topics(self, replication: int = 1) -> None:
        """Make the topics, as `chargewire topics apply` does."""
        await apply_topics(self.bootstrap, self.prefix, replication)

    def launch(self, command: tuple[str, ...] | None = None, **limits: object) -> Gateway:
        """A gateway that has been started, and may not be ready; `limits` by setting's name.

        `command` is what follows `python`: PATIENT, UNHURRIED, or what the gateway has.
        """
        log = self.folder / f"gateway-{len(self.gateways) + 1}.log"
        gateway = Gateway(self._environ | _variables(limits), log, command)
        self.gateways.append(gateway)
        gateway.launch()
        return gateway

    async def start(self, command: tuple[str, ...] | None = None, **limits: object) -> Gateway:
        """A gateway that is ready; see `launch`."""
        gateway = self.launch(command, **limits)
        await gateway.ready()
        return gateway

    def launch_consumer(
        self, name: str, store: str, command: str = "chargewire consume", **limits: object
    ) -> "Consumer":
        """A consumer that has been started; `store` is the URL of its database."""
        log = self.folder / f"{name}-{len(self.consumers) + 1}.log"
        variables = _variables(limits | {"store": store})
        consumer = Consumer(name, self._environ | variables, log, command)
        self.consumers.append(consumer)
        consumer.launch()
        return consumer

    async def consume(self, name: str, store: str, **limits: object) -> "Consumer":
        """A consumer that has caught up with the log; `store` is the URL of its database."""
        consumer = self.launch_consumer(name, store, **limits)
        await consumer.ready()
        return consumer

    async def connect(self, gateway: Gateway, name: str, *rest: Any, **options: Any) -> Station:
        """A station at the gateway, as Station.connect; its socket ends with the test."""
        station = await Station.connect(gateway.url, name, *rest, **options)
        self._stations.append(station)
        return station

    async def log(self, *topics: str) -> list[Logged]:
        """All that is in these topics (all, where none is named) now; see `read`."""
        return await read(self.bootstrap, self.prefix, topics or tuple(TOPICS))

    async def logged(
        self,
        enough: Callable[[list[Logged]], object],
        *topics: str,
        timeout_s: float = PATIENCE_S,
    ) -> list[Logged]:
        """What is in these topics as soon as it is enough. Raises TimeoutError."""

        async def found() -> list[Logged] | None:
            records = await self.log(*topics)
            return records if enough(records) else None

        records: list[Logged] = await until(found, "not in the log", timeout_s)
        return records

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for program in (*self.gateways, *self.consumers):
            program.kill()
        for station in self._stations:
            station.abort()
        await asyncio.gather(*(station.closed() for station in self._stations))
        if error is not None:
            for program in (*self.gateways, *self.consumers):
                error.add_note(f"{program.log.name}:\n{program.said()[-2000:]}")


def _variables(limits: dict[str, object]) -> dict[str, str]:
    return {f"CHARGEWIRE_{name.upper()}": str(value) for name, value in limits.items()}


def wanted_topics(prefix: str, replication: int = 1) -> dict[str, Layout]:
    """Full name -> layout of the topics that a test has."""
    return layouts(prefix, partitions=PARTITIONS, replication=replication)


async def apply_topics(bootstrap: str, prefix: str, replication: int = 1) -> None:
    """Make all topics below a prefix."""
    settings = KafkaSettings(kafka=bootstrap, prefix=prefix, partitions=PARTITIONS)
    await admin.apply(settings, plan({}, wanted_topics(prefix, replication)))


async def read(
    bootstrap: str, prefix: str, topics: Sequence[str], numbers: Iterable[int] = range(PARTITIONS)
) -> list[Logged]:
    """Topics from their beginning to where they end now, by topic, partition and position.

    `numbers` are the partitions: a station's frames are all in one.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(prefix + name, n) for n in numbers for name in topics]
        ends = await consumer.end_offsets(places)
        left = {at for at, end in ends.items() if end > 0}
        if not left:
            return []
        consumer.assign(sorted(left))
        await consumer.seek_to_beginning()
        found = []
        while left:
            for at, batch in (await consumer.getmany(timeout_ms=100)).items():
                found += [_logged(at.topic.removeprefix(prefix), one) for one in batch]
            left -= {at for at in left if await consumer.position(at) >= ends[at]}
        return sorted(found, key=lambda one: (one.topic, one.partition, one.offset))
    finally:
        await consumer.stop()


def _logged(topic: str, one: Any) -> Logged:
    record: dict[str, Any] = {}
    if one.value is not None:
        name, record = CODEC.decode(one.value)
        assert name == topic, "a record has the schema of its topic"
    place = topic, one.partition, one.offset, one.key, one.value
    return Logged(*place, tuple(one.headers), one.timestamp, record)


async def send(bootstrap: str, prefix: str, topic: str, key: str, **record: object) -> None:
    """Put one record into a topic, as another team's service does."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(prefix + topic, CODEC.encode(topic, record), key.encode())
    finally:
        await producer.stop()
