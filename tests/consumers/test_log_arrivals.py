"""A record is folded where its subject belongs, or set aside with the reason."""

from dataclasses import dataclass

import pytest

from consumers.log.arrivals import arrival
from schemas.codec import UnknownSchemaId
from schemas.topics import partition
from tests.consumers.written import CODEC, heartbeat

PARTITIONS = 4


@dataclass
class Record:
    key: bytes | None
    value: bytes | None
    offset: int = 7
    timestamp: int = 1000
    headers: tuple = ()


def home(key):
    return partition(key, PARTITIONS)


def arrived(topic, key, value, number=None):
    at = home(key or b"") if number is None else number
    return arrival(topic, at, Record(key, value), CODEC.decode, home)


def token(spelling):
    return CODEC.encode("id-tokens", {"token": spelling, "type": "ISO14443", "status": "Accepted"})


BEAT = CODEC.encode("availability", heartbeat("S1", 1))


def test_what_belongs_here_is_read():
    """By the station, or by the token without regard to the case of A to Z."""
    found = arrived("availability", b"S1", BEAT)
    assert (found.problem, found.event["station"]) == ("", "S1")
    for spelling, key in (("AbC", "abc"), ("04a2", "04a2"), ("ÄB", "Äb")):
        found = arrived("id-tokens", key.encode(), token(spelling))
        assert (found.problem, found.event["token"]) == ("", spelling)


@pytest.mark.parametrize("topic", ["id-tokens", "stations"])
def test_subjects_are_taken_away_without_a_value(topic):
    """In the platform's compacted topics."""
    assert (arrived(topic, b"s1", None).problem, arrived(topic, b"s1", None).event) == ("", None)


@pytest.mark.parametrize(
    ("topic", "key", "value", "problem"),
    [
        ("availability", b"S1", b"no avro", "no magic byte"),
        ("availability", b"S1", None, "without a value"),
        ("provisioning", b"S1", BEAT, "a record of the topic availability"),
        ("availability", b"s1", BEAT, "its key is not its station"),
        ("availability", None, BEAT, "its key is not its station"),
        ("availability", b"\xff", BEAT, "its key is no text"),
        ("id-tokens", b"AbC", token("AbC"), "its key is not its token"),
        ("id-tokens", b"abd", token("AbC"), "its key is not its token"),
        ("id-tokens", "äb".encode(), token("ÄB"), "its key is not its token"),
        ("id-tokens", b"ABC", None, "its key is not its token"),
        ("id-tokens", b"a" * 256, token("A" * 256), "its key has 256 characters"),
        ("stations", b"S" * 256, None, "its key has 256 characters"),
        ("stations", b"\xff", None, "its key is no text"),
    ],
)
def test_what_cannot_be_folded_has_a_reason(topic, key, value, problem):
    """And no event, so that nobody takes it for one."""
    found = arrived(topic, key, value)
    assert problem in found.problem
    assert found.event is None


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        ("availability", b"S1", BEAT),
        ("id-tokens", b"abc", token("AbC")),
        ("id-tokens", b"abc", None),
    ],
)
def test_a_key_in_a_wrong_partition(topic, key, value):
    """Its rows are those of another owner, who may be writing them now."""
    found = arrived(topic, key, value, (home(key) + 1) % PARTITIONS)
    assert found.problem == f"its key belongs into partition {home(key)}"
    assert found.event is None


def test_a_schema_that_is_not_known_is_no_problem_of_the_record():
    """It passes through: the topic has to wait."""
    with pytest.raises(UnknownSchemaId):
        arrived("availability", b"S1", b"\0" + (77).to_bytes(4, "big") + BEAT[5:])
