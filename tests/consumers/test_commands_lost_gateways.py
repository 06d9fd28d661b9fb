"""The connections of gateways that are gone are closed in the log, by who owns their stations."""

import asyncio
import time
from contextlib import asynccontextmanager
from functools import partial

import pytest

from consumers.commands.gateway_watch import GatewayWatch
from consumers.commands.lost_gateways import LostGateways, sequel
from consumers.commands.projection import CONSUMER
from consumers.commands.signs import Signs
from consumers.config import Config
from consumers.metrics import Metrics
from consumers.sequels.running import Parts
from programs.kafka import clients as kafka_clients
from tests.consumers.arbitrating import connected, disconnected
from tests.consumers.test_commands_arbiter import HOME, PARTITIONS, telling
from tests.consumers.test_log_runner import until
from tests.consumers.written import CODEC, Log


class Watch:
    """In the place of one that reads: what it has heard is told."""

    def __init__(self, *alive, known=True):
        self.signs, self.are_known, self.alive = self, known, set(alive)

    async def look(self):
        pass


async def _closing(url):
    async with telling(url) as told:
        await told.read(connected(5, "gw-1"))
        for watch in (Watch("gw-1"), Watch(known=False)):
            await LostGateways(told.parts, watch).woken({HOME: None})
        await LostGateways(told.parts, Watch()).woken({HOME + 1: None})
        assert told.sent.records == []
        lost = LostGateways(told.parts, Watch("gw-2"))
        await lost.woken({HOME: None})
        await lost.woken({HOME: None})
        ((topic, record),) = told.sent.records
        assert (topic, record["type"], record["reason"]) == (
            *("connections", "disconnected", "gateway_lost"),
        )
        assert (record["epoch"], record["gateway"], record["connection_id"]) == (5, "gw-1", "c-5")
        assert record["sequence"] is None
        for name in ("gateways", "connections"):
            counted = f"chargewire_commands_{name}_lost_total"
            assert told.parts.metrics.registry.get_sample_value(counted) == 1
        await told.read(disconnected(6, 5, "gateway_lost"))
        await LostGateways(told.parts, Watch("gw-2")).woken({HOME: None})
        assert len(told.sent.records) == 1


async def test_what_it_left_open_is_closed_in_a_file(tmp_path):
    """Once, with its epoch; never those of one that is there, nor before anything is known."""
    await _closing(f"sqlite:///{tmp_path}/store.db")


@pytest.mark.postgres
async def test_what_it_left_open_is_closed_in_a_server(postgres):
    """As in a file."""
    await _closing(postgres)


@asynccontextmanager
async def watching(kafka, prefix, **settings):
    """A watch on a real topic, and what writes signs to it."""
    connect = partial(
        kafka_clients.open_consumer,
        {"bootstrap_servers": kafka.bootstrap},
        frame_limit_bytes=262_144,
    )
    topic = {"topic": f"{prefix}gateways", "partitions": PARTITIONS}
    watch = GatewayWatch(connect=connect, signs=Signs(15.0), **topic, **settings)
    async with Log(kafka.bootstrap, prefix, PARTITIONS) as log:
        await log.topics(["gateways"])
        try:
            yield watch, log
        finally:
            await watch.close()


@pytest.mark.kafka
async def test_every_gateway_is_heard_whatever_its_partition(kafka, prefix):
    """From the beginning of the topic, farewells too; and the log itself goes on being heard."""
    async with watching(kafka, prefix) as (watch, log):
        names = {f"gw-{number}" for number in range(9)}
        for name in names:
            await log.put("gateways", name.encode(), None)
        await log.flush()
        end_s = time.monotonic() + 60
        while watch.signs.alive != names and time.monotonic() < end_s:
            await watch.look()
            await asyncio.sleep(0.05)
        assert watch.signs.alive == names
        await asyncio.sleep(1)  # what has to pass is time itself
        await until(lambda: watch._silent_s(watch._consumer) < 1)


@pytest.mark.kafka
async def test_a_watch_begins_anew_after_a_failure(kafka, prefix):
    """Also where the topic was not there at first."""
    async with watching(kafka, prefix) as (watch, log):
        places, watch._places = watch._places, [watch._places[0]._replace(topic=f"{prefix}none")]
        with pytest.raises(Exception, match="none"):
            await watch.look()
        watch._places = places
        await log.put("gateways", b"gw", None)
        await log.flush()
        while not watch.signs.alive:
            await watch.look()
            await asyncio.sleep(0.05)


async def test_the_settings_are_heeded():
    """How long a gateway may be silent."""
    config = Config(kafka="127.0.0.1:1", gateway_lost_s=30)
    parts = Parts(config, None, CODEC, None, Metrics(CONSUMER.name), lambda: 0)
    assert sequel(parts)._watch.signs.lost_after_s == 30
