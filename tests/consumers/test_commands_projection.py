"""Commands come out the same, however their facts are read, and each has one result."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.commands.projection import COMMANDS, CONSUMER, PROJECTION, evolve, group
from consumers.meaning.facts import Connected, Seen
from schemas.replying import ReplyTo
from tests.consumers.commanding import (
    MINUTE,
    asked,
    ended,
    groups,
    history,
    row,
    settled,
    state,
    taken,
)
from tests.consumers.migrated import differences
from tests.consumers.readings import in_batches, reading
from tests.consumers.stored import come_back
from tests.consumers.telling import NOON, at

_COMMANDS = st.sampled_from(["c", "c", "d"])
_ATTEMPTS = st.integers(1, 3)
_OUTCOMES = st.sampled_from(["answered", "timeout", "offline"])


def _topic(draw, *makes):
    """Records of one topic, in its order."""
    return [
        draw(st.sampled_from(makes))(
            position, draw(_ATTEMPTS), command=draw(_COMMANDS), **draw(_said(makes))
        )
        for position in sorted(draw(st.sets(st.integers(0, 20), max_size=6)))
    ]


def _unasked(*place, **said):
    return settled(*place, outcome="offline", **said)


def _said(makes):
    if taken in makes:
        return st.fixed_dictionaries({"connection_epoch": st.sampled_from([None, 0, 4, 9])})
    word = "outcome" if ended in makes else "requested_by"
    return st.fixed_dictionaries({word: _OUTCOMES})


@st.composite
def stories(draw):
    """The three topics as they are, and all of it as it may be read."""
    topics = [_topic(draw, *makes) for makes in ((asked,), (taken, settled, _unasked), (ended,))]
    return topics, draw(reading(*topics))


@settings(max_examples=300, deadline=None)
@given(stories(), st.data())
def test_rows_depend_on_what_was_said_alone(story, data):
    """Not on which topic is read first, on batches, or on repetition."""
    topics, read = story
    expected = groups(*topics[0], *topics[1], *topics[2])
    found = in_batches(data, PROJECTION, read)
    assert {key: rows["commands"] for key, rows in found.items()} == {
        key: rows["commands"] for key, rows in expected.items()
    }
    assert found == expected


@settings(max_examples=200, deadline=None)
@given(stories())
def test_the_first_record_is_the_result_and_all_others_are_void(story):
    """None is lost, none is counted twice."""
    (_, _, results), read = story
    for (_, command), tables in groups(*read).items():
        (found,) = tables["commands"]
        of = [fact for fact in results if fact.command == command]
        if of:
            assert (found["outcome"], found["ended_ms"]) == (of[0].outcome, of[0].at.observed_ms)
            assert found["void_results"] == len(of) - 1
        assert (found["state"] == "ended") == bool(of)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([asked(1)], "waiting"),
        ([asked(1), taken(5)], "taken"),
        ([asked(1), taken(5), settled(6)], "settled"),
        ([asked(1), settled(6, outcome="offline")], "settled"),
        ([asked(1), taken(5), settled(6), ended(0)], "ended"),
        ([asked(1), settled(6, outcome="offline"), asked(2, 2)], "waiting"),
        ([asked(1), settled(6, outcome="offline"), asked(2, 2), taken(7, 2)], "taken"),
        ([ended(0)], "ended"),
        ([taken(5)], "taken"),
        ([ended(0), asked(2, 2)], "ended"),
    ],
)
def test_how_far_a_command_is(facts, expected):
    """The newest attempt counts; and once there is a result, that."""
    assert state(*facts) == expected


def test_what_is_asked_is_what_the_first_record_says():
    """Later ones ask for another attempt of the same, or are a writer's mistake."""
    found = row(
        asked(1, payload='{"type":"Soft"}', requested_by="cron", when_offline="wait"),
        asked(4, 2, payload='{"type":"Hard"}', requested_by="else", expires_ms=0),
    )
    assert (found["payload"], found["requested_by"]) == ('{"type":"Soft"}', "cron")
    assert (found["when_offline"], found["expires_ms"]) == ("wait", NOON + MINUTE)
    assert (found["asked_ms"], found["asked_position"]) == (NOON + 1000, 1)
    for facts in ([asked(1), ended(3, action="Other")], [ended(3, action="Other"), asked(1)]):
        assert row(*facts)["action"] == "Reset"
    assert (found["attempt"], found["issued_attempt"], found["issued_ms"]) == (2, 2, NOON + 4000)


