"""consumers.meaning.tokens: what is asked and answered of tokens."""

import json

import pytest

from consumers.meaning.facts import At, AuthorizationAnswered, AuthorizationAsked
from consumers.meaning.facts_table import facts_of
from tests.consumers.hearing import commanded, conversation, exchange, facts, one, told
from tests.gateway.conversation import NOON

ASKED = At("CS-1", 77, 1, NOON, "77.1.CS-1")
ANSWERED = At("CS-1", 77, 2, NOON, "77.2.CS-1")
V2 = ("2.0.1", "2.1")
both = pytest.mark.parametrize("version", V2)


def decided(version, call, **decision):
    """The facts of an Authorize that a service decides, without that of the connection."""
    talk = conversation(version, ("Authorize", call), decided=frozenset({"Authorize"}))
    talk.decide(talk.events[-1][1]["event_id"], **decision)
    return facts(talk.events)[1:]


def test_authorize_of_1_6():
    """A service has five seconds to decide; the answer alone does not say which token it is of."""
    info = {"status": "Blocked", "parentIdTag": "G"}
    assert decided("1.6", {"idTag": "A1"}, response=json.dumps({"idTagInfo": info})) == [
        AuthorizationAsked(ASKED, "1.6", "Authorize", "A1", decide_by_ms=NOON + 5000),
        AuthorizationAnswered(ANSWERED, "A1", None, "Blocked", "G"),
    ]


@both
def test_authorize_of_2_x(version):
    """Tokens have a type there; the group is a token too."""
    token, group = ({"idToken": name, "type": "eMAID"} for name in ("A1", "G"))
    info = {"status": "NoCredit", "groupIdToken": group}
    response = json.dumps({"idTokenInfo": info})
    assert decided(version, {"idToken": token}, response=response) == [
        AuthorizationAsked(ASKED, version, "Authorize", "A1", "eMAID", NOON + 5000),
        AuthorizationAnswered(ANSWERED, "A1", "eMAID", "NoCredit", "G"),
    ]


@pytest.mark.parametrize(
    ("version", "call"),
    [("1.6", {"idTag": "A1"}), ("2.1", {"idToken": {"idToken": "A1", "type": "Central"}})],
)
def test_authorize_that_nobody_could_decide(version, call):
    """The station hears an error, which is no status."""
    _, answered = decided(version, call, error_code="InternalError")
    assert (answered.token, answered.status) == ("A1", None)


def test_authorize_that_nobody_is_asked_about():
    """Nothing is decided that is not listed."""
    asked, answered = facts(conversation("1.6", ("Authorize", {"idTag": "A1"})).events[1:])
    assert (asked.decide_by_ms, answered.status) == (None, "Accepted")


def test_an_answer_whose_call_is_lost_is_none():
    """Nobody knows the token."""
    response = {"idTagInfo": {"status": "Accepted"}}
    topic, record = exchange("1.6", "Authorize", {"idTag": "A1"}, response)[1]
    assert facts_of(topic, record, 0, None) == []
    assert len(commanded("1.6", "Authorize", {"idTag": "A1"}, response)) == 2


@pytest.mark.parametrize(
    ("sent", "token"), [("", ""), ("é; ", "é; "), (17, "17"), (None, None), ("x" * 21, "x" * 21)]
)
def test_tokens_as_stations_write_them(sent, token):
    """Empty, too long, no text: the token stays as it was sent."""
    call = {"connectorId": 1, "idTag": sent, "meterStart": 0, "timestamp": "2026-11-21T12:00:00Z"}
    started, asked = told("1.6", "StartTransaction", call)
    assert asked.token == started.token == token
    assert asked.transaction == started.transaction


def test_a_token_without_end():
    """It is a key of tables, which have a limit; equal ones stay equal, others do not."""

    def asked(token):
        return one(told("1.6", "Authorize", {"idTag": token})).token

    long, other = asked("x" * 9000), asked("x" * 8999 + "y")
    assert len(long) == 255
    assert long == asked("x" * 9000) != other


@both
@pytest.mark.parametrize("kind", ["Started", "Updated", "Ended"])
def test_a_transaction_event_asks_where_it_names_a_token(version, kind):
    """So the same frame says two things; one without a token asks nothing."""
    call = {
        "eventType": kind, "timestamp": "2026-11-21T12:00:00Z", "triggerReason": "Authorized",
        "seqNo": 0, "transactionInfo": {"transactionId": "tx"}, "offline": True,
    }  # fmt: skip
    assert len(told(version, "TransactionEvent", call)) == 1
    token = {"idToken": {"idToken": "A1", "type": "Central"}}
    _, asked = told(version, "TransactionEvent", call | token)
    assert asked == AuthorizationAsked(
        ASKED, version, "TransactionEvent", "A1", "Central", transaction="tx", offline=True
    )
