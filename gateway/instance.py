"""A gateway's life: composed, begun once Kafka will do, drained, ended when all is flushed."""

import asyncio
import platform
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog
from aiokafka.errors import KafkaError

from gateway import vitals
from gateway.certificates import Certificates
from gateway.config import Config
from gateway.delivery import Delivery
from gateway.dispatch import Dispatch
from gateway.inbound import Inbound
from gateway.metrics import Metrics
from gateway.notices import Notices
from gateway.policy import Policies
from gateway.producer import Producer
from gateway.server import Server
from gateway.tls import door
from gateway.vault import Vault
from programs import loop_lag, registry, tracing
from programs.about import VERSION
from programs.addresses import address
from programs.kafka import admin
from programs.kafka import clients as kafka_clients
from programs.kafka.clients import Probe
from programs.kafka.copies import Copies
from programs.kafka.tls import TlsFileError
from schemas.codec import Codec
from schemas.topics import RECORD_PER_FRAME, partition

log = structlog.get_logger("gateway")

ALIVE_EVERY_S = 5.0
RETRY_EVERY_S = 2.0
FLUSH_SHARE = 0.2  # of the drain time, for what is left in the producer at the end

# Accepted sockets inherit these: a station that vanished is noticed after about two minutes, also
# where pings are off, or an answer to it is never acknowledged by its side (RFC 5482).
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (
            ("TCP_KEEPIDLE", 60),
            ("TCP_KEEPINTVL", 20),
            ("TCP_KEEPCNT", 3),
            ("TCP_USER_TIMEOUT", 120_000),
        )
        if hasattr(socket, name)  # Linux has all of them
    ),
)

T = TypeVar("T")


