"""consumers.authorizations.local_lists.wording: local lists in the words of each version."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.authorizations.local_lists.wording import (
    CALL_BYTES,
    VERSIONS,
    entry_bytes,
    fitting,
    limits_question,
    send_local_list,
    token_length,
)
from consumers.meaning.facts import ListEntry
from consumers.meaning.list_commands import LEARN
from schemas.catalogue import VERSIONS as ALL
from schemas.derive import shape
from tests.consumers.hearing import commanded, one
from tests.gateway.conversation import NOON

ENTRY = ListEntry("04AB", "ISO14443", "Accepted", NOON, "Fleet")

ENTRIES = st.builds(
    ListEntry,
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
    st.sampled_from([None, "", "Central", "ISO14443", "eMAID", "Vehicle", "x" * 21]),
    st.sampled_from(["Accepted", "Blocked", "NoCredit", "Unknown", "Odd"]),
    st.sampled_from([None, 0, NOON, NOON + 1, 10**15, -(10**17)]),
    st.sampled_from([None, "", "Fleet", "g" * 30, "g" * 300]),
)


def test_a_token_in_words_of_1_6():
    """It has no types."""
    said = send_local_list("1.6", 7, full=True, entries=[fitting("1.6", ENTRY)])
    assert list(said) == ["listVersion", "localAuthorizationList", "updateType"]
    info = {"expiryDate": "2026-11-21T12:00:00.000Z", "parentIdTag": "Fleet", "status": "Accepted"}
    assert said == {
        "listVersion": 7,
        "localAuthorizationList": [{"idTag": "04AB", "idTagInfo": info}],
        "updateType": "Full",
    }


def test_a_token_in_words_of_2_x():
    """Its group is a token too."""
    said = send_local_list("2.0.1", 7, full=False, entries=[fitting("2.0.1", ENTRY)])
    assert list(said) == ["localAuthorizationList", "versionNumber", "updateType"]
    info = {
        "status": "Accepted",
        "cacheExpiryDateTime": "2026-11-21T12:00:00.000Z",
        "groupIdToken": {"idToken": "Fleet", "type": "Central"},
    }
    id_token = {"idToken": "04AB", "type": "ISO14443"}
    assert said["localAuthorizationList"] == [{"idToken": id_token, "idTokenInfo": info}]
    assert (said["versionNumber"], said["updateType"]) == (7, "Differential")


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_an_empty_list_is_not_told(version):
    """2.x allows no list without entries."""
    assert "localAuthorizationList" not in send_local_list(version, 1, full=True, entries=[])


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_limits_are_asked_for_in_valid_words(version):
    """And what is asked for is what is read of the answer."""
    action, said = limits_question(version)
    shape(version, action, "request").validate(json.dumps(said).encode())
    assert action in LEARN
    if version == "1.6":
        answer = {"configurationKey": [
            {"key": key, "readonly": True, "value": str(number)}
            for number, key in enumerate(said["key"], start=7)
        ]}  # fmt: skip
        limits = {"entries_max": 8, "entries_per_call": 9}
    else:
        answer = {"getVariableResult": [
            one | {"attributeStatus": "Accepted", "attributeValue": str(number)}
            for number, one in enumerate(said["getVariableData"], start=7)
        ]}  # fmt: skip
        limits = {"entries_per_call": 9, "bytes_per_call": 10, "entries_max": 11}
    fact = one(commanded(version, action, said, answer))
    assert {name: getattr(fact, name) for name in limits} == limits


def test_there_are_words_for_every_version():
    """Of the catalogue."""
    assert ALL.keys() == VERSIONS


@pytest.mark.parametrize("version", sorted(VERSIONS))
@given(entries=st.lists(ENTRIES, max_size=4), full=st.booleans())
def test_what_is_sent_is_valid_and_read_as_it_was_meant(version, entries, full):
    """So a list that a station took is the list that was wanted, and nothing is sent again."""
    fit = [found for entry in entries if (found := fitting(version, entry)) is not None]
    if not full:
        fit.append(ListEntry("04AB", None if version == "1.6" else "Central"))
    said = send_local_list(version, 3, full=full, entries=fit)
    shape(version, "SendLocalList", "request").validate(json.dumps(said).encode())
    fact = one(commanded(version, "SendLocalList", said, {"status": "Accepted"}))
    assert (fact.version, fact.full, fact.entries) == (3, full, tuple(fit))
    frame = json.dumps(
        [2, "i" * 36, "SendLocalList", said], separators=(",", ":"), ensure_ascii=False
    )
    assert len(frame.encode()) <= CALL_BYTES + sum(entry_bytes(version, found) for found in fit)


@pytest.mark.parametrize(("version", "length"), [("1.6", 20), ("2.0.1", 36), ("2.1", 255)])
def test_tokens_that_have_no_place(version, length):
    """Too long, or none at all."""
    assert token_length(version) == length
    assert fitting(version, ListEntry("x" * length, "Central", "Accepted")) is not None
    assert fitting(version, ListEntry("x" * (length + 1), "Central", "Accepted")) is None
    assert fitting(version, ListEntry("", "Central", "Accepted")) is None


def test_words_that_a_version_does_not_have():
    """Nobody charges for a word that got lost on the way."""
    odd = ListEntry("A", "Vehicle", "NoCredit", None, "g" * 21)
    assert fitting("1.6", odd) == ListEntry("A", None, "Invalid")
    assert fitting("2.0.1", odd) == ListEntry("A", "Central", "NoCredit", None, "g" * 21)
    assert fitting("2.1", odd) == ListEntry("A", "Vehicle", "NoCredit", None, "g" * 21)
    assert fitting("2.1", ListEntry("A", "x" * 21, "Odd")) == ListEntry("A", "Central", "Unknown")
