"""Several Kafka brokers, for the faults that one alone cannot have."""

import asyncio
from pathlib import Path

from deploy.local.kafka import Broker, Quorum, new_cluster_id
from deploy.local.ports import free_port

NEVER_FENCED = {"broker.session.timeout.ms": "3600000"}
"""For a broker alone that is never started again.

Its controller, which is the same process, would take it for dead when the machine stands still for
nine seconds: then all its partitions are without a leader, and its groups are to be loaded.
"""

SOON_FENCED = {"broker.heartbeat.interval.ms": "500", "broker.session.timeout.ms": "3000"}
"""For one that is killed: it is known to be dead, and let in again, after three seconds, not 9."""


class Cluster:
    """Several brokers, the first of which is also the only controller.

    With one of the others killed, a partition whose only replica was there has no leader within
    about three seconds, and the rest works on.
    """

    def __init__(self, data: Path, brokers: int = 3) -> None:
        quorum = Quorum(new_cluster_id(), controller_node=1, controller_port=free_port())
        self.brokers = tuple(
            Broker(data / f"node-{node}", 0, node, quorum=quorum, options=SOON_FENCED)
            for node in range(1, brokers + 1)
        )

    @property
    def bootstrap(self) -> str:
        return ",".join(broker.bootstrap for broker in self.brokers)

    async def start(self) -> None:
        """Start all; returns when each takes requests. Raises as Broker.start."""
        await self.brokers[0].fetch()  # before three of them do it at once
        try:
            await asyncio.gather(*(broker.start() for broker in self.brokers))
        except BaseException:
            self.kill()
            raise

    async def stop(self) -> None:
        """End all in good order, the controller last: the others take their leave of it."""
        first, *others = self.brokers
        await asyncio.gather(*(broker.stop() for broker in others))
        await first.stop()

    def kill(self) -> None:
        for broker in self.brokers:
            broker.kill()
