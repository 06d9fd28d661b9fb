"""What every call of a station is answered, and who decides it."""

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.replies import (
    REPLIES,
    Context,
    ErrorReply,
    Policy,
    completed,
    reply,
    timestamp,
    waits,
)
from gateway.validation import check
from schemas.catalogue import ACTIONS, VERSIONS, json_schema
from schemas.identity import transaction_id
from tests.schemas.payloads import full, turns

NOW_MS = 1_706_745_599_007
NOW = "2024-01-31T23:59:59.007Z"
CONTEXT = Context("CS-1", NOW_MS, Policy())
CALLS = sorted(key for key, row in ACTIONS.items() if row.from_station and "request" in row.parts)
NEVER = frozenset()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)  # fmt: skip
NAMES = sorted({name for key in CALLS for name in json_schema(*key, "request")["properties"]})


def context(**policy):
    return Context("CS-1", NOW_MS, Policy(**policy))


def assert_valid(version, action, answer):
    if isinstance(answer, ErrorReply):
        assert answer.code in VERSIONS[version].error_codes
        assert 0 < len(answer.description) <= 255
        return
    schema = json_schema(version, action, "response")
    jsonschema.validate(answer, schema)
    check(version, action, "response", msgspec.json.encode(answer), NEVER)
    # Some stations and test kits compare the keys in the order of the schema.
    assert list(answer) == [name for name in schema.get("properties", ()) if name in answer]


def test_every_call_of_a_station_has_an_answer():
    """The table has all of them, in each version, and nothing else."""
    assert sorted(REPLIES) == CALLS


@pytest.mark.parametrize(("version", "action"), CALLS)
def test_answers_are_valid(version, action):
    """By the schema of the response, for every valid request; errors only where it is meant."""
    root = json_schema(version, action, "request")
    for turn in range(turns(root)):
        answer = reply(version, action, full(root, root, turn), CONTEXT)
        assert_valid(version, action, answer)
        assert isinstance(answer, dict)


@given(st.sampled_from(CALLS), st.dictionaries(st.sampled_from(NAMES), JSON))
def test_answers_are_valid_for_what_is_not(call, payload):
    """Calls are taken with fields missing and of any type: there is a valid answer all the same."""
    assert_valid(*call, reply(*call, payload, CONTEXT))


@pytest.mark.parametrize(
    ("version", "action", "payload", "answer"),
    [
        ("1.6", "Heartbeat", {}, {"currentTime": NOW}),
        ("1.6", "Authorize", {"idTag": "A"}, {"idTagInfo": {"status": "Accepted"}}),
        ("1.6", "StopTransaction", {"transactionId": 9, "idTag": "A"}, {}),
        ("1.6", "StopTransaction", {}, {}),
        ("1.6", "MeterValues", {}, {}),
        ("1.6", "DataTransfer", {"vendorId": "x"}, {"status": "UnknownVendorId"}),
        ("1.6", "SignCertificate", {"csr": "x"}, {"status": "Rejected"}),
        ("2.0.1", "TransactionEvent", {"eventType": "Updated"}, {}),
        (
            "2.0.1",
            "TransactionEvent",
            {"eventType": "Started", "idToken": {"idToken": "A", "type": "Local"}},
            {"idTokenInfo": {"status": "Accepted"}},
        ),
        ("2.0.1", "NotifyEVChargingNeeds", {}, {"status": "Rejected"}),
        ("2.1", "NotifyEVChargingNeeds", {}, {"status": "NoChargingProfile"}),
        ("2.1", "Get15118EVCertificate", {}, {"status": "Failed", "exiResponse": ""}),
        ("2.1", "OpenPeriodicEventStream", {}, {"status": "Accepted"}),
        ("2.1", "BatterySwap", {"eventType": "BatteryIn"}, {}),
        (
            "2.1",
            "VatNumberValidation",
            {"vatNumber": "NL1"},
            {"vatNumber": "NL1", "status": "Rejected"},
        ),
    ],
)
def test_answers_claim_nothing_that_nobody_knows(version, action, payload, answer):
    """What keeps a station going is accepted, a wish is rejected, news is taken."""
    assert reply(version, action, payload, CONTEXT) == answer


def test_certificates_come_back_as_failed():
    """Those that can be named in a valid answer; when there are none, an error."""
    data = {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": "a",
        "issuerKeyHash": "b",
        "serialNumber": "1",
    }
    one = {"source": "OCSP", "urls": ["http://x"], "certificateHashData": data}
    broken = one | {"certificateHashData": data | {"serialNumber": "1" * 41}}
    answer = reply(
        "2.1", "GetCertificateChainStatus", {"certificateStatusRequests": [broken, one]}, CONTEXT
    )
    assert answer == {
        "certificateStatus": [
            {"certificateHashData": data, "source": "OCSP", "status": "Failed", "nextUpdate": NOW}
        ]
    }
    many = reply(
        "2.1", "GetCertificateChainStatus", {"certificateStatusRequests": [one] * 5}, CONTEXT
    )
    assert_valid("2.1", "GetCertificateChainStatus", many)
    unnamed = one | {"certificateHashData": data | {"hashAlgorithm": ["SHA256"]}}
    for asked in ([broken], [unnamed], [], "x"):
        answer = reply(
            "2.1", "GetCertificateChainStatus", {"certificateStatusRequests": asked}, CONTEXT
        )
        assert answer == ErrorReply("NotSupported", "certificate status is not available here")


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("registration", ["Accepted", "Pending", "Rejected"])
def test_a_boot_is_answered_by_the_station_s_registration(version, registration):
    """With an interval that is never 0, which would leave the next boot to the station."""
    for interval_s, sent in ((60, 60), (0, 1)):
        answer = reply(
            version,
            "BootNotification",
            {},
            context(registration=registration, interval_s=interval_s),
        )
        assert answer == {"status": registration, "currentTime": NOW, "interval": sent}


