"""consumers.authorizations.deciding: what a station is told of a token."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.authorizations.deciding import Known, Rules, Verdict, decide, group_of
from consumers.authorizations.tokens import compared
from tests.consumers.asking import (
    NOON,
    answered,
    asked,
    authorize,
    issued,
    removed,
    started,
    stopped,
    tables,
    updated,
)

RULES = Rules()


def known(question, *facts):
    """What the tables know for a question after these facts; of `others` all that are told."""
    found = tables(*facts)
    tokens = {row["token"]: row for row in found["id_tokens"]}
    token = tokens.get(compared(question.token))
    place = question.at.station, question.transaction
    uses = {(row["station"], row["transaction_id"]): row for row in found["token_uses"]}
    others = [
        row
        for row in uses.values()
        if row["token"] == compared(question.token)
        and row["ended_ms"] is None
        and row["status"] in (None, "Accepted")
    ]
    group = tokens.get(group_of(token) or "")
    return Known(token=token, group=group, use=uses.get(place), others=others)


def told(question, *facts, rules=RULES):
    """The verdict on a question after these facts."""
    return decide(question, known(question, *facts), rules)


def status(question, *facts, **rules):
    return told(question, *facts, rules=replace(RULES, **rules)).status


ISSUED = issued("A", group="G", expires_ms=NOON * 2)


def test_an_issued_token_is_accepted():
    """With its group and its end, in whatever case it comes."""
    for spelling in ("A", "a"):
        assert told(authorize(1, spelling), ISSUED) == Verdict(
            status="Accepted", reason="token", group="G", expires_ms=NOON * 2
        )


@pytest.mark.parametrize("word", ["Blocked", "Invalid", "NoCredit", "Expired", "NotAtThisTime"])
def test_any_other_status_is_told_as_issued(word):
    """Without an end: that is for what may charge."""
    found = told(authorize(1), issued("A", status=word, group="G", expires_ms=NOON * 2))
    assert found == Verdict(status=word, reason="token", group="G")


def test_a_token_expires():
    """By the gateway's clock when it was asked; blocked goes before expired."""
    until = NOON + 1000
    assert status(authorize(1), issued("A", expires_ms=until)) == "Accepted"
    assert told(authorize(2), issued("A", expires_ms=until)) == Verdict(
        status="Expired", reason="token"
    )
    assert status(authorize(2), issued("A", status="Blocked", expires_ms=until)) == "Blocked"


def test_a_token_that_nobody_has_issued():
    """Nor one that was taken away: what is said is a setting."""
    for facts in ((), (issued("A", 1), removed("A", 2))):
        assert told(authorize(1), *facts) == Verdict(status="Unknown", reason="unknown")
        assert status(authorize(1), *facts, unknown_tokens="accept") == "Accepted"


def test_a_blocked_group_blocks_its_members():
    """Where the token that stands for it is issued itself; else it is but a name."""
    assert status(authorize(1), ISSUED, issued("g")) == "Accepted"
    assert told(authorize(1), ISSUED, issued("g", status="Blocked", token_type="Local")) == Verdict(
        status="Blocked", reason="group", group="G", group_type="Local"
    )
    assert status(authorize(1), ISSUED, issued("G", expires_ms=NOON)) == "Expired"
    assert status(authorize(1), ISSUED, issued("G", 1), removed("G", 2)) == "Accepted"
    own = issued("A", status="Invalid", group="G")
    assert status(authorize(1), own, issued("G", status="Blocked")) == "Invalid"


@pytest.mark.parametrize(
    ("token", "token_type"), [(None, None), ("", None), ("", "NoAuthorization"), ("x", None)]
)
def test_who_names_no_token(token, token_type):
    """Is told what the setting says; a token is no free charging."""
    question = authorize(1, token, token_type=token_type)
    free = token != "x"
    assert status(question) == ("Accepted" if free else "Unknown")
    assert status(question, free_charging="invalid") == ("Invalid" if free else "Unknown")
    if free:
        assert told(question).reason == "free"


def test_a_repeated_start_is_told_the_same():
    """Also where the token was blocked meanwhile, or the transaction is itself a use of it."""
    first, again = started(1), started(5)
    facts = [ISSUED, first, answered(2, "Accepted", group="OLD"), issued("A", 9, status="Blocked")]
    assert told(asked(again), *facts, again) == Verdict(
        status="Accepted", reason="told before", group="OLD"
    )
    refused = [ISSUED, first, answered(2, "ConcurrentTx"), again]
    assert told(asked(again), *refused) == Verdict(status="ConcurrentTx", reason="told before")
    assert told(asked(again), ISSUED, first, answered(2), again).expires_ms == NOON * 2


