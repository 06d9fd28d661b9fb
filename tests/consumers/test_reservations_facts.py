"""What is remembered of a reservation id says all that its rows need, and no more."""

import pytest

from consumers.meaning.facts import Seen
from consumers.reservations.facts import remember, reservation_of
from tests.consumers.reserving import (
    answered,
    asked,
    begun,
    cancelled,
    judged,
    tables,
    updated,
    went_on,
)
from tests.consumers.telling import at


def remembered(*facts):
    return tables(*facts).get("reservation_facts", ())


def places(*facts):
    return [(one["kind"], one["epoch"], one["sequence"]) for one in remembered(*facts)]


def test_each_fact_is_a_row():
    """In the order of the station, whatever the order of reading."""
    facts = [asked(1), answered(2), cancelled(4, "Rejected"), begun(5), judged(6), updated(7)]
    kinds = ["asked", "answered", "cancelled", "used", "judged", "updated"]
    assert [one["kind"] for one in remembered(*facts)] == kinds
    assert remembered(*reversed(facts)) == remembered(*facts)


def test_a_call_is_remembered_with_all_it_says():
    """For whom, what, until when, and by which command."""
    (found,) = remembered(
        asked(
            1,
            evse=2,
            connector=None,
            connector_type="cCCS2",
            group="G",
            token_type="ISO14443",
            command="c-1",
        )
    )
    names = ("evse", "connector", "connector_type", "token", "token_group", "command_id")
    assert [found[name] for name in names] == [2, None, "cCCS2", "Ab", "G", "c-1"]


def test_a_transaction_uses_a_reservation_once():
    """However many of its frames name it: the first counts, in whatever order they are read."""
    for facts in ([begun(3), went_on(4), went_on(5)], [went_on(5), begun(3), went_on(4)]):
        assert places(*facts) == [("used", 1, 3)]
    assert len(places(begun(3), begun(4, transaction="18"))) == 2


def test_a_transaction_that_names_itself_not_is_told_apart_by_its_frames():
    """Nobody knows whether two such are one."""
    assert len(places(begun(3, transaction=None), begun(4, transaction=None))) == 2


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ([judged(3), judged(5, "Invalid")], 3),
        ([judged(3, "Invalid"), judged(5)], 5),
        ([judged(3, "Invalid"), judged(5, "ConcurrentTx")], 3),
        ([judged(3), judged(5)], 3),
    ],
)
def test_once_accepted_is_accepted(facts, kept):
    """A token that is refused later has used what it named all the same."""
    assert places(*facts) == places(*reversed(facts)) == [("judged", 1, kept)]


def test_nothing_new_is_the_very_same_rows():
    """So a repetition writes nothing."""
    facts = [asked(1), answered(2), begun(3), judged(4), went_on(5), updated(6)]
    rows = tables(*facts)
    for fact in facts:
        assert remember(rows, fact) is rows


@pytest.mark.parametrize("fact", [begun(1, reservation=None), begun(1, reservation=0), Seen(at(1))])
def test_facts_that_name_no_reservation(fact):
    """Such as a start with the id 0."""
    assert reservation_of(fact) is None
