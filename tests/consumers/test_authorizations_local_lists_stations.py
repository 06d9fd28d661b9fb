"""consumers.authorizations.local_lists.stations: what keeping a station's local list depends on."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.authorizations.local_lists.stations import OFTEN_MS, PROJECTION, STATIONS
from consumers.meaning.facts import (
    CommandAsked,
    CommandEnded,
    Connected,
    Disconnected,
    LocalListLimitsTold,
    Seen,
    StationListed,
    StationUnlisted,
)
from consumers.meaning.list_commands import CHECK, LEARN, SEND, command_id
from consumers.tables.projections import NO_ROWS, fold
from schemas.topics import TOPICS
from tests.consumers.listing import MINUTE, NOON, at, rows_of

NAMES = [command_id("CS-1", number, None, None) for number in range(8)]


def row(*facts):
    (found,) = rows_of(PROJECTION, *facts)[STATIONS.name]
    return found


def connected(epoch, version="1.6"):
    return Connected(at(epoch, 0), version=version, connection_id=f"c-{epoch}")


def disconnected(epoch, connection_id=None):
    return Disconnected(at(epoch, 7), connection_id=connection_id or f"c-{epoch}")


def asked(offset, number=None, payload="{}", action=SEND):
    name = NAMES[offset if number is None else number]
    return CommandAsked(at(offset, 0), name, action, payload, NOON + MINUTE)


def ended(offset, outcome="answered", status=None, number=None, action=SEND):
    response = None if status is None else f'{{"status":"{status}"}}'
    name = NAMES[offset if number is None else number]
    return CommandEnded(at(offset, 0, NOON + offset), name, action, 1, outcome, response)


def test_the_newest_connection_counts():
    """An older one that ends later ends nothing."""
    found = row(connected(1), connected(5, "2.0.1"), disconnected(1))
    assert (found["connected"], found["connection_epoch"]) == (True, 5)
    assert found["ocpp_version"] == "2.0.1"
    assert row(connected(1), connected(5), disconnected(5))["connected"] is False
    assert row(connected(5), disconnected(5), connected(5))["connected"] is False, "again"


def test_an_end_without_an_epoch():
    """Is that of the connection with its id."""
    assert row(connected(5), disconnected(-1, "c-5"))["connected"] is False
    assert row(connected(5), disconnected(-1, "c-4"))["connected"] is True


def test_the_group_of_a_station():
    """The last record counts, and one without a value ends it."""
    listed = [StationListed(at(3, 0), "West"), StationListed(at(1, 0), "East")]
    assert row(*listed)["station_group"] == "West"
    assert row(*listed, StationUnlisted(at(9, 0)))["station_group"] is None


def test_limits_come_one_by_one():
    """What a station does not tell this time, it has told before."""
    first = LocalListLimitsTold(at(1, 4), enabled=True, entries_per_call=20)
    second = LocalListLimitsTold(at(1, 8), entries_max=100, entries_per_call=30)
    found = row(first, second, first)
    names = ("enabled", "entries_max", "entries_per_call", "bytes_per_call")
    assert [found[name] for name in names] == [True, 100, 30, None]


def test_the_answer_to_a_question_for_limits():
    """Is known by its command, also where it tells nothing; others ask as well."""
    ours, other = (
        LocalListLimitsTold(at(1, 4 * number), command=name)
        for number, name in enumerate((NAMES[1], "by hand"))
    )
    assert row(ours, other)["told_id"] == NAMES[1]


@pytest.mark.parametrize("action", sorted(LEARN))
def test_a_question_for_limits(action):
    """Is known by its connection; what becomes of it is no failure to keep a list."""
    found = row(asked(4, action=action))
    assert (found["learned_epoch"], found["asked_id"]) == (4, NAMES[4])
    assert row(asked(4))["learned_epoch"] is None
    failed = [ended(1, "timeout"), ended(2, "timeout", action=action)]
    found = row(*failed)
    assert (found["failures"], found["lost_ms"], found["ended_id"]) == (1, NOON + 1, NAMES[2])
    assert row(*failed, ended(3, action=action))["failures"] == 1


@pytest.mark.parametrize(
    ("outcome", "action", "vain"),
    [
        ("call_error", CHECK, True),
        ("timeout", CHECK, False),
        ("call_error", SEND, False),
    ],
)
def test_who_cannot_tell_its_version(outcome, action, vain):
    """Is asked no second time."""
    assert (row(ended(1, outcome, action=action))["vain_ms"] is not None) is vain


@pytest.mark.parametrize("word", ["listVersion", "versionNumber"])
def test_a_command_is_out(word):
    """Its list has a version, in whatever words."""
    found = row(asked(2, payload=f'{{"{word}":9,"updateType":"Full"}}'), asked(1))
    assert (found["asked_id"], found["asked_action"]) == (NAMES[2], SEND)
    assert (found["asked_version"], found["asked_until_ms"]) == (9, NOON + MINUTE)
    assert row(asked(2, payload="no JSON"))["asked_version"] is None


def test_failures_are_counted_until_a_list_is_taken():
    """A version that is told ends only failures to tell it."""
    failed = [ended(1, "timeout"), ended(2, status="Failed")]
    found = row(*failed)
    assert (found["failures"], found["failed_action"], found["failed_ms"]) == (2, SEND, NOON + 2)
    assert row(*failed, ended(3, action=CHECK))["failures"] == 2
    assert row(*failed, ended(3, status="Accepted"))["failures"] is None
    told = [ended(1, "call_error", action=CHECK), ended(2, action=CHECK)]
    assert row(*told)["failures"] is None


def test_failures_that_come_often_are_setbacks():
    """Also where something was taken between; one after a long time stands alone."""
    often = [ended(1, "timeout"), ended(2, status="Accepted"), ended(3, status="Failed")]
    found = row(*often)
    assert (found["failures"], found["setbacks"]) == (1, 2)
    late = CommandEnded(at(4, 0, NOON + 4 + OFTEN_MS), NAMES[4], SEND, 1, "timeout")
    assert (row(*often, late)["failures"], row(*often, late)["setbacks"]) == (2, 1)


def test_a_result_that_comes_again_is_void():
    """The first one is the result of a command, also when others ended since."""
    found = row(
        ended(1, status="Accepted"), ended(2, status="Accepted"), ended(3, "timeout", number=1)
    )
    assert (found["failures"], found["ended_id"]) == (None, NAMES[2])


@pytest.mark.parametrize(
    ("outcome", "action", "lost"),
    [
        ("timeout", SEND, True),
        ("connection_lost", SEND, True),
        ("timeout", CHECK, False),
        ("offline", SEND, False),
        ("call_error", SEND, False),
    ],
)
def test_what_may_have_been_done(outcome, action, lost):
    """Nobody knows after such an outcome."""
    assert (row(ended(1, outcome, action=action))["lost_ms"] is not None) is lost


def test_commands_of_others_are_no_concern():
    """Nor are other facts."""
    other = CommandAsked(at(1, 0), "by hand", SEND, "{}", NOON)
    over = CommandEnded(at(1, 0), "by hand", SEND, 1, "timeout")
    assert fold(PROJECTION, {}, [other, over, Seen(at(1, 1))]) == {}
    assert {*PROJECTION.topics} <= TOPICS.keys()


TOPIC_FACTS = (
    (connected(1), disconnected(1), connected(4), disconnected(-1, "c-4"), connected(6)),
    (StationListed(at(1, 0), "East"), StationUnlisted(at(2, 0)), StationListed(at(3, 0), "West")),
    (
        LocalListLimitsTold(at(1, 4), enabled=True),
        LocalListLimitsTold(at(4, 8), entries_max=100),
    ),
    tuple(asked(number) for number in range(6)),
    (
        ended(1, "timeout"),
        ended(2, status="Failed"),
        ended(3, "offline", number=1),
        ended(4, action=CHECK),
        ended(5, "connection_lost"),
    ),
)


@given(seed=st.integers(0, 2**32), again=st.booleans())
def test_topics_may_be_read_in_any_order(seed, again):
    """And any part of them again: the row is the same."""
    chance = random.Random(seed)
    waiting = [list(facts) for facts in TOPIC_FACTS]
    order = []
    while any(waiting):
        order.append(chance.choice([facts for facts in waiting if facts]).pop(0))
        if again and chance.random() < 0.3:
            order.append(chance.choice(order))
    expected = rows_of(PROJECTION, *(fact for facts in TOPIC_FACTS for fact in facts))
    rows = NO_ROWS
    for fact in order:
        rows = PROJECTION.evolve(rows, fact)
    assert rows == expected