class UnfitError(Exception):
    """The gateway must not start like this; `problems` says why, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Instance:
    """Puts the parts together; `run` returns the exit code, `unready` says why not (yet)."""

    def __init__(self, config: Config, worker: str, metrics: Metrics) -> None:
        host = config.instance or platform.node() or "gateway"
        # Never the same twice: a gateway that was killed must be seen to be gone.
        self.name = "-".join(part for part in (host, worker, secrets.token_hex(3)) if part)
        self._config = config
        self._metrics = metrics
        self._started_ms = _now_ms()
        self._state = "starting"
        metrics.number("build_info", VERSION).value = 1
        metrics.watch("ready", lambda: not self.unready())
        for name in ("connections_max", "handshakes_max", "events_in_flight_max"):
            metrics.number(name).value = getattr(config, name)
        for name, value in vitals.watched().items():
            metrics.watch(name, value)
        self._codec: Codec
        self._notices: Notices
        self._producer: Producer
        self._inbound: Inbound
        self._copies: Copies
        self._server: Server
        self._certificates: Certificates | None = None
        self._vault = Vault(config.secrets)
        self._delivery: Delivery
        self._tracing: tracing.Tracing | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def unready(self) -> list[str]:
        """Reasons why no station should come here now; none of them: ready."""
        if self._state != "ready":
            return [self._state]
        reasons = []
        if self._producer.state != "ready":
            reasons.append("outage: Kafka does not acknowledge")
        if not self._inbound.ready:
            reasons.append("inbound: the log is not being read")
        return reasons

    async def run(self, stop: asyncio.Event) -> int:
        """Start, serve until `stop`, end in order. 0, or 1 where it must not start."""
        try:
            listening = await _unless(stop, self._start())
        except UnfitError as error:
            for problem in error.problems:
                log.error("cannot start", problem=problem)
            return 1
        if listening is not None:
            self._state = "ready"
            log.info("ready", gateway=self.name, listen=self._config.listen)
            await stop.wait()
            await self._end(listening)
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.close)
        log.info("ended", gateway=self.name)
        return 0

    async def _start(self) -> asyncio.Server:
        config = self._config
        try:
            self._certificates = Certificates(config) if config.tls_certificate else None
        except TlsFileError as error:
            raise UnfitError([str(error)]) from None
        self._state = "starting: waiting for Kafka"
        await self._checked()
        try:
            await registry.resolve(config)
            self._codec = await registry.codec(config)
            self._codec.prepare()
        except registry.RegistryError as error:
            raise UnfitError([str(error)]) from None
        self._build()
        await self._producer.start()
        self._state = "starting: reading the log"
        await self._inbound.start()
        host, port = address(config.listen)
        try:
            listening = await asyncio.get_running_loop().create_server(
                door(self._server, self._certificates),
                host or None,
                port,
                reuse_port=config.workers > 1,
                backlog=4096,
            )
        except OSError as error:
            raise UnfitError([f"CHARGEWIRE_LISTEN={config.listen}: {error.strerror}"]) from None
        for listener in listening.sockets:
            for level, option, value in KEEPALIVE:
                listener.setsockopt(level, option, value)
        self._tasks += [
            asyncio.create_task(self._stay_alive()),
            *([asyncio.create_task(made.follow())] if (made := self._certificates) else []),
            asyncio.create_task(loop_lag.measure(self._metrics.spread("loop_lag_seconds").observe)),
        ]
        return listening

    async def _checked(self) -> None:
        """Wait for Kafka, then make sure that what it acknowledges is safe with it."""
        config = self._config
        while True:
            try:
                problems = await admin.unfit(
                    config, allow_single_replica=config.allow_single_replica
                )
            except (KafkaError, OSError) as error:
                log.warning("Kafka is not there yet", kafka=config.kafka, error=repr(error))
                await asyncio.sleep(RETRY_EVERY_S)  # a pause between attempts
                continue
            if problems:
                raise UnfitError(problems)
            return

    def _build(self) -> None:
        config, loop, metrics = self._config, asyncio.get_running_loop(), self._metrics
        self._tracing = tracing.begun(config, "chargewire-gateway", self.name)
        options = config.client_options()
        self._notices = Notices(config, self.name, self._codec.encode, self._started_ms)
        connect = partial(
            kafka_clients.open_producer,
            options,
            frame_limit_bytes=config.frame_limit_bytes,
            ack_time_s=config.ack_time_s,
        )
        self._producer = Producer(
            connect=connect,
            probe=self._alive,
            ack_time_s=config.ack_time_s,
            record_bytes_max=RECORD_PER_FRAME * config.frame_limit_bytes - 4096,
            low_water=config.events_in_flight_max // 2,
            on_outage=self._outage,
            on_drained=lambda: self._server.room(),  # noqa: PLW0108 - made below
            observe_ack_s=metrics.acknowledged,
        )
        dispatch = Dispatch(
            decode=self._codec.decode,
            holds=lambda key: self._server.router.holds(key),  # noqa: PLW0108 - made below
            partition_of=lambda key: partition(key, config.partitions),
            on_connection=lambda *read: self._delivery.connection(*read),  # noqa: PLW0108
            on_decision=lambda *read: self._delivery.decision(*read),  # noqa: PLW0108
            on_command=lambda *read: self._delivery.command(*read),  # noqa: PLW0108
            on_station=lambda key: self._delivery.station(key),  # noqa: PLW0108
        )
        self._inbound = Inbound(
            connect=partial(
                kafka_clients.open_consumer,
                options,
                frame_limit_bytes=config.frame_limit_bytes,
                gather_ms=config.gather_ms,
            ),
            learn=partial(registry.learn, self._codec, config),
            dispatch=dispatch,
            partitions=config.partitions,
            prefix=config.prefix,
        )
        self._copies = Copies(
            connect=connect,
            prefix=config.prefix,
            count=lambda outcome: metrics.count("copies", outcome),
        )
        self._server = Server(
            config=config,
            producer=self._producer,
            encode=self._codec.encode,
            notices=self._notices,
            policies=Policies(config, dispatch.stations, self._vault),
            metrics=metrics,
            copies=self._copies,
            loop=loop,
            tracing=self._tracing,
        )
        self._delivery = Delivery(
            router=self._server.router,
            policies=self._server.policies,
            newest=self._server.newest,
            now=self._server.now,
            follow=self._server.spans.follow,
        )
        for name, value in self._watched(dispatch).items():
            metrics.watch(name, value)

    def _watched(self, dispatch: Dispatch) -> dict[str, Callable[[], float]]:
        """Metrics that are the state of a part, read when somebody looks."""
        producer, server, inbound = self._producer, self._server, self._inbound
        certificates = self._certificates
        return {
            "handshakes": lambda: len(server.opening),
            "certificates_broken": lambda: bool(certificates and certificates.broken),
            "certificates_expiring": lambda: bool(certificates and certificates.expiring),
            "paused": lambda: len(server.held),
            "events_in_flight": lambda: producer.in_flight,
            "events_acknowledged": lambda: producer.acknowledged,
            "events_unknown": lambda: producer.unknown,
            "batches": lambda: producer.batches,
            "disconnects_kept": lambda: producer.kept,
            "disconnects_dropped": lambda: producer.dropped,
            "outage": lambda: producer.state == "outage",
            "outages": lambda: producer.failures,
            "tail_lag": lambda: inbound.lag,
            "tail_restarts": lambda: inbound.restarts,
            "tail_lost": lambda: inbound.out_of_range,
            "misrouted": lambda: dispatch.misrouted,
            "unreadable": lambda: dispatch.broken,
            "secrets_missing": lambda: self._vault.missing,
            "spans": lambda: server.spans.made,
            "spans_sent": lambda: server.spans.sent,
        }

    def _outage(self) -> None:
        """The bus is gone: what waits was closed; the rest is, when the outage lasts."""
        wait_s = self._config.outage_time_s - self._config.ack_time_s
        since_s = self._producer.outage_since
        asyncio.get_running_loop().call_later(wait_s, self._judge_outage, since_s)

    def _judge_outage(self, since_s: float | None) -> None:
        if self._producer.outage_since == since_s:  # not another one, that has begun since
            log.error("the outage lasts: all stations are sent away")
            self._server.close_all(1013, "outage")

    def _alive(self) -> Probe:
        state = self._state.partition(":")[0]
        return self._notices.alive(state, self._server.connections, _now_ms())

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(ALIVE_EVERY_S)
            self._producer.record(*self._alive(), lambda _: None)

    async def _end(self, listening: asyncio.Server) -> None:
        self._state = "stopping"
        listening.close()
        await self._server.drain()
        for task in self._tasks:  # no sign of life after the last
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._producer.record(*self._notices.gone(_now_ms()), lambda _: None)
        lost, _ = await asyncio.gather(
            self._producer.stop(self._config.drain_time_s * FLUSH_SHARE), self._inbound.stop()
        )
        await self._copies.stop()
        if lost:
            log.error("events were not acknowledged before the end", events=lost)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _unless(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """The result of the work, or None when `stop` comes first; then the work is cancelled."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when="FIRST_COMPLETED")
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return None
