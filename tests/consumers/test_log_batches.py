"""How records of a poll share commits."""

from collections import namedtuple

from consumers.log.batches import COMMIT_RECORDS, batches

At = namedtuple("At", ("topic", "partition"))


def test_all_topics_of_a_number_come_together():
    """A station's facts are folded with its place in all topics."""
    found = {At("a.one", 3): [1, 2], At("a.two", 1): [3], At("a.two", 3): [4]}
    assert batches(found, "a.") == [{3: {"one": [1, 2], "two": [4]}, 1: {"two": [3]}}]
    assert batches({}, "a.") == []


def test_numbers_share_a_commit_until_it_is_worth_its_while():
    """Few records of many numbers cost one transaction, many are not held up by each other."""
    half, full = [0] * (COMMIT_RECORDS // 2), [0] * COMMIT_RECORDS
    found = {At("t", n): records for n, records in enumerate([half, half, full, [1], half, half])}
    assert [[*commit] for commit in batches(found, "")] == [[0, 1], [2], [3, 4, 5]]
