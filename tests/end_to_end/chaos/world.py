"""All that runs in the chaos: Kafka, PostgreSQL, gateways, consumers, and the crowd of stations."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.days import TOKENS
from deploy.local.kafka import Broker
from deploy.local.process import Process
from deploy.local.seeds import seed as seed_tokens
from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas import records
from schemas.topics import layouts, plan
from tests.cluster import SOON_FENCED
from tests.end_to_end.chaos.crowd import Orders
from tests.end_to_end.chaos.disk import Disk
from tests.end_to_end.chaos.network import Network
from tests.end_to_end.gateways import PARTITIONS, Consumer, Fleet, Gateway
from tests.postgres import Postgres

PREFIX = "chaos."
HASTY = "tests.end_to_end.hasty"  # its group notices soon that it is dead
COMMAND = "chargewire consume"
NAMES = (
    "transactions",
    "meter-readings",
    "reservations",
    "authorizations",
    "stations",
    "commands",
)
READY_S = 300.0
END_S = 300.0
# A station gives up after 20 s; two acknowledgements and a decision have to fit into that.
LIMITS = {
    "ack_time_s": 8,
    "decision_time_s": 2,
    "outage_time_s": 10,
    "retry_after_s": 2,
    "call_time_s": 5,
    "command_hold_s": 1,
    "takeovers_per_minute": 1000,
    "decided": "Authorize,StartTransaction",
    "ping_interval_s": 15,
    "ping_time_s": 10,
}
PATIENCE = {
    "claim_wait_s": 2,
    "answer_wait_s": 20,
    "gateway_lost_s": 12,
    "local_lists": "off",
}
ANSWER_S = 20.0
# Every batch goes to the disk before it is acknowledged: otherwise a slow disk would not be felt.
BROKER = {
    **SOON_FENCED,
    "group.min.session.timeout.ms": "1000",
    "log.flush.interval.messages": "1",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is; `doubles` are the consumers of which there are two."""

    stations: int
    seconds: float
    gateways: int
    doubles: tuple[str, ...]
    pause_s: float
    every_s: float
    commands: int


@dataclass(slots=True)
class World:
    """What runs; `done` is what was begun and has to be ended, in its order."""

    size: Size
    seed: int
    folder: Path
    network: Network
    disk: Disk
    broker: Broker
    postgres: Postgres
    fleet: Fleet
    store: str = ""
    gateways: list[Gateway] = field(default_factory=list)
    consumers: list[Consumer] = field(default_factory=list)
    rolling: bool = False
    _crowd: Process | None = None
    _orders: Orders | None = None

    async def begin(self) -> None:
        """Everything is up, and the stations come."""
        self.postgres.start()
        self.disk.take(self.postgres.pid)
        await self.broker.start()
        self.disk.take(self.broker.pid)
        self.network.over("Kafka", [self.broker.port])
        settings = KafkaSettings(kafka=self.broker.bootstrap, prefix=PREFIX, partitions=PARTITIONS)
        made = {"partitions": PARTITIONS, "replication": 1}
        await admin.apply(settings, plan({}, layouts(PREFIX, tables=records.TABLES, **made)))
        await seed_tokens(settings)
        self.store = await self.postgres.database()
        self.gateways = [self.fleet.launch(**LIMITS) for _ in range(self.size.gateways)]
        self.network.over("stations", [gateway.port for gateway in self.gateways])
        twice = [name for name in NAMES if name in self.size.doubles]
        for name in (*NAMES, *twice):
            self.consumers.append(self._consumer(name))
        await self.ready()
        self._come()

    def _consumer(self, name: str) -> Consumer:
        patience = PATIENCE if name in ("commands", "authorizations") else {}
        command = HASTY if name in ("transactions", "meter-readings") else COMMAND
        return self.fleet.launch_consumer(name, self.store, command, **patience)

    async def ready(self) -> None:
        """All programs are there and do their work. Raises TimeoutError."""
        for program in (*self.gateways, *self.consumers):
            await program.ready(READY_S)

    def _come(self) -> None:
        folder = self.folder / "stations"
        folder.mkdir()
        self._orders = Orders(
            str(folder),
            [gateway.url for gateway in self.gateways],
            self.size.stations,
            list(TOKENS),
            self.seed,
            self.size.pause_s,
            ANSWER_S,
        )
        module = "tests.end_to_end.chaos.crowd"
        command = [sys.executable, "-m", module, str(self._orders.written())]
        self._crowd = Process(command, log=folder / "log")

    @property
    def books(self) -> Path:
        assert self._orders is not None
        return self._orders.books

    def crowd(self) -> dict[str, Any]:
        """How the stations are, of a second ago; zeros at first. AssertionError: they died."""
        nothing = dict.fromkeys(("connected", "answers", "unanswered", "waiting", "over"), 0)
        if self._crowd is None or self._orders is None:
            return nothing
        code = self._crowd.exit_code
        assert code in (None, 0), (
            f"the stations' process has ended:\n{self._crowd.output()[-3000:]}"
        )
        try:
            told: dict[str, Any] = json.loads(self._orders.state.read_text())
        except FileNotFoundError:
            return nothing
        return told

    async def close(self, timeout_s: float) -> None:
        """Closing time: the stations end what they have begun. Raises TimeoutError."""
        assert self._crowd is not None
        self._crowd.signal(signal.SIGTERM)
        end_s = time.monotonic() + timeout_s
        while self._crowd.exit_code is None:
            if time.monotonic() > end_s:
                raise TimeoutError(f"not all is confirmed after {timeout_s:.0f} s: {self.crowd()}")
            await asyncio.sleep(0.1)
        self.crowd()

    async def end(self, programs: Sequence[Gateway]) -> list[str]:
        """SIGTERM to all of them; what was wrong with their ends."""
        for program in programs:
            program.terminate()
        wrong = []
        for program in programs:
            code = await program.ended(END_S)
            if code != 0:
                wrong.append(f"{program.log.name} ended with {code}")
        return wrong

    def remove(self) -> None:
        """Whatever is left, at once."""
        if self._crowd is not None:
            self._crowd.kill()
        self.broker.kill()
        self.postgres.remove()
        self.disk.remove()
