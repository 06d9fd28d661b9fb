"""Identities that gateway and readers compute alike."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.validation import DEFAULT_QUIRKS, PayloadError, check
from schemas.codec import Codec
from schemas.derive import shape
from schemas.identity import folded_token, transaction_id
from schemas.records import RECORDS

CODEC = Codec({topic: number for number, topic in enumerate(RECORDS)})
START = {
    "connectorId": 1,
    "idTag": "04A1B2C3",
    "timestamp": "2024-01-31T23:59:59Z",
    "meterStart": 1234,
}
GOLDEN = [
    ("CS-1", START, 18427655),
    ("CS-2", START, 1923846561),
    ("CS-1", START | {"meterStart": 0}, 1713547109),
    ("CS-1", START | {"timestamp": "2024-01-31T23:59:59+02:00"}, 907214783),
    ("Säule 1", START | {"idTag": "é😀"}, 885731832),
    ("CS-1", {}, 2018493782),
    ("CS-1", START | {"idTag": None}, 1972065244),
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=25),
    st.sampled_from(["2024-01-31T23:59:59Z", "2024-01-31T23:59:59.5Z", "2024-01-31T23:59:59+02"]),
    st.lists(st.integers(), max_size=2),
)


@pytest.mark.parametrize(("station", "call", "expected"), GOLDEN)
def test_transaction_ids_never_change(station, call, expected):
    """They are in the stations' memories, and in every table: these are for ever."""
    assert transaction_id(station, call) == expected


def test_a_transaction_id_is_what_its_contract_says():
    """Reckoned here by hand, from the text that is documented."""
    parts = [b"CS-1", b"1", b'"04A1B2C3"', b"1706745599000", b"1234"]
    text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    digest = int(hashlib.sha256(text).hexdigest(), 16)
    assert transaction_id("CS-1", START) == 1 + digest % (2**31 - 2)


@given(st.text(max_size=48), st.dictionaries(st.sampled_from(sorted(START)), VALUES))
def test_a_transaction_id_is_a_positive_int32_and_the_same_again(station, call):
    """Whatever is in the call, however its text is written."""
    first = transaction_id(station, call)
    assert 0 < first < 2**31
    assert transaction_id(station, json.loads(json.dumps(call, indent=1))) == first


@pytest.mark.parametrize("field", sorted(START))
def test_each_field_of_the_natural_key_counts(field):
    """A start that differs in one of them is another transaction."""
    other = {key: value for key, value in START.items() if key != field}
    assert transaction_id("CS-1", other) != transaction_id("CS-1", START)


@pytest.mark.parametrize(
    "change",
    [
        {"reservationId": 7},
        {"meterStart": 1234.0},
        {"timestamp": "2024-01-31T23:59:59.000Z"},
        {"timestamp": "2024-01-31T23:59:59.0Z"},
    ],
)
def test_what_an_event_does_not_keep_apart_is_one_transaction(change):
    """The same instant, the same number, and what is no part of the key."""
    assert transaction_id("CS-1", START | change) == transaction_id("CS-1", START)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(START, VALUES)))
def test_a_reader_of_the_log_knows_the_id_from_the_call_alone(call):
    """From the typed payload, or from the exact text where the event has that."""
    try:
        raw = json.dumps(call).encode()
        taken = check("1.6", "StartTransaction", "request", raw, DEFAULT_QUIRKS)
    except PayloadError:
        return
    field = "v16_start_transaction_request"
    envelope = dict.fromkeys(("event_id", "station", "connection_id", "gateway"), "x")
    envelope |= dict.fromkeys(("ocpp_version", "direction", "kind", "action", "message_id"), "x")
    envelope |= {"epoch": 0, "sequence": 1, "observed_at": 0}
    _, record = CODEC.decode(CODEC.encode("transactions", envelope | {field: taken.record}))
    if taken.holds_all:
        read = shape("1.6", "StartTransaction", "request").from_avro(record[field])
    else:
        read = json.loads(raw)
    assert transaction_id("CS-1", read) == transaction_id("CS-1", taken.payload)


@pytest.mark.parametrize(("token", "key"), [("04A1b2C3", "04a1b2c3"), ("ÄİK", "Äİk"), ("", "")])
def test_tokens_are_folded_in_ascii_alone(token, key):
    """What other letters are in lower case, languages do not agree upon: İ."""
    assert folded_token(token) == key
    assert folded_token(key) == key
