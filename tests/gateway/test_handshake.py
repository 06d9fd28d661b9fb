"""What becomes of an upgrade request."""

import pytest

from gateway.handshake import Accept, Pace, RefusalLog, Refuse, answer, station_in


@pytest.mark.parametrize(
    ("target", "station"),
    [
        ("/ocpp/CS-1", "CS-1"),
        ("/ocpp/CS%201", "CS 1"),
        ("/ocpp/a%2Fb", "a/b"),
        ("/ocpp/%C3%A9", "é"),
        ("/ocpp/CS-1?token=x", "CS-1"),
        ("/ocpp/a%2520b", "a%20b"),
        ("/ocpp/cs:1", "cs:1"),
        ("/ocpp/" + "x" * 48, "x" * 48),
    ],
)
def test_the_id_is_decoded_once(target, station):
    """The last segment of the path, percent-decoded once and never twice."""
    assert station_in(target, "/ocpp") == station


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/", 404),
        ("/ocpp", 404),
        ("/other/CS-1", 404),
        ("/ocpp/a/b", 404),
        ("/ocpp/", 400),
        ("/ocpp/%zz", 400),
        ("/ocpp/%2", 400),
        ("/ocpp/%", 400),
        ("/ocpp/%ff", 400),
        ("/ocpp/%0a", 400),
        ("/ocpp/%00", 400),
        ("/ocpp/%C2%85", 400),
        ("/ocpp/" + "x" * 49, 400),
    ],
)
def test_what_is_no_id_is_refused_with_a_reason(target, status):
    """Wrong paths are 404, wrong ids 400, both with a body for a person."""
    refused = station_in(target, "/ocpp")
    assert isinstance(refused, Refuse)
    assert refused.status == status
    assert refused.body.endswith("\n")


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (["ocpp1.6"], "1.6"),
        (["ocpp2.0.1", "ocpp1.6"], "2.0.1"),
        (["ocpp1.5", "ocpp1.6"], "1.6"),
        (["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], "2.1"),
        (["soap", "ocpp2.1"], "2.1"),
    ],
)
def test_the_stations_first_choice_that_we_speak_is_taken(offered, taken):
    """The order of the offer is the station's preference."""
    accepted = answer("/ocpp/a", offered, prefix="/ocpp", fallback="")
    assert isinstance(accepted, Accept)
    assert accepted.version.name == taken
    assert accepted.subprotocol == accepted.version.subprotocol


def test_no_subprotocol_is_refused_or_taken_as_configured():
    """Some 1.6 stations offer none; then the reply must name none either."""
    refused = answer("/ocpp/a", [], prefix="/ocpp", fallback="")
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.reason) == (400, "no_subprotocol")
    assert "ocpp1.6" in refused.body
    accepted = answer("/ocpp/a", [], prefix="/ocpp", fallback="ocpp1.6")
    assert isinstance(accepted, Accept)
    assert (accepted.version.name, accepted.subprotocol) == ("1.6", None)


def test_a_fallback_does_not_cover_a_wrong_offer():
    """Who offers only what we do not speak would not understand us."""
    refused = answer("/ocpp/a", ["ocpp1.5"], prefix="/ocpp", fallback="ocpp1.6")
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.reason) == (400, "subprotocol")


def test_takeovers_are_slowed_after_a_few_a_minute():
    """Two boxes with one id: the sixth within a minute waits until the first is a minute old."""
    takeovers = Pace(per_minute=5)
    for second in range(5):
        assert takeovers.wait_s(b"a", second) == 0
        takeovers.happened(b"a", second)
    assert takeovers.wait_s(b"a", 10.0) == 51
    assert takeovers.wait_s(b"b", 10.0) == 0
    assert takeovers.wait_s(b"a", 60.5) == 0


def test_takeovers_forget_the_station_that_was_quiet_longest():
    """The memory for them is bounded."""
    takeovers = Pace(per_minute=1, keys_max=2)
    for name in (b"a", b"b", b"c"):
        takeovers.happened(name, 0.0)
    assert takeovers.wait_s(b"a", 1.0) == 0
    assert takeovers.wait_s(b"c", 1.0) > 0


def test_refusals_of_one_address_are_thinned_and_counted():
    """A few a minute become events; the next event says how many did not."""
    refusals = RefusalLog(per_minute=2)
    assert [refusals.admits("x", s) for s in range(5)] == [0, 0, None, None, None]
    assert refusals.admits("y", 5.0) == 0
    assert refusals.admits("x", 61.0) == 3
    assert refusals.admits("x", 61.5) == 0
