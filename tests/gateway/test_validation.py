"""Which payloads are taken, what is bent for them, and what is refused with which error word."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.deviations import RULES
from gateway.validation import BILLING, DEFAULT_QUIRKS, QUIRKS, PayloadError, check
from schemas.catalogue import ACTIONS, VERSIONS, json_schema
from schemas.derive import shape
from tests.schemas.payloads import KINDS, full, turns, violations

STRICT = frozenset()
ALL = frozenset(QUIRKS)


def encode(payload):
    return msgspec.json.encode(payload)


def refusal(kind, raw, quirks=STRICT):
    with pytest.raises(PayloadError) as error:
        check(*kind, raw, quirks)
    return error.value.violation


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_every_valid_payload_is_taken_as_it_is(kind):
    """Of all 387 schemas, with every property and word: no deviation, even when strict."""
    root = json_schema(*kind)
    for turn in range(turns(root)):
        payload = full(root, root, turn, doubles=True)
        raw = encode(payload)
        checked = check(*kind, raw, STRICT)
        assert checked.payload == msgspec.json.decode(raw)
        assert (checked.record, checked.holds_all) == shape(*kind).to_avro(checked.payload)
        assert (checked.deviations, checked.holds_all) == ((), True)


# How payloads are broken -> the words that may refuse that. A broken payload can break two rules.
CODES = {
    "null": "TypeConstraintViolation",
    "wrong type": "TypeConstraintViolation",
    "fraction": "TypeConstraintViolation",
    "without": "OccurrenceConstraintViolation",
    "too few": "OccurrenceConstraintViolation",
    "too many": "OccurrenceConstraintViolation",
    "unknown property": "FormatViolation",
    "unknown word": "PropertyConstraintViolation",
    "other case": "PropertyConstraintViolation",
    "too long": "PropertyConstraintViolation",
    "too low": "PropertyConstraintViolation",
    "too high": "PropertyConstraintViolation",
    "no multiple": "PropertyConstraintViolation",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_every_broken_payload_is_refused_with_the_right_word_or_bent(kind):
    """Each single way to break each of the 387 schemas: its place, its word, its bending."""
    bent = set()
    for label, payload, _, _ in violations(json_schema(*kind)):
        place, _, breach = label.partition(": ")
        breach = "without" if breach.startswith("without") else breach
        violation = refusal(kind, encode(payload))
        if not isinstance(payload, dict):
            assert violation.code == "FormatViolation"
            continue
        assert violation.code == CODES[breach], label
        assert violation.path.replace("[0]", ".0").startswith(f"$.{place}" if place else "$"), label
        if breach not in bent:
            bent.add(breach)
            checked = check(*kind, encode(payload), ALL)
            assert violation.rule in checked.deviations
            assert checked.record == shape(*kind).to_avro(payload)[0]


# What stations in the field send: (version, action, payload, rules), all taken by default.
FIELD = {
    "idTag of 21": ("1.6", "Authorize", {"idTag": "A" * 21}, ["over_long_text"]),
    "empty idTag": ("1.6", "Authorize", {"idTag": ""}, []),
    "idTag as number": ("1.6", "Authorize", {"idTag": 12345}, ["scalar_for_text"]),
    "Start without idTag": (
        "1.6",
        "StartTransaction",
        {"connectorId": 1, "meterStart": 0, "timestamp": "2024-01-01T00:00:00Z"},
        ["missing_field"],
    ),
    "Stop without idTag": (
        "1.6",
        "StopTransaction",
        {"transactionId": 1, "meterStop": 0, "timestamp": "2024-01-01T00:00:00Z"},
        [],
    ),
    "Stop of nothing": ("1.6", "StopTransaction", {}, ["missing_field"]),
    "Stop with null id": (
        "1.6",
        "StopTransaction",
        {"transactionId": None, "meterStop": 0, "timestamp": "2024-01-01T00:00:00Z"},
        ["null_field", "missing_field"],
    ),
    "Stop with ids out of the ordinary": (
        "1.6",
        "StopTransaction",
        {"transactionId": -1, "meterStop": 10.5, "timestamp": ""},
        ["fraction_for_integer", "unreadable_timestamp"],
    ),
    "Stop with everything wrong": (
        "1.6",
        "StopTransaction",
        {"transactionId": {}, "meterStop": [], "timestamp": 5, "reason": "?", "more": 1},
        ["wrong_type", "scalar_for_text", "unknown_word", "unknown_property"],
    ),
    "Alfen's transaction id": (
        "1.6",
        "MeterValues",
        {"connectorId": 0, "transactionId": 2**63 - 1, "meterValue": []},
        ["too_few_items"],
    ),
    "unknown measurand and unit": (
        "1.6",
        "MeterValues",
        {
            "connectorId": 1,
            "meterValue": [
                {
                    "timestamp": "2024-01-01T00:00:00Z",
                    "sampledValue": [
                        {"value": "50", "measurand": "Request.Energy", "unit": "Hertz"},
                        {"value": 7.1},
                    ],
                }
            ],
        },
        ["unknown_word", "scalar_for_text"],
    ),
    "no samples": (
        "2.0.1",
        "MeterValues",
        {"evseId": 1, "meterValue": [{"timestamp": "2024-01-01T00:00:00Z", "sampledValue": []}]},
        ["too_few_items"],
    ),
    "serial of 31": (
        "1.6",
        "BootNotification",
        {
            "chargePointModel": "M",
            "chargePointVendor": "V",
            "chargePointSerialNumber": "9" * 31,
            "iccid": "",
            "firmware": "1.0",
        },
        ["over_long_text", "unknown_property"],
    ),
    "Heartbeat null": ("1.6", "Heartbeat", None, ["null_payload"]),
    "Status without time": (
        "1.6",
        "StatusNotification",
        {"connectorId": 0, "errorCode": "NoError", "status": "Available"},
        [],
    ),
    "Status of an unknown error, time without zone": (
        "1.6",
        "StatusNotification",
        {
            "connectorId": "1",
            "errorCode": "Error",
            "status": "Faulted",
            "info": None,
            "timestamp": "2024-01-01T00:00:00",
        },
        ["quoted_value", "unknown_word", "null_field", "loose_timestamp"],
    ),
    "a transaction event of nothing": ("2.0.1", "TransactionEvent", {}, ["missing_field"]),
}


@pytest.mark.parametrize(("version", "action", "payload", "rules"), FIELD.values(), ids=FIELD)
def test_what_stations_send_is_taken_by_default(version, action, payload, rules):
    """Parts B and F of the field's experience: bent by name, and refused when strict."""
    raw = encode(payload)
    checked = check(version, action, "request", raw, DEFAULT_QUIRKS)
    assert list(checked.deviations) == rules
    if rules:
        with pytest.raises(PayloadError) as error:
            check(version, action, "request", raw, STRICT)
        assert error.value.violation.rule == rules[0]


