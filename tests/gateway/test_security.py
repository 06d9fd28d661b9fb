"""Facts about security profiles: what a station has proved, and what is asked of it."""

import base64
from itertools import product

import pytest

from gateway import security
from gateway.handshake import Refuse
from gateway.security import Peer, judged, password_fits, password_in, proved, required
from gateway.stations import Station
from schemas.credentials import credential_hash

KEY = bytes(range(0xF0, 0x100))  # no UTF-8, as some stations have it
SALT = b"salt"
OPEN, TLS = Peer("10.0.0.1"), Peer("10.0.0.1", secure=True)
OFFERS = {  # the profile that is proved -> how
    0: (OPEN, None),
    1: (OPEN, KEY),
    2: (TLS, KEY),
    3: (Peer("10.0.0.1", secure=True, names=frozenset({"CS-1"})), None),
}


def row(profile=None, password=KEY):
    """A station's record."""
    kept = (credential_hash(password, SALT), SALT.hex()) if password else (None, None)
    return Station(security_profile=profile, credential_hash=kept[0], credential_salt=kept[1])


@pytest.mark.parametrize(
    ("profile", "offered", "known", "minimum"),
    list(product((None, 0, 1, 2, 3), OFFERS, (True, False), (0, 1, 2, 3))),
)
def test_every_profile_against_every_offer(profile, offered, known, minimum):
    """A connection has what it proves, and is let in where that is enough: never less is taken."""
    peer, password = OFFERS[offered]
    found = judged("CS-1", row(profile) if known else None, peer, password, minimum)
    # A station that is not known has no password that could fit.
    has = offered if known or offered == 3 else 0
    wanted = max((1 if profile is None else profile) if known else 0, minimum)
    if has >= wanted:
        assert found == has
    else:
        assert isinstance(found, Refuse)
        assert (found.status == 401) is (wanted == 1 or (wanted == 2 and offered >= 2))


def test_what_is_kept_of_a_station_decides_what_is_required():
    """A password that is kept is asked for, unless profile 0 is spelt out."""
    assert required(None, 0) == 0
    assert required(Station(), 0) == 0
    assert required(row(), 0) == 1
    assert required(row(0), 0) == 0
    assert required(row(1), 2) == required(row(2), 1) == 2


@pytest.mark.parametrize("kept", [KEY, KEY.hex().encode(), KEY.hex().upper().encode()])
@pytest.mark.parametrize("sent", [KEY, KEY.hex().encode(), KEY.hex().upper().encode()])
def test_an_authorization_key_is_taken_as_bytes_and_as_hex_digits(kept, sent):
    """Stations send either, whatever the operator wrote down."""
    assert password_fits(row(password=kept), sent)


@pytest.mark.parametrize("sent", [None, b"", KEY[:-1], KEY + b"0", KEY.hex()[1:].encode()])
def test_any_other_password_does_not_fit(sent):
    """Nor does none."""
    assert not password_fits(row(), sent)


def test_a_station_without_a_password_is_compared_all_the_same(monkeypatch):
    """So the time of an answer does not tell which ids there are; nothing fits."""
    compared = []

    def counted(password, salt, hashed):
        compared.append(hashed)
        return True  # even the right guess of what nobody has

    monkeypatch.setattr(security, "fits", counted)
    for known in (None, Station(), row()):
        for password in (None, KEY):
            assert password_fits(known, password) is (known == row() and password is not None)
    assert len(compared) == 6


def test_the_password_of_a_header_is_all_behind_the_stations_id():
    """Ids and passwords may have colons; the id's case is not looked at."""

    def said(text, scheme="Basic"):
        return f"{scheme} {base64.b64encode(text).decode()}"

    assert password_in(said(b"CS-1:" + KEY), "CS-1") == KEY
    assert password_in(said(b"cs-1:a:b", "basic"), "CS-1") == b"a:b"
    assert password_in(said(b"CS:1:a"), "CS:1") == b"a"
    assert password_in(said("Säule:a".encode()), "Säule") == b"a"
    assert password_in(said(b"CS-1:"), "CS-1") == b""


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !", "Basic Q1M", "Bearer Q1MtMTph", "Basic é", "Basic Q1MtMjph"],
)
def test_any_other_header_has_no_password(header):
    """Another scheme, no base64, another station's id."""
    assert password_in(header, "CS-1") is None


def test_a_certificate_is_for_the_station_that_it_names():
    """Exactly; and a name proves nothing without TLS."""
    named = Peer("a", secure=True, names=frozenset({"CS-1", "x"}))
    assert proved("CS-1", named, password=False) == 3
    assert proved("cs-1", named, password=False) == 0
    assert proved("CS-2", named, password=True) == 2
    assert proved("CS-1", Peer("a", names=named.names), password=False) == 0


def test_refusals_say_why_to_us_and_not_to_the_guesser():
    """Wrong password, none, and no such station look alike from outside."""
    refused = [
        judged("CS-1", row(1), OPEN, b"wrong", 1),
        judged("CS-1", row(1), OPEN, None, 1),
        judged("CS-1", None, OPEN, b"wrong", 1),
    ]
    assert [one.reason for one in refused] == ["password", "no_password", "unknown_station"]
    assert len({(one.status, one.body) for one in refused}) == 1
    assert judged("CS-1", row(2), OPEN, KEY, 0).reason == "no_tls"
    assert judged("CS-1", row(3), TLS, KEY, 0).reason == "no_certificate"
    other = Peer("a", secure=True, names=frozenset({"CS-2"}))
    assert judged("CS-1", row(3), other, KEY, 0).reason == "certificate_name"
