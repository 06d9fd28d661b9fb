"""authorizations.local_lists.contents: what each station's local list holds, as far as known."""

from copy import deepcopy
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.authorizations.local_lists.contents import ENTRIES, HELD, LISTS, digest, entry
from consumers.meaning.facts import ListEntry, LocalListAnswered, LocalListVersionTold, Seen
from consumers.meaning.list_commands import command_id
from consumers.tables.projections import fold
from consumers.tables.schemas import record, topic
from schemas.topics import TOPICS
from tests.consumers.listing import KEY, at, rows_of, token
from tests.consumers.written import CODEC

OURS = command_id("CS-1", 1, None, None)


def answered(sequence, version, *entries, full=False, status="Accepted", command=OURS, epoch=1):
    return LocalListAnswered(at(epoch, sequence), version, full, entries, status, command)


def told(sequence, version, epoch=1):
    return LocalListVersionTold(at(epoch, sequence), version)


def listed(*facts):
    (row,) = rows_of(HELD, *facts)[LISTS.name]
    return row


def held(*facts):
    return {row["token"]: entry(row) for row in rows_of(HELD, *facts).get(ENTRIES.name, ())}


FULL = answered(2, 1, token("A"), token("B", "Blocked"), full=True)


def test_a_full_list_replaces_what_was_there():
    """All of it."""
    assert held(FULL) == {"a": token("A"), "b": token("B", "Blocked")}
    assert held(FULL, answered(4, 2, token("C"), full=True)) == {"c": token("C")}
    row = listed(FULL)
    assert (row["version"], row["entries"], row["ours"]) == (1, 2, True)
    assert (row["supported"], row["status"], row["command_id"]) == (True, "Accepted", OURS)


def test_changes_change_what_was_there():
    """An entry without a status goes, whatever its case."""
    facts = FULL, answered(4, 2, ListEntry("a"), token("b"), token("C"))
    assert held(*facts) == {"b": token("b"), "c": token("C")}
    assert listed(*facts)["version"] == 2


def test_equal_lists_have_equal_digests():
    """However they came to be."""
    changed = listed(FULL, answered(4, 2, ListEntry("a"), token("C", expires_ms=1)))
    whole = listed(answered(2, 7, token("C", expires_ms=1), token("B", "Blocked"), full=True))
    assert (
        changed["digest"]
        == whole["digest"]
        == digest(held(FULL, answered(4, 2, ListEntry("a"), token("C", expires_ms=1))))
    )
    assert listed(FULL)["digest"] != whole["digest"]


@pytest.mark.parametrize("status", ["Failed", "VersionMismatch", "NotSupported", None])
def test_what_is_refused_leaves_nothing_certain(status):
    """What is in the list then, no answer tells."""
    facts = FULL, answered(4, 9, token("C"), status=status)
    row = listed(*facts)
    assert (row["version"], row["digest"], row["entries"], held(*facts)) == (None, None, None, {})
    assert (row["top_version"], row["status"]) == (9, status)
    assert row["supported"] is (status != "NotSupported")


def test_too_many_for_one_call():
    """Are those of a whole list that was not taken; of changes, the list may be too long."""
    pair = token("A"), token("B")
    for status in ("Failed", None):
        assert listed(answered(2, 1, *pair, full=True, status=status))["too_many"] == 2
    for other in (
        answered(2, 1, *pair, full=True),
        answered(2, 1, *pair, status="Failed"),
        answered(2, 1, *pair, full=True, status="VersionMismatch"),
        answered(2, 1, token("A"), full=True, status="Failed"),
    ):
        assert listed(other)["too_many"] is None


def test_changes_of_what_is_unknown_are_unknown():
    """Only a full list begins anew."""
    row = listed(answered(2, 5, token("A")))
    assert (row["version"], row["top_version"]) == (None, 5)
    assert held(answered(2, 5, token("A")), answered(4, 6, token("B"), full=True)) == {
        "b": token("B")
    }


