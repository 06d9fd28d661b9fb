"""consumers.stations.projection: what is known of each station."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.meaning.facts import (
    At,
    AvailabilityAnswered,
    BootAnswered,
    Booted,
    Connected,
    Disconnected,
    LocalListLimitsTold,
    Sampled,
    Seen,
    StatusTold,
)
from consumers.stations.connectors import CONNECTORS, STATUS_HISTORY
from consumers.stations.projection import CONSUMER, LOST_CONNECTIONS, PROJECTION, STATIONS, evolve
from consumers.tables.projections import NO_ROWS, fold, key_columns
from schemas.topics import TOPICS
from tests.consumers.hearing import conversation, facts
from tests.consumers.migrated import differences
from tests.gateway.conversation import NOON


def at(epoch, sequence, observed_ms=None):
    observed_ms = 1000 * epoch + sequence if observed_ms is None else observed_ms
    return At("CS-1", epoch, sequence, observed_ms, f"{epoch}.{sequence}.CS-1")


def connected(epoch, connection_id=None):
    return Connected(
        at(epoch, 0), "gw", "1.6", "10.0.0.1", connection_id or f"c-{epoch}", security_profile=1
    )


def disconnected(epoch, sequence=9, reason="closed", connection_id=None):
    return Disconnected(at(epoch, sequence), connection_id or f"c-{epoch}", 1006, reason)


def lost(connection_id, ended_ms=5000):
    place = At("CS-1", -1, -1, ended_ms, f"{connection_id}.{ended_ms}")
    return Disconnected(place, connection_id, 1013, "outage")


def folded(*told):
    groups = fold(PROJECTION, {}, told)
    (row,) = groups["CS-1",][STATIONS.name]
    return row


def test_a_day_of_a_station():
    """From its first frame to its last."""
    boot = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1.2"}
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    talk = conversation("1.6", ("BootNotification", boot))
    talk.later(60)
    talk.call("s", "StatusNotification", status)
    ((key, rows),) = fold(PROJECTION, {}, facts(talk.events)).items()
    assert key == ("CS-1",)
    assert rows[STATIONS.name] == (
        dict.fromkeys(STATIONS.columns.keys())
        | {
            "station": "CS-1", "connected": True, "connected_ms": NOON, "connection_id": "c-1",
            "gateway": "gw", "ocpp_version": "1.6", "remote_address": "127.0.0.1",
            "connection_epoch": 77, "seen_ms": NOON + 60_000, "booted_ms": NOON, "vendor": "V",
            "model": "M", "firmware": "1.2", "boot_epoch": 77, "boot_sequence": 1,
            "registration_status": "Accepted", "interval_s": 300, "registration_epoch": 77,
            "registration_sequence": 2,
        },
    )  # fmt: skip
    assert [row["status"] for row in rows[CONNECTORS.name]] == ["Available"]
    assert len(rows[STATUS_HISTORY.name]) == 1


def test_all_that_a_boot_says():
    """Every part has its column, and the newest boot counts."""
    words = ("V", "M", "S", "B", "F", "I", "J", "T", "N", "PowerUp")
    row = folded(Booted(at(2, 1), *words), Booted(at(1, 5), vendor="old"))
    columns = (
        *("vendor", "model", "serial", "box_serial", "firmware", "iccid", "imsi", "meter_type"),
        *("meter_serial", "boot_reason"),
    )
    assert tuple(row[name] for name in columns) == words
    assert row["booted_ms"] == 2001
    assert row["connected"] is None, "no connection is known"


def test_the_last_registration_counts():
    """Also where it is read first."""
    old, new = BootAnswered(at(1, 2), "Pending", 60), BootAnswered(at(1, 4), "Accepted", 300)
    for row in (folded(old, new), folded(new, old)):
        assert (row["registration_status"], row["interval_s"]) == ("Accepted", 300)
        assert row["seen_ms"] is None, "an answer is not heard from the station"


def test_when_a_station_was_last_heard():
    """By the gateway's clock, whichever topic that stands in."""
    told = [connected(1), Seen(at(1, 3)), StatusTold(at(1, 7), None, 1, "Available")]
    told.append(AvailabilityAnswered(at(1, 8), None, 1, "Operative", "Accepted"))
    assert folded(*told)["seen_ms"] == folded(*reversed(told))["seen_ms"] == 1008
    assert folded(*told, disconnected(1))["seen_ms"] == 1008
    told.append(LocalListLimitsTold(at(1, 9), enabled=True))
    assert folded(*told)["seen_ms"] == 1009


def test_a_frame_that_says_nothing_else_is_heard():
    """Such as a log's status, or what a station answers when it is asked for its configuration."""
    talk = conversation("1.6")
    talk.later(60)
    talk.call("l", "LogStatusNotification", {"status": "Idle"})
    assert folded(*facts(talk.events))["seen_ms"] == NOON + 60_000


def test_a_connection_ends():
    """When, and why."""
    row = folded(connected(1), disconnected(1))
    assert (row["connected"], row["connected_ms"], row["disconnected_ms"]) == (False, 1000, 1009)
    assert (row["close_code"], row["close_reason"], row["gateway"]) == (1006, "closed", "gw")