def test_a_status_with_nulls_counts_as_done():
    """ocpp-go writes null for optional fields: a Reset that is done must not look failed."""
    raw = b'{"status":"Accepted","statusInfo":null}'
    checked = check("2.0.1", "Reset", "response", raw, DEFAULT_QUIRKS)
    assert checked.payload == {"status": "Accepted"}
    assert checked.deviations == ("null_field",)
    assert not checked.holds_all, "absent and null are one in the record"


def test_an_answer_in_the_form_of_another_version_is_refused():
    """Under 2.0.1, MicroOcpp answers GetLocalListVersion as in 1.6: nobody can use that."""
    with pytest.raises(PayloadError) as error:
        check("2.0.1", "GetLocalListVersion", "response", b'{"listVersion":1}', DEFAULT_QUIRKS)
    assert error.value.violation.rule == "missing_field"
    assert error.value.violation.path == "$.versionNumber"


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":1e999}', "not_json"),
        (b'{"a":"\xff"}', "not_json"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not_json"),
        (b'{"a":' + b"1" * 100_000 + b"}", "not_json"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"1", "not_an_object"),
        (b"true", "not_an_object"),
    ],
)
def test_what_is_no_object_is_never_taken(raw, rule):
    """No quirk makes a payload of it, not even of a StopTransaction."""
    with pytest.raises(PayloadError) as error:
        check("1.6", "StopTransaction", "request", raw, ALL)
    violation = error.value.violation
    assert (violation.rule, violation.path, violation.code) == (rule, "$", "FormatViolation")


