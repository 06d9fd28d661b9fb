"""Topics as in production, on three brokers, of which one is lost, and then another."""

import asyncio
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.end_to_end.gateways import PATIENT, Fleet, until
from tests.end_to_end.load import Load
from tests.end_to_end.test_faults import answers_503, audited
from tests.station import PATIENCE_S

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

STATIONS = 9


async def test_brokers_are_lost(cluster: Cluster, prefix: str, tmp_path: Path) -> None:
    """Without one of three, all goes on; without two nothing is answered until one is back."""
    async with Fleet(cluster.bootstrap, prefix, tmp_path, allow_single_replica="false") as fleet:
        await fleet.topics(replication=3)
        # How long it takes until another leads is no matter here, so the first has all the time.
        patient, gateway = await fleet.start(PATIENT), await fleet.start()
        async with Load(STATIONS, patient.url, label="patient") as before:
            await before.goes_on(10)
            await asyncio.to_thread(cluster.brokers[2].kill)
            await before.goes_on(40)
            assert before.closes == []
        patient.terminate()
        assert await patient.ended() == 0
        async with Load(STATIONS, gateway.url) as load:
            await load.goes_on(10)
            await asyncio.to_thread(cluster.brokers[1].kill)
            await until(lambda: answers_503(gateway), "it does not notice", 3 * PATIENCE_S)
            heard = load.heard
            await load.until(lambda: len(load.refusals) > STATIONS, "they do not try")
            assert load.heard == heard, "one replica alone is no durability"
            await cluster.brokers[2].start()
            await load.goes_on(20)
        gateway.terminate()
        assert await gateway.ended() == 0
        load.stations += before.stations
        await audited(fleet, load)
        assert all(s.entry.answer is None or s.entry.answer[0] == 3 for s in load.books)
