"""Facts about what the platform says of a station."""

import pytest

from gateway.stations import Station, station_of


def test_null_and_absent_mean_the_gateways_default() -> None:
    """A record that says nothing makes a station that says nothing."""
    assert station_of({"station": "CS1", "quirks": None}) == Station()


def test_every_field_is_taken_over() -> None:
    """What the record says, the value says; a hash is compared by its small letters."""
    record = {
        "station": "CS1",
        "registration_status": "Pending",
        "boot_interval_s": 60,
        "security_profile": 2,
        "credential_hash": "AB",
        "credential_salt": "cd",
        "quirks": ["empty_strings"],
        "ping_interval_s": 0,
        "group": "depot",
    }
    assert station_of(record) == Station(
        "Pending", 60, 2, "ab", "cd", frozenset({"empty_strings"}), 0, "depot"
    )


@pytest.mark.parametrize(
    "field",
    [
        {"registration_status": "accepted"},
        {"security_profile": 4},
        {"boot_interval_s": -1},
        {"boot_interval_s": "300"},
        {"quirks": "all"},
        {"group": 7},
        {"credential_hash": "ab"},
        {"credential_salt": "ab"},
        {"credential_salt": "no hex", "credential_hash": "ab"},
        {"credential_hash": "no hex", "credential_salt": "ab"},
    ],
)
def test_nonsense_is_refused(field: dict[str, object]) -> None:
    """A value outside its range is an error, never a guess."""
    with pytest.raises(ValueError, match=next(iter(field))):
        station_of({"station": "CS1"} | field)
