"""What fleets need: that it follows from what their stations say."""

from dataclasses import replace

import pytest

from chargewire.size.sizing import CONSUMERS, FOLDED_PER_S, Fleet, needs
from consumers.services import SERVICES
from schemas.catalogue import BLOCKS

FLEET = Fleet(stations=100_000)


def number(fleet: Fleet, words: str) -> float:
    """The one line whose name has these words."""
    (found,) = (value for name, value in needs(fleet) if words in name)
    return float(found.replace(",", ""))


def test_a_day_of_a_station() -> None:
    """Two sessions of two hours: 48 samples, 288 heartbeats, 16 calls around, one command."""
    assert sum(FLEET.calls.values()) == 2 + 4 + 48 + 10 + 288 + 1
    assert pytest.approx(100_000 * 353 / 86_400) == FLEET.calls_per_s
    assert FLEET.calls.keys() <= set(BLOCKS)


def test_all_consumers_are_there_with_the_topics_that_they_read() -> None:
    """One that is new needs a measured speed."""
    assert {one.name: one for one in CONSUMERS} == {
        name: service.consumer for name, service in SERVICES.items()
    }
    assert FOLDED_PER_S.keys() == SERVICES.keys()
    assert {name for name, _ in needs(FLEET) if name.endswith(": instances")} == {
        f"{name}: instances" for name in SERVICES
    }


def test_twice_the_stations_need_twice_as_much() -> None:
    """Disks, memory of tables, and time; two workers are always there."""
    for words in ("GB a day", "TB a year", "meter readings", "hours"):
        once, twice = number(FLEET, words), number(replace(FLEET, stations=200_000), words)
        assert twice == pytest.approx(2 * once, rel=0.1), words
    assert number(replace(FLEET, stations=10), ": workers") == 2
    assert number(FLEET, ": workers") == 7


def test_what_makes_it_more() -> None:
    """Samples cost disks, certificates cost cores and memory, haste costs cores."""
    for more, words in (
        (replace(FLEET, sample_s=60), "GB a day"),
        (replace(FLEET, values=12), "meter readings"),
        (replace(FLEET, profile=3), "cores when all are back"),
        (replace(FLEET, profile=3), "GB of memory"),
        (replace(FLEET, return_s=60), "cores when all are back in 60 s"),
        (replace(FLEET, commands=50), "foreign records"),
        (replace(FLEET, peak=6), "calls per second, busiest"),
    ):
        assert number(more, words) > number(FLEET, words.removesuffix(" in 60 s")), words


def test_readings_that_are_kept_for_a_time_need_room_for_that_time() -> None:
    """And for what is removed, but not yet taken back; without one they grow by the year."""
    kept = number(replace(FLEET, readings_kept_days=365), "readings of 365 days")
    assert kept == pytest.approx(1.2 * number(FLEET, "a year, meter readings"), rel=0.1)
    assert not [name for name, _ in needs(FLEET) if "days" in name]


def test_partitions_are_what_a_rebuild_is_shared_by() -> None:
    """Four times as many, a quarter of the time."""
    many = replace(FLEET, partitions=48)
    assert number(many, "hours") == pytest.approx(number(FLEET, "hours") / 4, rel=0.1)
    assert number(FLEET, "partitions for that") > 12
    assert number(many, "partitions for that") == 48
