"""consumers.authorizations.tokens: who may charge, and who was asked about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.authorizations.tokens import ASKED, ASKS, ISSUED, compared, is_free
from consumers.tables.projections import fold
from tests.consumers.asking import NOON, authorize, issued, removed, row, started, tables

TOGETHER = "T1", "T708"  # two tokens that have one place


def test_the_last_record_of_a_token_counts():
    """In the order of its topic, whatever is read again."""
    first = issued("Abc", 1, group="FLEET", lists=("north", "*"), expires_ms=NOON)
    last = issued("ABC", 7, status="Blocked", token_type="eMAID")
    found = row("id_tokens", first)
    assert (found["token"], found["spelling"], found["group_token"]) == ("abc", "Abc", "FLEET")
    assert (found["lists"], found["expires_ms"]) == ('["north","*"]', NOON)
    for facts in ((first, last), (last, first), (first, last, first)):
        found = row("id_tokens", *facts)
        assert (found["spelling"], found["status"], found["token_type"]) == (
            *("ABC", "Blocked", "eMAID"),
        )
        assert (found["group_token"], found["lists"], found["expires_ms"]) == (None, None, None)


def test_a_token_that_was_taken_away_is_remembered_as_such():
    """Else an older record that is read again would bring it back."""
    facts = [issued("A", 1), removed("A", 2)]
    assert row("id_tokens", *facts)["status"] is None
    assert row("id_tokens", *facts, facts[0])["status"] is None
    assert row("id_tokens", *facts, issued("a", 3))["status"] == "Accepted"


def test_a_record_without_a_status_lets_nobody_charge():
    """It is a token, but nobody has said that it may."""
    assert row("id_tokens", issued("A", 1, status=None))["status"] == "Invalid"


def test_what_is_asked_is_counted_by_place_and_action():
    """As the token is compared, with the spelling that the station wrote last."""
    facts = [authorize(1, "Ab"), authorize(2, "AB"), authorize(1, "ab", station="CS-2")]
    found = tables(*facts)["token_asks"]
    assert [(one["station"], one["times"]) for one in found] == [("CS-1", 2), ("CS-2", 1)]
    assert {one["token"] for one in found} == {"ab"}
    assert (found[0]["spelling"], found[0]["action"]) == ("AB", "Authorize")
    assert (found[0]["first_ms"], found[0]["last_ms"]) == (NOON + 1000, NOON + 2000)


def test_the_last_connection_counts():
    """So a token has one row, however long its station lives; older ones may be read later."""
    older, newer = [authorize(8, "A")], [authorize(n, "A", epoch=2) for n in (3, 7)]
    found = row("token_asks", *older, *newer)
    assert (found["epoch"], found["times"], found["first_ms"]) == (2, 2, NOON + 3000)
    assert row("token_asks", *newer, *older) == row("token_asks", *newer, *newer) == found


def test_a_station_that_invents_tokens_fills_no_table():
    """It has so many places; what comes last is there."""
    found = tables(*(authorize(n, f"{n:020}") for n in range(20_000)))["token_asks"]
    assert len(found) == ASKS
    assert f"{19_999:020}" in {one["token"] for one in found}


def test_tokens_of_one_place():
    """The last of them has it; another one counts anew, whatever is read first."""
    one, other = TOGETHER
    first = [authorize(1, one), authorize(2, one), authorize(3, other), authorize(4, one)]
    later = [authorize(1, other, epoch=2), authorize(2, other, epoch=2)]
    found = row("token_asks", *first)
    assert (found["token"], found["times"], found["first_ms"]) == (*(one.lower(), 1, NOON + 4000),)
    found = row("token_asks", *first, *later)
    assert (found["token"], found["times"]) == (other.lower(), 2)
    assert row("token_asks", *later, *first) == found


@pytest.mark.parametrize(
    ("token", "token_type"), [(None, None), ("", None), ("", "ISO14443"), ("x", "NoAuthorization")]
)
def test_who_is_nobody_was_not_asked_about(token, token_type):
    """Free charging names no token."""
    assert is_free(token, token_type)
    assert tables(authorize(1, token, token_type=token_type))["token_asks"] == []
    assert not is_free("A", token_type="ISO14443")


def test_tokens_are_compared_without_regard_to_case():
    """A to Z alone (CiString20Type of 1.6): other letters stay as they are, in every language."""
    assert compared("aBÄ") == "abÄ"
    assert compared("") is compared(None) is None
    assert len(compared("A" * 5000)) == 255, "it is part of a key"


def test_other_facts_say_nothing_of_tokens():
    """Starts have a table of their own."""
    assert ISSUED.group(started(1)) is ASKED.group(started(1)) is None
    assert ASKED.group(issued("A")) is ISSUED.group(authorize(1)) is None


_ASKS = st.lists(
    st.builds(
        lambda station, epoch, token: (station, epoch, token),
        st.sampled_from(["CS-1", "CS-2"]),
        st.integers(1, 2),
        st.sampled_from(["A", "a", *TOGETHER]),
    ),
    max_size=12,
)


@given(_ASKS, st.lists(st.integers(1, 9), max_size=4), st.data())
def test_rows_do_not_depend_on_how_facts_are_read(asks, offsets, data):
    """Not on batches, on which connection is read first, or on repetition."""
    told = [
        authorize(sequence, token, station=station, epoch=epoch)
        for sequence, (station, epoch, token) in enumerate(asks)
    ]
    records = [
        removed("A", offset) if offset % 3 == 0 else issued("A", offset, group=str(offset))
        for offset in offsets
    ]
    expected = tables(*told, *records)
    # Connections and tokens one after the other, as they may stand in the topics.
    read = sorted(told, key=lambda fact: (-fact.at.epoch, fact.at.station, fact.at.sequence))
    read = data.draw(st.permutations(records)) + read + read[data.draw(st.integers(0, 3)) :]
    for projection in (ISSUED, ASKED):
        found, left = {}, list(read)
        while left:
            size = data.draw(st.integers(1, len(left)))
            found |= fold(projection, found, left[:size])
            left = left[size:]
        name = projection.tables[0].name
        rows = [row for group in found.values() for row in group[name]]
        assert sorted(rows, key=repr) == sorted(expected[name], key=repr)


def test_every_column_is_told():
    """And no other: whoever adds one is reminded."""
    found = tables(issued("A"), authorize(1))
    for projection in (ISSUED, ASKED):
        (table,) = projection.tables
        assert set(found[table.name][0]) == set(table.columns.keys())
