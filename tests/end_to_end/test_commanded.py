"""Promise 5 while gateways, consumers, the broker and stations come and go."""

from pathlib import Path

import pytest

from deploy.local.kafka import Broker
from tests.end_to_end.commanded import tried

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow]


async def test_every_command_ends_once_and_reaches_its_station_at_most_once(
    broker: Broker, prefix: str, tmp_path: Path, postgres: str
) -> None:
    """A hundred stations, six hundred commands, two gateways and two consumers: kill -9 and SIGSTOP
    of gateways, kill -9 of consumers and once of the broker, stations that leave."""
    account, done = await tried(
        *(broker, prefix, tmp_path, postgres), stations=100, commands=600, over_s=40, seed=7
    )
    assert account.outcomes.total() > 570
    assert account.outcomes["answered"] > 60
    assert done["broker"] == 1