def test_a_version_that_is_told():
    """The one that we know confirms; 0 is an empty list; any other is not known."""
    assert listed(FULL, told(9, 1))["version"] == 1
    assert (listed(FULL, told(9, 1))["epoch"], listed(FULL, told(9, 1))["sequence"]) == (1, 9)
    empty = listed(FULL, told(9, 0))
    assert (empty["version"], empty["entries"], empty["digest"]) == (0, 0, digest({}))
    assert held(FULL, told(9, 0)) == held(FULL, told(9, 8)) == {}
    row = listed(FULL, told(9, 8))
    assert (row["version"], row["told_version"], row["top_version"]) == (None, 8, 8)
    assert listed(FULL, told(9, None)) == listed(FULL), "an answer of no use"


def test_stations_without_a_list():
    """-1 says so (OCPP 1.6, 6.24)."""
    assert listed(told(2, -1))["supported"] is False
    assert listed(told(2, -1), told(4, 0))["supported"] is True


def test_whose_list_it_is():
    """Who sent it last; what failed may be there all the same."""
    by_hand = answered(4, 2, token("C"), full=True, command="by hand")
    assert listed(FULL, by_hand)["ours"] is False
    assert listed(by_hand, answered(6, 3, full=True, status="Failed"))["ours"] is True
    assert listed(by_hand, answered(6, 3, status="VersionMismatch"))["ours"] is False


def test_what_stations_hold_is_public():
    """As many rows as stations; what is in their lists stays in the store."""
    assert HELD.published == {LISTS.name}
    row = record(listed(FULL, told(4, 1)), 7, 8)
    _, found = CODEC.decode(CODEC.encode(topic(LISTS.name), row))
    assert (found["station"], found["version"], found["ours"], found["revision"]) == (
        *KEY,
        1,
        True,
        8,
    )


def test_other_facts_are_of_no_concern():
    """No group is loaded for them."""
    assert fold(HELD, {}, [Seen(at(1, 1))]) == {}
    assert {*HELD.topics} <= TOPICS.keys()
    assert HELD.joins, "an answer does not tell what it answers"


FACTS = st.lists(
    st.one_of(
        st.tuples(
            st.integers(1, 9),
            st.booleans(),
            st.lists(
                st.builds(
                    ListEntry,
                    st.sampled_from("aAbBcd"),
                    st.none(),
                    st.sampled_from([None, "Accepted"]),
                ),
                max_size=4,
            ),
            st.sampled_from(["Accepted", "Accepted", "Failed"]),
        ),
        st.sampled_from([-1, 0, 1, 2, 3]),
    ),
    max_size=12,
)


@given(said=FACTS, cuts=st.lists(st.integers(0, 12), max_size=4), again=st.integers(0, 12))
def test_batches_and_repetitions_change_nothing(said, cuts, again):
    """However the log is cut, and from wherever it is read once more."""
    facts = []
    for number, what in enumerate(said, start=1):
        if isinstance(what, int):
            facts.append(told(number, what))
        else:
            version, full, entries, status = what
            facts.append(answered(number, version, *entries, full=full, status=status))
    whole = fold(HELD, {}, facts)
    parts = {}
    bounds = sorted({0, *(min(cut, len(facts)) for cut in cuts), len(facts)})
    for begin, end in pairwise(bounds):
        before = deepcopy(parts)
        after = fold(HELD, parts, facts[begin:end])
        assert parts == before, "rows are replaced, never changed"
        parts |= after
    assert parts == whole
    assert fold(HELD, whole, facts[min(again, len(facts)) :]) == {}
    for rows in whole.values():
        assert list(rows[ENTRIES.name]) == sorted(rows[ENTRIES.name], key=lambda row: row["token"])
        (row,) = rows[LISTS.name]
        assert (row["version"] is None) == (row["digest"] is None) == (row["entries"] is None)
        assert row["entries"] in (None, len(rows[ENTRIES.name]))
    assert {*whole} <= {KEY}
