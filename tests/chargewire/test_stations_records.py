"""What an operator says of a station becomes a record that the gateway understands."""

import click
import pytest

from chargewire.stations.records import FIELDS, checked, quirks, record, registration, station_id
from gateway.stations import Station, station_of
from schemas.records import schema


def test_every_field_of_the_record_can_be_said():
    """But for the id, and the time, which is now."""
    names = {field["name"] for field in schema("stations")["fields"]}
    assert {name for fields in FIELDS.values() for name in fields} == names - {"station", "at"}


def test_the_gateway_reads_what_is_written():
    """What was never said is its own default."""
    said = record("CS-1", None, {"quirks": ["lenient"], "ping_interval_s": 0}, (), 7)
    assert station_of(said) == Station(quirks=frozenset({"lenient"}), ping_interval_s=0)
    assert (said["station"], said["at"]) == ("CS-1", 7)


def test_an_id_that_no_station_can_have():
    """Such as an empty one: who asks it for something would wait in vain."""
    assert checked("CS-1") == "CS-1"
    for text in ("", "a" * 300):
        with pytest.raises(click.UsageError, match=f"'{text}' is no station id"):
            checked(text)


def test_a_change_keeps_what_it_does_not_name():
    """Unless it is to be unset; a password goes with its salt."""
    old = record(
        "CS-1", None, {"group": "G", "credential_hash": "ab", "credential_salt": "cd"}, (), 1
    )
    new = record("CS-1", old, {"security_profile": 1}, ("password",), 2)
    assert station_of(new) == Station(group="G", security_profile=1)


def test_words_are_those_of_the_gateway():
    """In any case for OCPP's; a rule by its exact name."""
    assert registration("pending") == "Pending"
    assert quirks(["missing_field", "lenient", "lenient"]) == ["lenient", "missing_field"]
    assert quirks(["strict"]) == []
    assert station_id("Säule 1/2") == "Säule 1/2"


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (registration, "Perhaps", "none of Accepted, Pending, Rejected"),
        (quirks, ["missing_feld"], "did you mean missing_field"),
        (quirks, ["strict", "lenient"], "stands alone"),
        (station_id, "", "1 to 48 characters"),
        (station_id, "x" * 49, "1 to 48 characters"),
        (station_id, "a\x07", "control"),
    ],
)
def test_what_the_gateway_would_not_understand_is_refused(check, value, reason):
    """With what is meant, where that is near."""
    with pytest.raises(ValueError, match=reason):
        check(value)
