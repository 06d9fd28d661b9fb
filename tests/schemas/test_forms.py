"""Forms: what a JSON Schema says, and a stop at what is not understood."""

from typing import Any

import pytest

from schemas import catalogue, forms
from schemas.forms import Form, SchemaError, form, is_date_time, is_multiple


def test_a_form_says_what_the_schema_says() -> None:
    """Names, limits and words arrive; what is only said for people does not."""
    own = form("1.6", "SetChargingProfile", "request")
    fields = {field.name: field for field in own.fields}
    assert own.name == "SetChargingProfileRequest"
    assert fields["connectorId"].form == Form("integer")
    assert fields["csChargingProfiles"].required
    profile = {field.name: field for field in fields["csChargingProfiles"].form.fields}
    assert profile["chargingProfileKind"].form.enum == ("Absolute", "Recurring", "Relative")
    assert profile["validFrom"].form == Form("time")
    assert not profile["validFrom"].required


def test_vendors_data_is_text() -> None:
    """CustomDataType is the one open object, and DataTransfer.data the one thing without a type."""
    fields = {field.name: field.form for field in form("2.1", "DataTransfer", "request").fields}
    assert {name for name, own in fields.items() if own.as_text} == {"customData", "data"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {}, "oneOf": []},
        {"type": "object", "properties": {"a": {"type": "string", "format": "ipv4"}}},
        {"type": "object", "properties": {"a": {"type": "null"}}},
        {"type": "object", "properties": {"a": {"type": "integer", "enum": [1]}}},
        {"type": "object", "properties": {"not-avro": {"type": "string"}}},
        {"type": "object", "properties": {"extra": {"type": "string"}}},
        {"type": "object", "properties": {}, "required": ["a"]},
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/definitions/A"}},
            "definitions": {
                "A": {"type": "object", "properties": {"a": {"$ref": "#/definitions/A"}}}
            },
        },
    ],
)
def test_what_is_not_understood_stops_the_build(
    schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later OCPP version that says more than these forms can must not pass unnoticed."""
    monkeypatch.setattr(catalogue, "json_schema", lambda *_: schema)
    with pytest.raises(SchemaError):
        forms.form.__wrapped__("2.1", "New", "request")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2024-02-29T12:00:00Z", True),
        ("2024-02-29T12:00:00.123456789Z", True),
        ("2024-02-29T12:00:00+02:00", True),
        ("2024-02-29T12:00:00+02", False),
        ("2024-02-29T12:00:00", False),
        ("2023-02-29T12:00:00Z", False),
        ("2016-12-31T23:59:60Z", False),
        ("12:00", False),
        ("", False),
    ],
)
def test_date_times_are_those_of_rfc_3339(text: str, good: bool) -> None:
    """A zone is needed, as a colon in it is; leap seconds are not taken."""
    assert is_date_time(text) is good


def test_multiples_are_decimal() -> None:
    """21.4 is a multiple of 0.1, though no binary fraction is."""
    assert is_multiple(21.4, 0.1)
    assert is_multiple(1e300, 0.1)
    assert is_multiple(7, 0.1)
    assert not is_multiple(21.45, 0.1)
