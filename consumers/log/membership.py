"""Which partition numbers the group gives us: the word of Kafka, not yet that of the store."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from programs.kafka.clients import discard

# Of each of dozens of partitions that much may wait here unread, so it is little; a record that is
# larger comes all the same, alone (KIP-74).
FETCH_BYTES = 262_144
REVOKE_TIME_S = 8.0  # the group waits 10 s for its members


async def open_member(options: Mapping[str, object], *, group: str) -> AIOKafkaConsumer:
    """A started consumer in a group, which never chooses or commits a position by itself.

    Raises KafkaError or OSError when no broker is reached.
    """
    consumer = AIOKafkaConsumer(
        **dict(options),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=500,
        # Equal counts of partitions make equal numbers of all topics come together.
        partition_assignment_strategy=(RangePartitionAssignor,),
    )
    try:
        await consumer.start()
    except BaseException:
        await discard(consumer, grace_s=0)
        raise
    return consumer


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """Listens to one consumer's group. `version` rises with every change; `folding` is a lock.

    Who folds holds `folding` until the commit is through: so partitions are given up between two
    commits, and a successor seldom has to fence.
    """

    def __init__(self, topics: Collection[str], folding: asyncio.Lock) -> None:
        self._topics = len(topics)
        self.version = 0
        self.folding = folding
        self.assigned: frozenset[TopicPartition] = frozenset()

    @property
    def numbers(self) -> list[int]:
        """The numbers of which all topics are ours.

        While instances of different versions run side by side, and know different topics, a number
        may be torn; then nobody folds it until the older ones have ended.
        """
        found = Counter(at.partition for at in self.assigned)
        return sorted(number for number, topics in found.items() if topics == self._topics)

    @property
    def torn(self) -> list[int]:
        """The numbers of which only some topics are ours."""
        return sorted({at.partition for at in self.assigned} - {*self.numbers})

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Called before a rebalance; waits for a commit that is under way, but not for long."""
        self.version += 1
        self.assigned = frozenset()
        try:
            async with asyncio.timeout(REVOKE_TIME_S):
                async with self.folding:
                    return
        except TimeoutError:
            return  # then it is fenced

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called after a rebalance."""
        self.version += 1
        self.assigned = frozenset(assigned)
