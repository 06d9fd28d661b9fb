"""Reading goes on where the tables are, or says why it cannot."""

import asyncio

import pytest
from aiokafka import TopicPartition

from consumers.log.beginnings import JOINING, LogCutError, beginning, obstacle
from consumers.log.membership import Membership

AT = TopicPartition("ocpp.a", 0)


@pytest.mark.parametrize(
    ("stored", "begin", "end", "expected"),
    [
        (None, 0, 9, (0, False)),
        (None, 4, 9, (4, False)),
        (5, 0, 9, (5, False)),
        (9, 0, 9, (9, False)),
        (4, 4, 9, (4, False)),
        (3, 4, 9, (4, True)),
    ],
)
def test_where_reading_goes_on(stored, begin, end, expected):
    """Where the tables are; where that is gone unread, at what is left, and it is said."""
    assert beginning(AT, stored, begin, end) == expected


def test_a_log_that_ends_before_the_tables_is_another_one():
    """Its records are not mixed with those that are folded already."""
    with pytest.raises(LogCutError, match=r"ends at 9.*up to 10"):
        beginning(AT, 10, 0, 9)


def told(assigned, *, single=False, partitions=2, there=None):
    membership = Membership(["ocpp.a", "ocpp.b"], asyncio.Lock())
    if assigned is not None:
        membership.on_partitions_assigned([TopicPartition(f"ocpp.{t}", n) for t, n in assigned])
    there = {"ocpp.a": 2, "ocpp.b": 2} if there is None else there
    return obstacle(membership, there, partitions=partitions, single=single)


ALL = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def test_what_keeps_from_reading():
    """Each has its words; nothing does where all is as it should be."""
    assert told(None) == JOINING
    assert "standing by" in told([])
    assert told(ALL, single=True) == ""
    assert told([("a", 0), ("b", 0)]) == ""
    assert "SQLite is for one" in told([("a", 0), ("b", 0)], single=True)
    assert "another version" in told([("a", 0), ("b", 1)])
    assert told([("a", 0), ("b", 0), ("a", 1)]) == "", "the whole number can be read"
    assert "ocpp.b has 3 partitions, not 2" in told(ALL, there={"ocpp.a": 2, "ocpp.b": 3})
