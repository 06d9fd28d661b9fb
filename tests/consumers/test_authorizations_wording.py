"""consumers.authorizations.wording: valid by the schema of each version, and in its words."""

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.authorizations.wording import authorization_response
from schemas.catalogue import json_schema

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
ASKED = (
    ("1.6", "Authorize"),
    ("1.6", "StartTransaction"),
    ("2.0.1", "Authorize"),
    ("2.0.1", "TransactionEvent"),
    ("2.1", "Authorize"),
    ("2.1", "TransactionEvent"),
)
ALL = pytest.mark.parametrize(("version", "action"), ASKED)
STATUSES = (
    *("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"),
    *("NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime", "Unknown", "Maybe"),
)


def info(response):
    """What is said of the token, in either version."""
    return response.get("idTagInfo") or response["idTokenInfo"]


@given(
    st.sampled_from(ASKED),
    st.sampled_from(STATUSES),
    st.none() | st.text(max_size=300),
    st.none() | st.sampled_from(["Central", "eMAID", "EVCCID", "x" * 30]),
    st.none() | st.integers(-(2**63), 2**63),
)
def test_every_answer_is_valid_by_its_schema(asked, status, group, group_type, expires_ms):
    """Whatever the platform has issued: an answer that is not would be ignored by the gateway."""
    version, action = asked
    response = authorization_response(
        version,
        action,
        status,
        group=group,
        group_type=group_type,
        expires_ms=expires_ms,
        transaction="17",
    )
    jsonschema.validate(response, json_schema(version, action, "response"))


@ALL
def test_all_that_is_known_is_said(version, action):
    """Status, end and group; a time ends in Z, since +00:00 upsets stations."""
    response = authorization_response(
        version, action, "Accepted", group="G", group_type="eMAID", expires_ms=NOON + 5
    )
    said = dict(info(response))
    assert said.pop("status") == "Accepted"
    until = said.pop("expiryDate" if version == "1.6" else "cacheExpiryDateTime")
    assert until == "2026-11-21T12:00:00.005Z"
    (group,) = said.values()
    assert group in ("G", {"idToken": "G", "type": "eMAID"})


@ALL
def test_what_is_not_known_is_left_out(version, action):
    """No null, no empty text: both are values for some stations."""
    assert info(authorization_response(version, action, "Blocked", group="")) == {
        "status": "Blocked"
    }


@pytest.mark.parametrize(
    ("status", "old", "new"),
    [
        ("Unknown", "Invalid", "Unknown"),
        ("NoCredit", "Blocked", "NoCredit"),
        ("NotAtThisTime", "Blocked", "NotAtThisTime"),
        ("ConcurrentTx", "ConcurrentTx", "ConcurrentTx"),
        ("Perhaps", "Invalid", "Invalid"),
    ],
)
def test_a_word_that_a_version_lacks_is_the_nearest(status, old, new):
    """1.6 has five; a word of nobody's lets nobody charge."""
    for version, action in ASKED:
        word = info(authorization_response(version, action, status))["status"]
        assert word == (old if version == "1.6" else new)


def test_a_group_that_is_too_long_is_left_out():
    """Cut off it would be another group, whose members could stop the transaction."""
    for version, action in ASKED:
        long = {"1.6": 20, "2.0.1": 36, "2.1": 255}[version]
        assert len(info(authorization_response(version, action, "Accepted", group="G" * long))) == 2
        more = authorization_response(version, action, "Accepted", group="G" * (long + 1))
        assert info(more) == {"status": "Accepted"}


def test_a_type_that_a_version_lacks_is_central():
    """2.1 has types that 2.0.1 does not know."""
    for version, expected in (("2.0.1", "Central"), ("2.1", "EVCCID")):
        said = authorization_response(
            version, "Authorize", "Accepted", group="G", group_type="EVCCID"
        )
        assert info(said)["groupIdToken"]["type"] == expected


def test_a_start_is_told_its_transaction():
    """The one that the gateway computes too, so that the decision alone is valid."""
    said = authorization_response("1.6", "StartTransaction", "Accepted", transaction="17")
    assert said == {"idTagInfo": {"status": "Accepted"}, "transactionId": 17}


def test_what_names_no_token_has_no_such_answer():
    """Whoever asks for one has made a mistake."""
    with pytest.raises(KeyError):
        authorization_response("2.0.1", "StartTransaction", "Accepted")
    with pytest.raises(KeyError):
        authorization_response("1.6", "Heartbeat", "Accepted")