def test_the_first_claim_of_an_attempt_counts():
    """A second gateway's, and one after the attempt was settled, are void."""
    found = row(asked(1), taken(5), taken(6, gateway="gw-2"))
    assert (found["taken_by"], found["taken_epoch"], found["taken_ms"]) == ("gw-1", 77, NOON + 5000)
    late = row(asked(1), settled(5, outcome="offline"), taken(6))
    assert (late["taken_by"], late["settled_outcome"], late["state"]) == (
        *(None, "offline", "settled"),
    )
    assert row(taken(5), settled(6), settled(7, outcome="timeout"))["settled_outcome"] == "answered"


def test_another_attempt_is_claimed_anew():
    """And what is said of the old one then changes nothing."""
    told = [asked(1), taken(5), settled(6, outcome="connection_lost"), taken(8, 2, "gw-2")]
    found = row(*told)
    assert (found["taken_by"], found["settled_outcome"], found["attempt"]) == ("gw-2", None, 2)
    assert row(*told, settled(9)) == found


def test_a_result_has_what_the_station_said():
    """Or what went wrong."""
    found = row(ended(3, message_id="m"))
    assert (found["response"], found["message_id"]) == ('{"status":"Accepted"}', "m")
    failed = row(
        ended(3, 2, "call_error", response=None, error_code="NotSupported", error_description="no")
    )
    assert (failed["outcome"], failed["outcome_attempt"]) == ("call_error", 2)
    assert (failed["error_code"], failed["error_description"]) == ("NotSupported", "no")


def test_a_result_alone_is_a_command_that_was_not_where_it_belongs():
    """Its record is set aside, so nobody knows what was asked; its action is known."""
    found = row(ended(3, outcome="invalid", response=None, action="Reset"))
    assert (found["action"], found["asked_ms"], found["payload"]) == ("Reset", None, None)
    assert (found["outcome"], found["void_results"]) == ("invalid", 0)


def test_the_history_has_every_record_once():
    """Also those that are void."""
    told = [asked(1), taken(5), taken(6), settled(7), ended(0), ended(2), asked(3, 2)]
    expected = [
        *(("asked", 1, 1), ("asked", 3, 2), ("result", 0, 1), ("result", 2, 1)),
        *(("settled", 7, 1), ("taken", 5, 1), ("taken", 6, 1)),
    ]
    assert history(*told) == history(*told, *told) == expected


def test_a_repetition_changes_no_command():
    """So nothing is written, and void results are counted once."""
    told = [asked(1), taken(5), settled(6), ended(0), ended(1), asked(4, 2)]
    rows = groups(*told)["CS-1", "c"]
    for fact in told:
        assert evolve(rows, fact) is rows


def test_commands_are_told_apart_by_their_id_and_station():
    """Facts of connections are no part of it."""
    assert group(asked(1)) == group(taken(2)) == group(settled(3)) == group(ended(4))
    assert group(asked(1, command="d")) == ("CS-1", "d")
    assert group(Connected(at(1))) is group(Seen(at(1))) is None


def test_the_migrations_make_the_tables_as_they_are():
    """In a database that had nothing."""
    assert differences(CONSUMER) == []


TOLD = [asked(1), taken(5), settled(6), ended(0), ended(1), taken(8, command="d", gateway=None)]


async def test_rows_come_back_from_a_file_as_they_were(tmp_path):
    """Folding goes on with rows that were loaded."""
    await come_back(f"sqlite:///{tmp_path}/store.db", CONSUMER, PROJECTION, TOLD)


@pytest.mark.postgres
async def test_rows_come_back_from_a_server_as_they_were(postgres):
    """The same on PostgreSQL."""
    await come_back(postgres, CONSUMER, PROJECTION, TOLD)


def test_all_values_fit_the_columns():
    """What is computed has every column of its table and no other."""
    assert set(row(*TOLD[:5])) == set(COMMANDS.columns.keys())


def test_what_the_headers_of_a_command_want_is_kept():
    """Of the first record; where there is nothing of the kind, no row."""
    to = ReplyTo("replies", 3, b"\x01\xff")
    told = asked(1, reply_to=to, trace=b"00-4b-f0-01", exact="c" * 300), asked(2, 2, reply_to=to)
    ((origin,),) = [tables["command_origins"] for tables in groups(*told).values()]
    assert (origin["reply_topic"], origin["reply_partition"]) == ("replies", 3)
    assert (origin["reply_correlation"], origin["traceparent"]) == ("01ff", "00-4b-f0-01")
    ((plain),) = groups(asked(1)).values()
    assert "command_origins" not in plain
