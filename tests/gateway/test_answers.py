"""Answers on their way out: as text, and as a record."""

import json

import pytest

from gateway.answers import Decision, answer, judged
from gateway.replies import ErrorReply
from schemas.catalogue import VERSIONS

V16, V201 = VERSIONS["1.6"], VERSIONS["2.0.1"]


def decided(response=None, action="BootNotification", version=V16, **error):
    text = response if response is None or isinstance(response, str) else json.dumps(response)
    return judged(version, action, "CS-1", {}, Decision("77.1.CS-1", text, **error))


def test_a_response_is_text_and_record_at_once():
    """The text in the order of the schema, the record with its times as numbers."""
    out = answer(
        V16,
        "BootNotification",
        "7",
        {"status": "Accepted", "currentTime": "1970-01-01T00:00:01Z", "interval": 9},
    )
    assert out.text == (
        '[3,"7",{"status":"Accepted","currentTime":"1970-01-01T00:00:01Z","interval":9}]'
    )
    assert out.record == {"status": "Accepted", "currentTime": 1000, "interval": 9}
    assert (out.kind, out.deviations) == ("result", ())


def test_an_error_has_the_word_of_the_version():
    """In the text and in the record alike."""
    for version, word in ((V16, "FormationViolation"), (V201, "FormatViolation")):
        out = answer(version, "Authorize", "7", ErrorReply("FormatViolation", "no"))
        assert json.loads(out.text) == [4, "7", word, "no", {}]
        assert out.record == {"code": word, "description": "no", "details": "{}"}
        assert out.kind == "error"


def test_what_the_record_of_a_decided_response_cannot_hold_is_named():
    """An offset, or a number over 64 bits: the station gets it, the event says so."""
    response = {"status": "Accepted", "currentTime": "2026-11-21T12:00:00+01:00", "interval": 2**70}
    out = answer(V16, "BootNotification", "7", decided(response))
    assert json.loads(out.text)[2] == response
    assert out.deviations == ("inexact_timestamp", "oversize_number")
    assert (out.record["status"], out.record["currentTime"]) == ("Accepted", None)


def test_secrets_go_to_the_station_but_not_into_the_record():
    """A service may hand one over in the data of a vendor."""
    response = {"status": "Accepted", "data": '{"AuthorizationKey":"s3cr3t"}'}
    out = answer(V16, "DataTransfer", "7", decided(response, "DataTransfer"))
    assert "s3cr3t" in out.text
    assert "s3cr3t" not in json.dumps(out.record)


@pytest.mark.parametrize(
    "response",
    [
        None,
        "",
        "no JSON",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        '{"idTagInfo":{"status":"Maybe"}}',
        '{"idTagInfo":{"status":"Accepted"},"more":1}',
        '{"idTagInfo":{"status":"Accepted","expiryDate":"tomorrow"}}',
        '{"idTagInfo":{"status":"Accepted","parentIdTag":"\\ud800"}}',
        '{"idTokenInfo":{"status":"Accepted"}}',
    ],
)
def test_a_response_that_is_not_valid_decides_nothing(response):
    """No quirk is for services: what they say goes to a station."""
    assert decided(response, "Authorize") is None


def test_a_decided_error_is_a_word_that_ocpp_has():
    """In its 2.x spelling; its description is cut to what fits a frame."""
    assert decided(error_code="NoSuchWord") is None
    assert decided(error_code="SecurityError") == ErrorReply("SecurityError", "")
    reply = decided(error_code="GenericError", error_description="d" * 300)
    assert reply == ErrorReply("GenericError", "d" * 255)