def test_the_newest_connection_wins():
    """An older one that ends after it, by takeover, changes nothing."""
    told = (connected(1), connected(2), disconnected(1, reason="takeover"))
    row = folded(*told)
    assert (row["connected"], row["connection_id"], row["close_reason"]) == (True, "c-2", None)
    assert folded(*told, disconnected(2))["connected"] is False
    assert folded(connected(1), disconnected(1), connected(2))["disconnected_ms"] is None


def test_a_connection_may_end_twice():
    """A gateway that was given up for lost comes back: the first end counts."""
    ends = disconnected(1, 9, "gateway_lost"), disconnected(1, 12)
    for two in (ends, reversed(ends)):
        assert folded(connected(1), *two)["close_reason"] == "gateway_lost"


@pytest.mark.parametrize("first", [True, False])
def test_an_end_without_an_epoch(first):
    """The gateway never learned what became of `connected`, which may land before it or after."""
    told = [lost("c-1"), connected(1)] if first else [connected(1), lost("c-1")]
    row = folded(*told)
    assert (row["connected"], row["close_reason"], row["disconnected_ms"]) == (
        False,
        "outage",
        5000,
    )
    again = folded(*told, connected(2), lost("c-1"))
    assert (again["connected"], again["connection_id"]) == (True, "c-2")


def test_an_end_of_a_connection_that_never_was():
    """No `connected` ever came: nothing is known of the station but that."""
    groups = fold(PROJECTION, {}, [lost("c-1"), Disconnected(at(-1, -1), None)])
    assert groups["CS-1",].keys() == {LOST_CONNECTIONS.name}


def test_an_end_may_be_read_alone():
    """As after a retention that took `connected` away."""
    row = folded(disconnected(3))
    assert (row["connected"], row["connection_id"], row["connected_ms"]) == (False, "c-3", None)
    assert folded(disconnected(3), connected(3))["connected"] is False


def test_what_concerns_no_station_is_passed_over():
    """Samples are readings; nothing changes by them."""
    sampled = Sampled(at(1, 1), 0, "MeterValues")
    assert fold(PROJECTION, {}, [sampled]) == {}
    assert evolve(NO_ROWS, sampled) is NO_ROWS


def test_the_history_is_never_loaded():
    """It grows for ever; topics and calls are those that the facts come from."""
    assert not PROJECTION.append_only
    assert PROJECTION.appended == {STATUS_HISTORY.name}
    assert PROJECTION.joins
    assert set(PROJECTION.topics) <= TOPICS.keys()


def test_every_row_has_every_column():
    """All rows of a table go to the database in one statement."""
    told = [
        connected(1), lost("c-1"), disconnected(1), Booted(at(1, 1)), BootAnswered(at(1, 2)),
        Seen(at(1, 3)), StatusTold(at(1, 4)), AvailabilityAnswered(at(1, 5), connector=2),
    ]  # fmt: skip
    rows = fold(PROJECTION, {}, told)["CS-1",]
    assert rows.keys() == {table.name for table in PROJECTION.tables}
    for table in PROJECTION.tables:
        assert all(row.keys() == set(table.columns.keys()) for row in rows[table.name])
        assert key_columns(table)[0] == "station"


PLACES = st.tuples(st.integers(1, 3), st.integers(1, 6))
WORDS = st.sampled_from(["Available", "Charging", "Faulted"])
FACTS = st.one_of(
    st.integers(1, 3).map(connected),
    PLACES.map(lambda place: disconnected(*place, reason=f"r{place[1]}")),
    st.builds(lost, st.sampled_from(["c-1", "c-2", "c-9"]), st.sampled_from([1005, 5000])),
    st.builds(lambda place, word: Booted(at(*place), vendor=word), PLACES, WORDS),
    st.builds(lambda place, word: BootAnswered(at(*place), status=word), PLACES, WORDS),
    PLACES.map(lambda place: Seen(at(*place))),
    PLACES.map(lambda place: LocalListLimitsTold(at(*place), entries_max=place[1])),
    st.builds(
        lambda place, word, number, index: StatusTold(
            at(*place), None, number, word, index=index
        ),
        PLACES, WORDS, st.integers(0, 1), st.integers(0, 1),
    ),
    st.builds(
        lambda place, word: AvailabilityAnswered(at(*place), None, 1, word), PLACES, WORDS
    ),
)  # fmt: skip


def kept(told, size):
    """All rows after facts in batches of a size, with a history that is never loaded."""
    groups, history = {}, {}
    for start in range(0, len(told), size):
        for key, rows in fold(PROJECTION, groups, told[start : start + size]).items():
            groups[key] = {name: rows[name] for name in rows if name != STATUS_HISTORY.name}
            for row in rows.get(STATUS_HISTORY.name, ()):
                place = tuple(row[name] for name in key_columns(STATUS_HISTORY))
                history.setdefault(place, row)
    return groups, history


@given(
    # One frame says one thing.
    st.lists(FACTS, max_size=14, unique_by=lambda fact: (fact.at, getattr(fact, "index", None))),
    st.randoms(use_true_random=False),
    st.integers(1, 6),
)
def test_order_batches_and_repetition_do_not_matter(told, chance: random.Random, size):
    """The same rows come out whichever topic is read first, and however often."""
    shuffled = told + told[: len(told) // 2]
    chance.shuffle(shuffled)
    assert kept(shuffled, size) == kept(told, len(told) or 1)


def test_the_migrations_make_the_tables_as_they_are():
    """In a database that had nothing."""
    assert differences(CONSUMER) == []
