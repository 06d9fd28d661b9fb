"""Where reading goes on, and what keeps it from going on."""

from collections.abc import Mapping

import structlog
from aiokafka import TopicPartition

from consumers.log.membership import Membership

JOINING = "joining the group"
_STANDING_BY = "standing by: other instances have all partitions"

log = structlog.get_logger(__name__)


class LogCutError(Exception):
    """The log ends before what is in the tables already: it is another one, or has lost records."""


def obstacle(
    membership: Membership, there: Mapping[str, int], *, partitions: int, single: bool
) -> str:
    """Why nothing can be read of what the group has given us; empty: it can.

    `there` is how many partitions each topic has, `partitions` how many it should have. A `single`
    store is for one instance.
    """
    numbers = membership.numbers
    if not membership.assigned:
        # A new member hears nothing before the first rebalance that it is in.
        return _STANDING_BY if membership.version else JOINING
    if membership.torn:
        log.warning("partitions are torn between versions", partitions=membership.torn)
        if not numbers:
            return "waiting for instances of another version to end"
    for topic, found in there.items():
        if found != partitions:
            log.error("wrong CHARGEWIRE_PARTITIONS", topic=topic, partitions=found)
            return f"{topic} has {found} partitions, not {partitions}"
    if single and len(numbers) < partitions:
        log.error("a file is for one instance, and there are others in the group")
        return "waiting for other instances to end: SQLite is for one"
    return ""


def beginning(at: TopicPartition, stored: int | None, begin: int, end: int) -> tuple[int, bool]:
    """The offset to read on from, and whether records are lost; never are they taken for read.

    `stored` is where the tables are, the log has what is from `begin` to before `end`. Raises
    LogCutError.
    """
    if stored is None:
        if begin:
            log.warning("the log no longer has its beginning", earliest=begin, **at._asdict())
        return begin, False
    if stored < begin:
        log.error("records lost unread", position=stored, earliest=begin, **at._asdict())
        return begin, True
    if stored > end:
        raise LogCutError(
            f"{at.topic}, partition {at.partition} ends at {end}, but the tables have what was up "
            f"to {stored}. Is it another Kafka? Then --rebuild"
        )
    return stored, False