def test_a_start_after_the_end_is_no_repetition():
    """A clock of 1970 and no meter give all transactions of a token one id."""
    blocked = issued("A", status="Blocked")
    facts = [blocked, started(1), answered(2), stopped(3), started(4)]
    assert status(asked(started(4)), *facts) == "Blocked"
    assert status(asked(started(1, epoch=2)), *facts) == "Blocked"


def test_another_token_in_a_running_transaction_is_judged_by_itself():
    """It is there to stop it, so it begins no use; nor does it inherit what was told (2.x)."""
    facts = [issued("A"), issued("B", 2), started(1, evse=1), answered(2)]
    other = updated(3, "B")
    elsewhere = started(1, "B", station="CS-2")
    assert told(asked_2(other), *facts, other, elsewhere).status == "Accepted"
    assert status(asked_2(updated(3, "C")), *facts) == "Unknown"
    assert told(asked_2(updated(4, "a")), *facts).reason == "told before"


def asked_2(update):
    """The question that goes with an update of 2.x."""
    start = started(0, update.token, update.transaction, evse=1)
    return asked(replace(start, at=update.at), "2.0.1")


def test_a_token_is_used_once_at_a_time():
    """Whoever began earlier keeps it; what is asked with Authorize may be there to stop."""
    here, there = started(5, station="CS-2"), started(1, "a")
    assert told(asked(here), ISSUED, there, here) == Verdict(
        status="ConcurrentTx", reason="concurrent use", group="G"
    )
    assert status(asked(there), ISSUED, there, here) == "Accepted"
    assert status(asked(here), ISSUED, there, here, concurrent_use="allow") == "Accepted"
    assert status(authorize(5, station="CS-2"), ISSUED, there) == "Accepted"
    assert status(asked(here), issued("A", status="Blocked"), there, here) == "Blocked"
    assert status(asked(here), there, here, unknown_tokens="accept") == "ConcurrentTx"


def test_another_connector_is_another_place():
    """A second car of the same station, with the same card."""
    first, second = started(1), started(5, transaction="18", connector=2)
    assert status(asked(second), ISSUED, first, second) == "ConcurrentTx"


def test_the_same_connector_is_the_same_place():
    """A transaction there is over when the next begins: its Stop was lost."""
    first, second = started(1), started(5, transaction="18")
    assert status(asked(second), ISSUED, first, answered(2), second) == "Accepted"


def test_a_repetition_that_was_never_answered_began_when_it_was_first_told():
    """A gateway died between: its station comes first all the same."""
    first, other, again = started(1), started(3, station="CS-2"), started(9)
    assert status(asked(again), ISSUED, first, other, again) == "Accepted"


def test_who_was_accepted_already_keeps_the_token():
    """Also where the other began earlier, and is decided later: never two at once."""
    late, other = started(1), started(3, station="CS-2")
    assert status(asked(late), ISSUED, late, other, answered(4, station="CS-2")) == "ConcurrentTx"


def test_the_use_of_a_token_begins_with_the_token():
    """Not with the cable that was plugged in before it (2.x)."""
    cable, card = started(1, None, evse=1), updated(9)
    other = started(5, station="CS-2")
    assert status(asked_2(card), ISSUED, cable, card, other) == "ConcurrentTx"
    assert status(asked(other), ISSUED, cable, card, other) == "Accepted"


@given(st.integers(0, 3), st.integers(0, 3))
def test_of_two_starts_at_once_exactly_one_wins(one_ms, other_ms):
    """Whoever decides about which: the earlier, then the one with the lesser event id."""
    first = started(1, observed_ms=NOON + one_ms)
    second = started(1, station="CS-2", observed_ms=NOON + other_ms)
    verdicts = [status(asked(start), ISSUED, first, second) for start in (first, second)]
    expected = ["Accepted", "ConcurrentTx"]
    assert verdicts == (expected if one_ms <= other_ms else expected[::-1])


@given(st.data())
def test_a_decision_does_not_depend_on_which_topic_is_read_first(data):
    """Tokens, starts and answers may come in any order, and more than once."""
    question = started(6, station="CS-2", connector=2)
    facts = [
        issued("A", 1, group="G"),
        issued("G", 2, status=data.draw(st.sampled_from(["Accepted", "Blocked"]))),
        started(1),
        answered(2, data.draw(st.sampled_from(["Accepted", "Blocked"]))),
        started(1, "B", station="CS-2"),
        question,
        *data.draw(st.lists(st.sampled_from([stopped(3), started(4), removed("A", 5)]))),
    ]
    expected = told(asked(question), *facts)
    mixed = data.draw(st.permutations(facts))
    assert told(asked(question), *mixed, *data.draw(st.permutations(facts))) == expected
