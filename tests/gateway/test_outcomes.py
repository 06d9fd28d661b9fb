"""What an answer to one of our CALLs says of the command."""

import json

import pytest

from gateway.attempts import Attempt
from gateway.commands import Command, asked
from gateway.effects import Instant
from gateway.frames import Error, FrameError, Result
from gateway.journal import Journal
from gateway.outcomes import misunderstood, outcome, question
from gateway.validation import DEFAULT_QUIRKS
from schemas.catalogue import ACTIONS, VERSIONS, frame_field, json_schema
from tests.gateway.conversation import CODEC, Conversation
from tests.schemas.payloads import full, turns

NOW = Instant(1.0, 1000)
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def asking(version, action, payload):
    """A journal, and an attempt that was asked in it; its event is decoded."""
    command = Command(
        command_id="k",
        action=action,
        payload=json.dumps(payload),
        expires_ms=9000,
        attempt=1,
        written_ms=0,
        message_id="m",
        trace=TRACE,
    )
    journal = Journal(Conversation(version).session.writer, 262_144)
    ask = asked(command, VERSIONS[version], {}.get, 262_144)
    attempt = Attempt(command, ask, 9.0, "open")
    event = question(journal, attempt, NOW)
    assert ("traceparent", TRACE) in event.headers
    return journal, attempt, CODEC.decode(event.value)


def heard(payload, quirks=DEFAULT_QUIRKS, action="Reset", version="1.6"):
    journal, attempt, _ = asking(version, action, {"type": "Soft"} if action == "Reset" else {})
    text = json.dumps([3, "m", payload])
    return outcome(journal, attempt, Result("m", json.dumps(payload).encode()), text, quirks, NOW)


COMMANDS = [
    (version, row)
    for (version, _), row in ACTIONS.items()
    if row.to_station and "request" in row.parts
]


@pytest.mark.parametrize(
    ("version", "row"), COMMANDS, ids=lambda value: getattr(value, "name", value)
)
def test_every_action_is_asked_and_its_answer_read(version, row):
    """All that a central system may ask, in all versions and with all their fields: what is valid
    by the schema is asked as it is, the answer is the result as it is, and both are typed events in
    the topic of the action's block."""
    request, response = (json_schema(version, row.name, part) for part in ("request", "response"))
    for turn in range(max(turns(request), turns(response))):
        sent = full(request, request, turn, doubles=True)
        came = full(response, response, turn, doubles=True)
        journal, attempt, (block, call) = asking(version, row.name, sent)
        kind, message_id, action, payload = json.loads(attempt.asks.text)
        assert (kind, message_id, action, payload) == (2, "m", row.name, sent)
        text = json.dumps([3, "m", came])
        frame = Result("m", json.dumps(came).encode())
        read = outcome(journal, attempt, frame, text, frozenset(), NOW)
        assert read.what == "answered"
        assert json.loads(read.told.response) == came
        topic, result = CODEC.decode(read.event.value)
        assert (block, topic) == (row.block, row.block)
        assert (call["direction"], result["direction"]) == ("to_station", "from_station")
        assert (call["sequence"], result["sequence"], result["call_sequence"]) == (1, 2, 1)
        for record, part in ((call, "request"), (result, "response")):
            assert (record["command_id"], record["deviations"]) == ("k", [])
            fields = {name for name, value in record.items() if isinstance(value, dict)}
            assert fields == {frame_field(version, row.name, part)}


def test_a_null_does_not_undo_what_was_done():
    """Also for a strict station: nobody answers an answer."""
    strict = heard({"status": "Accepted", "statusInfo": None}, frozenset())
    assert strict.what == "bad_answer"  # 1.6 has no such field
    journal, attempt, _ = asking("2.0.1", "Reset", {"type": "Immediate"})
    came = {"status": "Accepted", "statusInfo": None}
    frame = Result("m", json.dumps(came).encode())
    read = outcome(journal, attempt, frame, json.dumps([3, "m", came]), frozenset(), NOW)
    assert (read.what, json.loads(read.told.response)) == ("answered", came)
    assert CODEC.decode(read.event.value)[1]["deviations"] == ["null_field"]


def test_an_answer_that_does_not_fit_is_a_dead_letter_of_the_command():
    """With what it says, and why it was not understood."""
    read = heard({"state": "Accepted"})
    assert (read.what, read.told.error_code) == ("bad_answer", "OccurenceConstraintViolation")
    assert read.told.response == '{"state": "Accepted"}'
    topic, letter = CODEC.decode(read.event.value)
    assert (topic, letter["rule"], letter["path"]) == ("rejected", "missing_field", "$.status")
    assert (letter["command_id"], letter["call_sequence"], letter["answer"]) == ("k", 1, None)
    assert ("traceparent", TRACE) in read.event.headers


def test_lenient_answers_are_taken_with_their_deviations():
    """By the quirks of the station, as its calls are."""
    more = {"status": "Accepted", "data": 7}
    read = heard(more, action="ClearCache")
    assert read.what == "answered"
    assert CODEC.decode(read.event.value)[1]["deviations"] == ["unknown_property"]
    assert heard(more, frozenset(), action="ClearCache").what == "bad_answer"


def test_a_callerror_is_told_with_its_details():
    """Whatever its words; empty details are none."""
    journal, attempt, _ = asking("1.6", "Reset", {"type": "Soft"})
    error = Error("m", "NotImplemented", "no", b'{"password":"x"}')
    read = outcome(journal, attempt, error, "[4]", DEFAULT_QUIRKS, NOW)
    assert (read.what, read.told.error_code, read.told.error_description) == (
        "call_error",
        "NotImplemented",
        "no",
    )
    assert read.told.response == '{"password":"[redacted]"}'
    topic, record = CODEC.decode(read.event.value)
    assert (topic, record["kind"], record["command_id"]) == ("provisioning", "error", "k")
    assert record["error"]["details"] == '{"password":"[redacted]"}'
    plain = outcome(journal, attempt, Error("m", "", "", b"{}"), "[4]", DEFAULT_QUIRKS, NOW)
    assert (plain.told.error_code, plain.told.response) == ("", None)


def test_secrets_of_an_answer_are_redacted_in_event_and_result():
    """A configuration that is read may hold a password."""
    key = {"key": "AuthorizationKey", "readonly": False, "value": "s3cr3t"}
    read = heard({"configurationKey": [key]}, action="GetConfiguration")
    assert "s3cr3t" not in read.told.response + str(CODEC.decode(read.event.value))
    assert read.what == "answered"


def test_a_frame_that_is_none_is_a_bad_answer():
    """Its rule, and no words of the station."""
    journal, attempt, _ = asking("1.6", "Reset", {"type": "Soft"})
    error = FrameError("arity", None, "the frame has 2 elements", message_id="m")
    read = misunderstood(journal, attempt, error, '[3,"m"]', NOW)
    assert (read.what, read.told.error_description) == (
        "bad_answer",
        "arity: the frame has 2 elements",
    )
    assert (read.told.response, read.told.error_code) == (None, None)