def test_half_a_surrogate_pair_is_refused_where_no_energy_is_told():
    """It is JSON but no text; a call that tells energy is taken, whatever it is written in."""
    raw = b'{"idTag":"\\uD83D!","meterStop":1.5,"idTag":null}'
    checked = check("1.6", "StopTransaction", "request", raw, DEFAULT_QUIRKS)
    assert checked.deviations[:2] == ("lone_surrogate", "duplicate_key")
    assert not checked.holds_all
    for quirks in (STRICT, ALL):
        violation = refusal(("1.6", "Authorize", "request"), raw, quirks)
        assert (violation.rule, violation.code) == ("lone_surrogate", "FormatViolation")


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"1e999", b"1" * 5000])
def test_half_a_surrogate_pair_is_no_way_in_for_what_is_no_json(value):
    """Neither for numbers beyond all doubles, which msgspec refuses too."""
    raw = b'{"idTag":"\\ud800","meterStop":%b}' % value
    assert refusal(("1.6", "StopTransaction", "request"), raw, ALL).rule == "not_json"


def test_depth_is_no_way_past_the_numbers():
    """A number beyond 64 bits beside a nesting that a reader's stack just bears."""
    for depth in (40, 300, 900):
        raw = b'{"transactionId":%d,"x":%b}' % (2**80, b"[" * depth + b"]" * depth)
        checked = check("1.6", "StopTransaction", "request", raw, DEFAULT_QUIRKS)
        assert "oversize_number" in checked.deviations
        assert not checked.holds_all


@pytest.mark.parametrize(
    "raw",
    [
        b'{"idTag":"A","idTag":"B"}',
        b'{"idTag" : "A", "id\\u0054ag": "B"}',
        # The escaped quotation marks make up for those of the lost key.
        b'{"idTag":"A","idTag":"\\u0022\\u0022\\u0022\\u0022"}',
    ],
)
def test_a_key_twice_is_a_deviation_and_the_last_counts(raw):
    """However the second one is hidden; the text is kept, since the record holds one of them."""
    checked = check("1.6", "Authorize", "request", raw, DEFAULT_QUIRKS)
    assert checked.payload["idTag"] in ("B", '""""')
    assert checked.deviations == ("duplicate_key",)
    assert not checked.holds_all
    with pytest.raises(PayloadError) as error:
        check("1.6", "Authorize", "request", raw, STRICT)
    assert error.value.violation.code == "FormatViolation"


def test_escapes_and_blanks_are_no_deviation():
    """The text of a string may be written in many ways."""
    raw = b' { "idTag" : "\\u0041\\/\\u0022\\"" } '
    checked = check("1.6", "Authorize", "request", raw, STRICT)
    assert checked.payload == {"idTag": 'A/""'}
    assert checked.deviations == ()


def test_what_the_record_cannot_hold_is_named_but_never_refused():
    """Times finer than milliseconds or with an offset conform; the text goes along."""
    raw = b'{"transactionId":1,"meterStop":2,"timestamp":"2024-01-01T00:00:00.123456789Z"}'
    checked = check("1.6", "StopTransaction", "request", raw, STRICT)
    assert checked.deviations == ("inexact_timestamp",)
    assert not checked.holds_all
    assert checked.payload["timestamp"] == "2024-01-01T00:00:00.123456789Z"
    assert checked.record["timestamp"] is None


def test_a_number_beyond_64_bits_leaves_the_rest_typed():
    """Avro has no place for it, but the event, and so the answer, does not depend on it."""
    payload = {"transactionId": 2**64, "meterStop": 7, "timestamp": "1970-01-01T00:00:01Z"}
    checked = check("1.6", "StopTransaction", "request", encode(payload), STRICT)
    assert checked.payload == payload
    assert checked.record.get("transactionId") is None
    assert (checked.record["meterStop"], checked.record["timestamp"]) == (7, 1000)
    assert checked.deviations == ("oversize_number",)
    assert not checked.holds_all


