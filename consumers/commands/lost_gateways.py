"""Closes the connections of gateways that are gone, in the log: nobody else would ever do it."""

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial

import structlog

from consumers.commands import arbiter_rows
from consumers.commands.arbiter_records import disconnected
from consumers.commands.gateway_watch import GatewayWatch
from consumers.commands.once import Once
from consumers.commands.signs import Signs
from consumers.sequels.running import FactsOf, Parts
from consumers.stores.changes import Ownership
from programs.kafka import clients as kafka_clients
from schemas.topics import partition

log = structlog.get_logger(__name__)


def sequel(parts: Parts, clock: Callable[[], float] = time.monotonic) -> "LostGateways":
    """The sequel of the consumer `commands` that watches gateways."""
    config = parts.config
    connect = partial(
        kafka_clients.open_consumer,
        config.client_options(),
        frame_limit_bytes=config.frame_limit_bytes,
    )
    watch = GatewayWatch(
        connect=connect,
        topic=f"{config.prefix}gateways",
        partitions=config.partitions,
        signs=Signs(config.gateway_lost_s),
        clock=clock,
    )
    return LostGateways(parts, watch)


class LostGateways:
    """A sequel: each instance watches all gateways, and closes connections of its own stations."""

    def __init__(self, parts: Parts, watch: GatewayWatch) -> None:
        self._parts = parts
        self._once = Once(parts.producer)
        self._watch = watch
        self._lost: set[str] = set()  # those that were counted
        self._gateways = parts.metrics.counter("commands_gateways_lost")
        self._connections = parts.metrics.counter("commands_connections_lost")

    async def committed(self, facts: FactsOf) -> None:
        """There is no hurry."""

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        """Close what was left open. Raises what Store and Producer raise; KafkaError, OSError."""
        await self._watch.look()
        if owned and self._watch.signs.are_known:
            await self._close(owned.keys(), self._watch.signs.alive)

    async def close(self) -> None:
        """Stop watching."""
        await self._watch.close()

    async def _close(self, numbers: Collection[int], alive: Collection[str]) -> None:
        after, now_ms = "", self._parts.now_ms()
        partitions, found = self._parts.config.partitions, set()
        while True:
            page = await arbiter_rows.held_by_none_of(self._parts.store, alive, after)
            mine = [
                row for row in page if partition(row["station"].encode(), partitions) in numbers
            ]
            found |= {row["gateway"] for row in mine}
            closing = [disconnected(row, now_ms) for row in mine]
            self._connections.inc(len(await self._once.write(closing, now_ms)))
            if len(page) < arbiter_rows.PAGE:
                break
            after = page[-1]["station"]
        for gateway in found - self._lost:
            self._gateways.inc()
            log.warning("a gateway is gone: its connections are closed", gateway=gateway)
        self._lost = found
