"""Decoders: the JSON Schema's rules, and the two that msgspec needs help with."""

import msgspec
import pytest

from schemas.decoders import decoder
from schemas.forms import Field, Form, form

PROFILE = (
    b'{"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,'
    b'"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":{'
    b'"chargingRateUnit":"A","minChargingRate":%b,"chargingSchedulePeriod":[{"startPeriod":0,'
    b'"limit":%b}]}}}'
)


def payload(own: Form) -> Form:
    return Form("object", "Payload", fields=(Field("x", own, False),))


@pytest.mark.parametrize("number", [b"21.4", b"0.1", b"16", b"1e1", b"-7.7"])
def test_steps_of_a_tenth_are_taken(number: bytes) -> None:
    """21.4 / 0.1 is no integer in binary; the decimal text counts."""
    decoder(form("1.6", "SetChargingProfile", "request"))(PROFILE % (number, number))


@pytest.mark.parametrize(("rate", "limit"), [(b"21.45", b"1"), (b"1", b"21.45"), (b"1", b"0.01")])
def test_finer_steps_are_refused(rate: bytes, limit: bytes) -> None:
    """In an object as in the items of a list."""
    with pytest.raises(msgspec.ValidationError, match="multiple"):
        decoder(form("1.6", "SetChargingProfile", "request"))(PROFILE % (rate, limit))


@pytest.mark.parametrize("text", [b"true", b"1.5", b"1.0", b'"1"', b"null", b"[1]"])
def test_integers_are_written_as_integers(text: bytes) -> None:
    """No booleans, fractions, texts or nulls."""
    with pytest.raises(msgspec.ValidationError):
        decoder(payload(Form("integer")))(b'{"x":%b}' % text)


def test_integers_have_no_end() -> None:
    """JSON Schema knows no 64 bits: what Avro cannot hold is not invalid."""
    decoder(payload(Form("integer")))(b'{"x":-99999999999999999999}')


def test_lengths_count_characters() -> None:
    """Not bytes and not UTF-16 units."""
    check = decoder(payload(Form("string", max_length=2)))
    check('{"x":"😀😀"}'.encode())
    with pytest.raises(msgspec.ValidationError):
        check(b'{"x":"abc"}')


def test_absent_is_not_null() -> None:
    """An optional field may be missing, an explicit null is a violation."""
    check = decoder(payload(Form("string")))
    check(b"{}")
    with pytest.raises(msgspec.ValidationError):
        check(b'{"x":null}')


def test_anything_may_be_null() -> None:
    """What has no type takes every JSON value."""
    decoder(payload(Form("json")))(b'{"x":null}')


@pytest.mark.parametrize("text", [b"", b"{", b"nul", b'{"x":NaN}'])
def test_what_is_no_json_is_told_apart(text: bytes) -> None:
    """A DecodeError that is no ValidationError."""
    with pytest.raises(msgspec.DecodeError) as raised:
        decoder(payload(Form("number")))(text)
    assert not isinstance(raised.value, msgspec.ValidationError)