def test_an_integer_may_be_written_with_a_fraction_of_zero():
    """12.0 is 12 to JSON, whatever a decoder thinks."""
    raw = b'{"transactionId":12.0,"meterStop":7,"timestamp":"1970-01-01T00:00:01Z"}'
    checked = check("1.6", "StopTransaction", "request", raw, STRICT)
    assert (checked.record["transactionId"], checked.deviations) == (12, ())
    assert checked.holds_all


def test_quirks_are_bent_one_by_one():
    """Only the rules that are named, and the first of the others refuses."""
    raw = b'{"idTag":"AAAAAAAAAAAAAAAAAAAAA","more":1}'
    with pytest.raises(PayloadError) as error:
        check("1.6", "Authorize", "request", raw, frozenset({"over_long_text"}))
    assert error.value.violation.rule == "unknown_property"
    both = frozenset({"over_long_text", "unknown_property"})
    assert check("1.6", "Authorize", "request", raw, both).deviations == (
        "over_long_text",
        "unknown_property",
    )


def test_missing_fields_are_refused_where_no_energy_is_told():
    """By default; a quirk for one station takes them."""
    for action, field in (("Authorize", "idTag"), ("BootNotification", "chargePointVendor")):
        with pytest.raises(PayloadError) as error:
            check("1.6", action, "request", b"{}", DEFAULT_QUIRKS)
        assert error.value.violation.code == "OccurrenceConstraintViolation"
        assert (
            check("1.6", action, "request", b"{}", DEFAULT_QUIRKS | {"missing_field"}).record == {}
        )
        assert error.value.violation.path == f"$.{field}"


def test_only_calls_are_confirmed_whatever_they_hold():
    """An answer to StartTransaction, such as a service decides, has no such privilege."""
    violation = refusal(("1.6", "StartTransaction", "response"), b"{}", ALL - {"missing_field"})
    assert violation.rule == "missing_field"


def test_billing_calls_are_those_that_tell_energy():
    """Every version that has one of them lets stations call it."""
    for action in BILLING:
        rows = [row for (_, name), row in ACTIONS.items() if name == action]
        assert rows
        assert all(row.from_station and "request" in row.parts for row in rows)


BILLING_KINDS = [kind for kind in KINDS if kind[1] in BILLING and kind[2] == "request"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)  # fmt: skip
NAMES = sorted({name for kind in BILLING_KINDS for name in json_schema(*kind)["properties"]})


@given(st.sampled_from(BILLING_KINDS), st.dictionaries(st.sampled_from(NAMES) | st.text(), JSON))
def test_no_object_is_refused_in_a_billing_call(kind, payload):
    """Whatever it holds: a refusal would lose what the station knows of the energy."""
    checked = check(*kind, encode(payload), DEFAULT_QUIRKS)
    assert set(checked.deviations) <= RULES.keys()
    assert checked.holds_all or checked.deviations, "what is lost has a name"


@given(st.sampled_from(KINDS), st.binary(max_size=50) | JSON.map(encode), st.booleans())
def test_any_payload_is_taken_or_refused(kind, raw, lenient):
    """There is no third outcome."""
    quirks = DEFAULT_QUIRKS if lenient else STRICT
    try:
        outcome = check(*kind, raw, quirks).record
    except PayloadError as error:
        outcome = VERSIONS[kind[0]].error_codes.get(error.violation.code)
    assert outcome is not None


def test_every_rule_and_quirk_is_documented():
    """They stand in the configuration, in events and in metrics by these names."""
    assert {"missing_field", "wrong_type"} == set(QUIRKS) - DEFAULT_QUIRKS
    for name, doc in QUIRKS.items():
        assert name.replace("_", "").islower()
        assert len(doc) > 10
    never_bent = {"not_json", "not_an_object", "lone_surrogate"}
    assert {name for name, rule in RULES.items() if rule.code} - set(QUIRKS) == never_bent
