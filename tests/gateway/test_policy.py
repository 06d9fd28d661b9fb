"""What binds a session: configuration, and over it the station's row."""

import pytest

from gateway.config import load
from gateway.policy import Policies
from gateway.stations import Station
from gateway.validation import DEFAULT_QUIRKS


def policies(rows=None, **settings):
    return Policies(load(settings, environ={}), {} if rows is None else rows)


@pytest.mark.parametrize(
    ("unknown", "registration", "interval_s"),
    [("accept", "Accepted", 300), ("pending", "Pending", 60), ("reject", "Rejected", 60)],
)
def test_unknown_stations_are_answered_as_configured(unknown, registration, interval_s):
    """By default they are accepted, so that the first run works; no interval is ever zero."""
    answers = policies(unknown_stations=unknown).of(b"CS-1").answers
    assert (answers.registration, answers.interval_s) == (registration, interval_s)


def test_a_row_overrides_the_configuration():
    """Registration, interval, quirks and pings, by station."""
    row = Station(
        registration_status="Rejected",
        boot_interval_s=9,
        quirks=frozenset({"unknown_word"}),
        ping_interval_s=0,
    )
    policy = policies({b"CS-1": row}).of(b"CS-1")
    assert (policy.answers.registration, policy.answers.interval_s) == ("Rejected", 9)
    assert (policy.quirks, policy.ping_interval_s) == ({"unknown_word"}, 0.0)


def test_a_row_without_wishes_changes_nothing_but_that_the_station_is_known():
    """A known station is accepted, also where unknown ones are not."""
    policy = policies({b"CS-1": Station()}, unknown_stations="reject").of(b"CS-1")
    assert policy.answers.registration == "Accepted"
    assert policy.quirks == DEFAULT_QUIRKS


def test_a_row_can_name_the_usual_quirks():
    """`lenient` stands for them in a row as it does in the configuration; no names is strict."""
    rows = {b"a": Station(quirks=frozenset({"lenient"})), b"b": Station(quirks=frozenset())}
    made = policies(rows, quirks="strict")
    assert made.of(b"a").quirks >= DEFAULT_QUIRKS
    assert made.of(b"b").quirks == frozenset()


def test_the_row_of_the_moment_counts():
    """The table is live: what the platform changes holds for the next connection."""
    rows = {}
    made = policies(rows, unknown_stations="refuse")
    assert made.refuses(b"CS-1")
    rows[b"CS-1"] = Station(boot_interval_s=5)
    assert not made.refuses(b"CS-1")
    assert made.of(b"CS-1").answers.interval_s == 5


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        ({}, "accept"),
        ({"decided": "Authorize"}, "error"),
        ({"decided": "StartTransaction"}, "accept"),
        ({"decided": "Authorize", "authorize_fallback": "invalid"}, "invalid"),
        ({"authorize_fallback": "error"}, "error"),
    ],
)
def test_authorize_falls_back_to_error_where_a_decider_is_listed(settings, answer):
    """Nothing false enters a station's cache; without a decider the first run works."""
    assert policies(**settings).of(b"CS-1").answers.authorize == answer


def test_an_interval_of_zero_is_none():
    """A station would choose for itself when to boot again, and some do so at once."""
    for status, interval_s in (("Accepted", 300), ("Pending", 60), ("Rejected", 60)):
        row = Station(registration_status=status, boot_interval_s=0)
        assert policies({b"CS-1": row}).of(b"CS-1").answers.interval_s == interval_s


def test_commands_are_bound_by_the_configuration():
    """And their secrets looked up where the operator keeps them."""
    made = load({"call_time_s": 7, "command_hold_s": 0, "queued_commands_max": 3}, environ={})
    limits = Policies(made, {}, {"pin": "1234"}.get).of(b"CS-1").commands
    assert (limits.call_time_s, limits.hold_s, limits.queued_max) == (7, 0, 3)
    assert (limits.frame_limit_bytes, limits.secret("pin")) == (made.frame_limit_bytes, "1234")
    assert policies().of(b"CS-1").commands.secret("pin") is None


def test_a_connection_may_go_on_while_its_profile_is_enough():
    """For its station, for the minimum, and as long as it is known where it must be."""
    rows = {b"a": Station(), b"b": Station(security_profile=2)}
    made = policies(rows, security_profile_min="1", unknown_stations="refuse")
    assert made.ends(b"a", 1) is None
    assert made.ends(b"a", 0) == made.ends(b"b", 1) == "security_profile"
    assert made.ends(b"c", 3) == "unknown_station"
