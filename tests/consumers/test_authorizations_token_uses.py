"""consumers.authorizations.token_uses: what each token is used for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.authorizations.token_uses import USED
from consumers.meaning.facts import TransactionStarted, TransactionUpdated
from consumers.tables.projections import fold
from tests.consumers.asking import (
    NOON,
    answered,
    at,
    authorize,
    row,
    started,
    stopped,
    tables,
    updated,
)


def use(*facts):
    return row("token_uses", *facts)


def test_a_use_has_its_token_its_place_and_what_was_told():
    """The place of 1.6 is a connector, from 2.x on an EVSE."""
    found = use(started(1, "AbC", connector=2), answered(2, "Blocked", group="G"))
    assert (found["token"], found["spelling"], found["place"]) == ("abc", "AbC", 2)
    assert (found["token_ms"], found["token_event_id"]) == (NOON + 1000, at(1).event_id)
    assert (found["status"], found["token_group"], found["ended_ms"]) == ("Blocked", "G", None)
    assert use(started(1, evse=5, connector=2))["place"] == 5


def test_a_use_ends():
    """With its last stop."""
    assert use(started(1), stopped(4))["ended_ms"] == NOON + 4000
    assert use(started(1), stopped(4), stopped(9))["ended_ms"] == NOON + 9000


def test_a_repeated_start_is_the_same_use():
    """It began when it was first told, and the first answer is kept."""
    facts = [started(1), answered(2, "Accepted"), started(3), answered(4, "ConcurrentTx")]
    found = use(*facts)
    assert (found["token_ms"], found["status"]) == (NOON + 1000, "Accepted")
    assert (found["begun_sequence"], found["last_sequence"]) == (1, 3)


def test_the_token_may_be_told_later():
    """A cable first, then a card: the use of the card begins with the card (2.x)."""
    first = started(1, None, evse=1)
    found = use(first, updated(5, "A"), updated(6, "B"))
    assert (found["token"], found["token_ms"], found["begun_ms"]) == ("a", NOON + 5000, NOON + 1000)
    assert use(first)["token"] is None
    assert use(started(1, "x", token_type="NoAuthorization"))["token"] is None


def test_an_update_begins_nothing_anew():
    """Whatever comes after the end: only a start does."""
    found = use(updated(5, "A"), stopped(6), updated(7, "A"))
    assert (found["last_epoch"], found["begun_sequence"], found["ended_sequence"]) == (None, 5, 6)


@pytest.mark.parametrize(
    "fact",
    [
        authorize(1),
        updated(1, None),
        answered(1, None),
        answered(1, "Accepted", None),
        TransactionStarted(at(1), None, token="A"),
        TransactionUpdated(at(1), None, token="A"),
        stopped(1, None),
    ],
)
def test_what_says_nothing_of_the_use_of_a_token(fact):
    """Such as the thousand updates of a long transaction, which cost nothing here."""
    assert tables(fact)["token_uses"] == []


_FACTS = st.lists(
    st.builds(
        lambda make, epoch, token: (make, epoch, token),
        st.sampled_from([started, started, updated, stopped, answered]),
        st.integers(1, 3),
        st.sampled_from(["A", "a", "B", None]),
    ),
    max_size=10,
)


@given(_FACTS, st.data())
def test_rows_do_not_depend_on_how_facts_are_read(told, data):
    """Not on batches, on the order of connections, or on repetition."""
    facts = [
        make(sequence, *((token,) if make in (started, updated) else ()), epoch=epoch)
        for sequence, (make, epoch, token) in enumerate(told)
    ]
    expected = fold(USED, {}, facts)
    read = data.draw(st.permutations(facts)) + facts[: data.draw(st.integers(0, 3))]
    found = {}
    while read:
        size = data.draw(st.integers(1, len(read)))
        found |= fold(USED, found, read[:size])
        read = read[size:]
    assert found == expected


def test_nothing_new_is_the_very_same_rows():
    """So a repetition writes nothing."""
    facts = [started(1), updated(2, "B"), answered(3), stopped(4)]
    rows = fold(USED, {}, facts)["CS-1", "17"]
    for fact in facts:
        assert USED.evolve(rows, fact) is rows
    assert set(rows["token_uses"][0]) == set(USED.tables[0].columns.keys())
