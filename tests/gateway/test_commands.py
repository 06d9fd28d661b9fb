"""A command as the CALL that asks it, or the verdict that it cannot be asked."""

import json

import pytest

from gateway.commands import Ask, Verdict, asked, command_of, ordered
from schemas.catalogue import VERSIONS, json_schema
from schemas.forms import form
from schemas.replying import ReplyTo
from tests.schemas.payloads import full

LIMIT = 262_144
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
RECORD = {
    "command_id": "k",
    "station": "CS-1",
    "action": "Reset",
    "payload": '{"type":"Soft"}',
    "expires_at": 5000,
    "when_offline": "fail",
    "attempt": 2,
    "requested_by": None,
}


def command(action="Reset", payload='{"type":"Soft"}', headers=()):
    return command_of(RECORD | {"action": action, "payload": payload}, headers, 4000, "m-1")


def ask(action, payload, version="1.6", secrets=None, limit=LIMIT):
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return asked(command(action, text), VERSIONS[version], (secrets or {}).get, limit)


def test_a_command_is_what_its_record_says():
    """With the time when it came into the log, and an id for its CALL."""
    one = command()
    assert (one.key, one.expires_ms, one.written_ms) == (("k", 2), 5000, 4000)
    assert (one.message_id, one.reply_to, one.trace) == ("m-1", None, None)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"kafka_replyTopic": b"replies"}, ReplyTo("replies", None, None)),
        (
            {
                "kafka_replyTopic": b"replies",
                "kafka_replyPartition": b"\x00\x00\x00\x05",
                "kafka_correlationId": b"\x00\xff",
            },
            ReplyTo("replies", 5, b"\x00\xff"),
        ),
        ({"kafka_replyTopic": b"r", "kafka_replyPartition": b"7"}, ReplyTo("r", 7, None)),
        ({"kafka_replyTopic": b"r", "kafka_replyPartition": b"x"}, ReplyTo("r", None, None)),
        ({"kafka_replyTopic": b"not a topic"}, None),
        ({"kafka_replyTopic": b""}, None),
        ({"kafka_correlationId": b"1"}, None),
    ],
)
def test_reply_headers_are_those_of_spring_for_apache_kafka(headers, expected):
    """Four bytes for the partition; digits are taken too."""
    assert command(headers=tuple(headers.items())).reply_to == expected


@pytest.mark.parametrize(("sent", "kept"), [(TRACE, TRACE), (b"00-1", None), (b"\r\n", None)])
def test_only_a_traceparent_that_is_one_goes_on(sent, kept):
    """W3C Trace Context: what it does not have, readers would have to guess."""
    assert command(headers=(("traceparent", sent),)).trace == kept


@pytest.mark.parametrize(
    ("action", "payload", "version", "outcome", "code", "description"),
    [
        ("Fly", {}, "1.6", "unsupported", None, "OCPP 1.6 has no such action"),
        ("SetVariables", {}, "1.6", "unsupported", None, "OCPP 1.6 has no such action"),
        ("ChangeConfiguration", {}, "2.1", "unsupported", None, "OCPP 2.1 has no such action"),
        (
            "NotifyPeriodicEventStream",
            {},
            "2.1",
            "unsupported",
            None,
            "OCPP 2.1 has no station that is asked this",
        ),
        (
            "Reset",
            {},
            "1.6",
            "invalid",
            "OccurenceConstraintViolation",
            "missing_field: $.type: a required field is absent or null",
        ),
        (
            "Reset",
            {"type": "Immediate", "evseId": "1"},
            "2.0.1",
            "invalid",
            "TypeConstraintViolation",
            "quoted_value: $.evseId: a number or boolean written as text",
        ),
        ("Reset", "[]", "1.6", "invalid", "FormationViolation", None),
        ("Reset", "null", "1.6", "invalid", "FormationViolation", None),
        ("Reset", '{"type":"Soft","type":"Hard"}', "1.6", "invalid", "FormationViolation", None),
        (
            "Reset",
            "{",
            "1.6",
            "invalid",
            None,
            "not_json: the payload is not JSON that can be read",
        ),
        ("Reset", "[" * 5000, "1.6", "invalid", None, None),
        ("Reset", '{"type":"\\ud800"}', "1.6", "invalid", None, None),
        (
            "Reset",
            {"type": {"$secret": "none"}},
            "1.6",
            "invalid",
            None,
            "no secret of this name is held: none",
        ),
    ],
)
def test_what_cannot_be_asked_says_why(action, payload, version, outcome, code, description):
    """The outcome, the error word of the version, and rule and path for people."""
    verdict = ask(action, payload, version)
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.code) == (outcome, code)
    assert description in (None, verdict.description)