@pytest.mark.parametrize(
    ("version", "info"), [("1.6", "idTagInfo"), ("2.0.1", "idTokenInfo"), ("2.1", "idTokenInfo")]
)
def test_authorize_falls_back_as_configured(version, info):
    """Accepted, Invalid, or an error that leaves the station's cache alone."""
    answers = {
        fallback: reply(version, "Authorize", {}, context(authorize=fallback))
        for fallback in ("accept", "invalid", "error")
    }
    assert answers["accept"] == {info: {"status": "Accepted"}}
    assert answers["invalid"] == {info: {"status": "Invalid"}}
    assert isinstance(answers["error"], ErrorReply)
    assert answers["error"].code == "InternalError"


@pytest.mark.parametrize(
    ("now_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOW_MS, NOW),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        (4_102_444_800_999, "2100-01-01T00:00:00.999Z"),
    ],
)
def test_times_have_one_form(now_ms, text):
    """Milliseconds and Z, always: +00:00 and missing fractions upset stations."""
    assert timestamp(now_ms) == text


START = {
    "connectorId": 1,
    "idTag": "04A1B2C3",
    "timestamp": "2024-01-31T23:59:59Z",
    "meterStart": 1234,
}


def test_a_repeated_start_gets_the_same_answer():
    """Also when a service decides it, and whatever id that gives."""
    own = reply("1.6", "StartTransaction", START, CONTEXT)
    assert own == {
        "idTagInfo": {"status": "Accepted"},
        "transactionId": transaction_id("CS-1", START),
    }
    blocked = {"idTagInfo": {"status": "Blocked"}}
    for decision in (blocked, blocked | {"transactionId": 0}):
        answer = completed("1.6", "StartTransaction", "CS-1", START, decision)
        assert answer == blocked | {"transactionId": own["transactionId"]}


@pytest.mark.parametrize("response", [{"status": "Accepted"}, {}, None, [1], "x"])
def test_other_decisions_are_left_as_they_are(response):
    """Their validity is judged elsewhere."""
    assert completed("1.6", "DataTransfer", "CS-1", {}, response) == response
    assert completed("2.0.1", "TransactionEvent", "CS-1", {}, response) == response
    assert completed("1.6", "Unheard", "CS-1", {}, response) == response


EVENT = {"eventType": "Started", "offline": False, "idToken": {"idToken": "A", "type": "Local"}}


@pytest.mark.parametrize(
    ("version", "action", "payload", "decided", "expected"),
    [
        ("1.6", "Authorize", {}, (), False),
        ("1.6", "Authorize", {}, ("Authorize",), True),
        ("2.1", "BootNotification", {}, ("BootNotification",), True),
        ("1.6", "StartTransaction", START, ("Authorize",), False),
        ("1.6", "StopTransaction", {}, ("StopTransaction",), False),
        ("2.0.1", "TransactionEvent", EVENT, ("TransactionEvent",), True),
        ("2.0.1", "TransactionEvent", {}, ("TransactionEvent",), False),
        ("2.1", "TransactionEvent", EVENT | {"idToken": None}, ("TransactionEvent",), False),
        ("2.0.1", "TransactionEvent", EVENT | {"offline": True}, ("TransactionEvent",), False),
        ("2.0.1", "TransactionEvent", EVENT | {"eventType": "Ended"}, ("TransactionEvent",), False),
        ("1.6", "DataTransfer", {"vendorId": "Acme"}, ("DataTransfer:acme",), True),
        ("1.6", "DataTransfer", {"vendorId": "Other"}, ("DataTransfer:acme",), False),
        ("1.6", "DataTransfer", {"vendorId": "Other"}, ("DataTransfer",), True),
        ("1.6", "DataTransfer", {}, ("DataTransfer:acme",), False),
        ("1.6", "TransactionEvent", EVENT, ("TransactionEvent",), False),
        ("2.1", "NotifyPeriodicEventStream", {}, ("NotifyPeriodicEventStream",), False),
    ],
)
def test_nothing_is_decided_by_a_service_unless_it_is_listed(
    version, action, payload, decided, expected
):
    """And never what has happened already: a stop, an end, an event of offline times; nor what has
    no token."""
    assert waits(version, action, payload, frozenset(decided)) is expected
