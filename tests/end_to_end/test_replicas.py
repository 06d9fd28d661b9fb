"""Topics as in production, on three brokers, of which one is lost, and then another."""

import asyncio
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.end_to_end.gateways import Fleet, until
from tests.end_to_end.load import Load
from tests.end_to_end.test_faults import answers_503, audited, ended

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

STATIONS = 9


async def test_brokers_are_lost(cluster: Cluster, prefix: str, tmp_path: Path) -> None:
    """Without one of three, all goes on; without two nothing is answered until one is back."""
    async with Fleet(cluster.bootstrap, prefix, tmp_path, allow_single_replica="false") as fleet:
        await fleet.topics(replication=3)
        gateway = await fleet.start()
        async with Load(STATIONS, gateway.url) as load:
            await load.goes_on(10)
            await asyncio.to_thread(cluster.brokers[2].kill)
            await load.goes_on(40, 60)
            assert load.closes == []
            await asyncio.to_thread(cluster.brokers[1].kill)
            await until(lambda: answers_503(gateway), "it does not notice", 60)
            heard = load.heard
            await load.until(lambda: len(load.refusals) > STATIONS, "they do not try", 60)
            assert load.heard == heard, "one replica alone is no durability"
            await cluster.brokers[2].start()
            await load.goes_on(20, 90)
        await ended(gateway, 35)
        await audited(fleet, load)
        assert all(s.entry.answer is None or s.entry.answer[0] == 3 for s in load.books)