def test_a_frame_over_the_limit_is_not_asked():
    """The event of it would not fit into the log."""
    entry = {"idTag": "A" * 20}
    lists = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [entry] * 100}
    assert isinstance(ask("SendLocalList", lists), Ask)
    verdict = ask("SendLocalList", lists, limit=1000)
    assert (verdict.outcome, verdict.description) == (
        "invalid",
        "frame_too_large: more than 1000 bytes",
    )


def test_keys_go_out_in_the_order_of_the_schema_at_every_depth():
    """One test kit of stations compares texts."""
    entry = '{"idTagInfo":{"status":"Accepted","expiryDate":"2026-01-01T00:00:00Z"},"idTag":"A"}'
    text = f'{{"updateType":"Full","localAuthorizationList":[{entry}],"listVersion":3}}'
    assert ask("SendLocalList", text).text == (
        '[2,"m-1","SendLocalList",{"listVersion":3,"localAuthorizationList":[{"idTag":"A",'
        '"idTagInfo":{"expiryDate":"2026-01-01T00:00:00Z","status":"Accepted"}}],'
        '"updateType":"Full"}]'
    )


@pytest.mark.parametrize("action", ["SetChargingProfile", "RequestStartTransaction"])
def test_ordering_loses_nothing(action):
    """Whatever order the keys come in; the vendor's own come last."""
    schema = json_schema("2.1", action, "request")
    payload = full(schema, schema, 1)
    whole = form("2.1", action, "request")

    def backwards(value):
        match value:
            case dict():
                return {key: backwards(value[key]) for key in reversed(value)}
            case list():
                return [backwards(item) for item in value]
        return value

    turned = ordered(whole, backwards(payload))
    assert turned == payload
    assert json.dumps(ordered(whole, turned)) == json.dumps(turned)
    assert list(turned) == [field.name for field in whole.fields]
    assert list(turned["customData"])[-1] == "vendor's own"


def test_a_secret_is_in_the_frame_and_nowhere_else():
    """It is checked as the text that it is, and the log has a word in its place."""
    payload = {"key": "VendorsOwn", "value": {"$secret": "pin"}}
    one = ask("ChangeConfiguration", payload, secrets={"pin": "1234"})
    assert json.loads(one.text)[3] == {"key": "VendorsOwn", "value": "1234"}
    assert (one.record["value"], json.loads(one.shown)[3]["value"]) == ("[redacted]",) * 2
    long = ask("ChangeConfiguration", payload, secrets={"pin": "x" * 501})
    assert long.description.startswith("over_long_text: $.value")
    plain = ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": "s3cr3t"})
    assert "s3cr3t" in plain.text
    assert "s3cr3t" not in plain.shown + json.dumps(plain.record)


def test_what_stands_beside_the_word_is_no_secret():
    """Only an object that names one and nothing else."""
    odd = {"vendorId": "v", "data": '{"$secret":"pin"}'}
    assert json.loads(ask("DataTransfer", odd, secrets={"pin": "1"}).text)[3] == odd
    beside = {"vendorId": "v", "data": {"$secret": "pin", "more": 1}}
    one = ask("DataTransfer", beside, "2.0.1", {"pin": "1"})
    assert json.loads(one.text)[3] == beside
