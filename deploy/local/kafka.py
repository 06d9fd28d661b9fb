"""A real Apache Kafka on this machine, its data in a folder of ours.

One process is broker and controller (KRaft), reachable from this machine only, with replication 1:
for a first look, for development and for tests. Acknowledged records outlive kill -9 of the broker,
not a power cut: Kafka's answer to that is replicas, of which there are none here.
"""

import asyncio
import base64
import fcntl
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import artifacts, java, ports, starting
from deploy.local.process import Process

_HERE = Path(__file__).parent
_JAVA_MINIMUM = 17  # Kafka 4's, for brokers
_FORMAT_TIME_S = 180  # some seconds, unless the machine is very busy
_STOP_TIME_S = 30
# One broker cannot hold more replicas than one; one partition of each internal topic is enough for
# one machine. The index limit is what Kafka allocates (sparse) for each of hundreds of segments.
_SMALL = {
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "log.index.size.max.bytes": "1048576",
}


class BrokerError(Exception):
    """The broker cannot be started; the text says what to do."""


def new_cluster_id() -> str:
    """22 characters, as Kafka writes UUIDs; its tools take a leading `-` for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode()
        if not text.startswith("-"):
            return text


@dataclass(frozen=True, slots=True)
class Quorum:
    """Which cluster a broker is of, and where that one's only controller is."""

    cluster_id: str
    controller_node: int
    controller_port: int


@dataclass(slots=True)
class Broker:
    """One Kafka broker; everything that it keeps is below `data`.

    `port` 0 is a free one, chosen once: it stays the same over restarts. `cache` holds the jars,
    `options` are Kafka's broker settings by Kafka's names. `progress` is told of the first
    download, and of a long start, line by line. With `quorum` it is a member of that cluster,
    otherwise its own.
    """

    data: Path
    port: int = 9092
    node: int = 1
    heap_mb: int = 256
    quorum: Quorum | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    cache: Path = field(default_factory=artifacts.default_cache)
    progress: Callable[[str], None] = artifacts.report
    _process: Process | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.port = self.port or ports.free_port()

    @property
    def bootstrap(self) -> str:
        """host:port, as Kafka clients want it."""
        return f"{ports.HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process is there; also while it is paused."""
        return self._process is not None and self._process.exit_code is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Return when it takes requests. Raises BrokerError, java.JavaError, artifacts.FetchError.

        Needs the network only when the jars are not in the cache. May be called again after an end
        of whatever kind, from any event loop, in a thread that lives as long as the broker.
        """
        assert not self.running
        if not ports.is_free(self.port):
            raise BrokerError(
                f"Port {self.port} on {ports.HOST} is in use, so Kafka cannot listen there. Is "
                "another Kafka (or another `make run`) running? Stop it or choose another port; "
                "0 takes a free one."
            )
        with self._claimed() as claim:
            await self._launch(claim)

    async def _launch(self, claim: int) -> None:
        runtime = java.find(_JAVA_MINIMUM)
        jars = await self.fetch()
        jvm = [
            *(f"-Xmx{self.heap_mb}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
            *("-cp", ":".join(map(str, jars))),
            f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}",
        ]
        settings = self._write_settings()
        await self._format(runtime, jvm, settings)
        self._process = Process(
            [runtime, *jvm, "kafka.Kafka", settings],
            log=self.data / "broker.log",
            keep=[claim],
        )
        try:
            if text := await starting.trouble(self._process, self.data, self.progress):
                raise BrokerError(text)
        except BaseException:
            self.kill()
            raise

    async def fetch(self) -> tuple[Path, ...]:
        """Kafka's jars, downloaded where the cache lacks them. Raises artifacts.FetchError."""
        locked = artifacts.read_lock((_HERE / "kafka.lock").read_text())
        return await asyncio.to_thread(
            artifacts.fetch, "Apache Kafka", locked, self.cache, self.progress
        )

    async def stop(self) -> None:
        """End it in good order: shut down, or killed when that takes more than 30 s."""
        if self._process is None:
            return
        self.resume()
        self._process.signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await self._process.ended(_STOP_TIME_S)
        self.kill()

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()

    def pause(self) -> None:
        """SIGSTOP: the sockets stay open and nobody answers."""
        if self._process is not None:
            self._process.pause()

    def resume(self) -> None:
        """SIGCONT: the end of a pause; nothing when there is none."""
        if self._process is not None:
            self._process.signal(signal.SIGCONT)

    @contextmanager
    def _claimed(self) -> Iterator[int]:
        """A lock on the data, as a file descriptor; held until each process that has it is gone.

        Kafka has one of its own, but takes it when its controller has already begun to write.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BrokerError(
                    f"{self.data} is in use by another Kafka. Stop it or choose another folder."
                ) from None
            yield file.fileno()

    def _write_settings(self) -> Path:
        """Kafka's configuration, written anew for each start: the ports may be others."""
        identity = self.data / "cluster.id"
        if not identity.exists():
            identity.write_text(self.quorum.cluster_id if self.quorum else new_cluster_id())
        quorum = self.quorum or Quorum(identity.read_text(), self.node, ports.free_port())
        controller = f"{ports.HOST}:{quorum.controller_port}"
        address = f"PLAINTEXT://{self.bootstrap}"
        controls = quorum.controller_node == self.node
        settings = {
            "process.roles": "broker,controller" if controls else "broker",
            "node.id": str(self.node),
            "controller.quorum.voters": f"{quorum.controller_node}@{controller}",
            "listeners": f"{address},CONTROLLER://{controller}" if controls else address,
            "advertised.listeners": address,
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.data.absolute() / "log"),
            "auto.create.topics.enable": "false",
            **_SMALL,
            **self.options,
        }
        path = self.data / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    async def _format(self, runtime: Path, jvm: list[str], settings: Path) -> None:
        """Make the log folder one of Kafka's, once."""
        if (self.data / "log" / "meta.properties").exists():
            return
        tool = Process(
            [
                runtime,
                *(*jvm, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format"),
                *("--cluster-id", (self.data / "cluster.id").read_text()),
                *("--config", str(settings), "--ignore-formatted"),
            ],
            log=self.data / "format.log",
        )
        try:
            code = await tool.ended(_FORMAT_TIME_S)
        finally:
            tool.kill()
        if code != 0:
            raise BrokerError(f"Kafka could not prepare {self.data}:\n{tool.output()[-2000:]}")
