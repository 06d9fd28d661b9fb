"""Which OCPP security profile a station has proved, and whether that is enough."""

import base64
import binascii
from dataclasses import dataclass

from gateway.handshake import Refuse
from gateway.stations import Station
from schemas.credentials import fits

# What a station without a password is compared with, so that it takes as long as one that has one.
_NOBODY = Station(credential_hash="0" * 64, credential_salt="00" * 16)
_ASK = "The station's id and its password are wanted (HTTP Basic).\n"


@dataclass(frozen=True, slots=True)
class Peer:
    """What is known of the other side of a connection before it has said who it is.

    `names` are those of a client certificate that was verified, here or by a trusted proxy.
    """

    address: str
    secure: bool = False
    names: frozenset[str] = frozenset()


def password_in(authorization: str, station: str) -> bytes | None:
    """The password in an Authorization header (RFC 7617) of this station; None where it has none.

    An id may have a colon, so it is the id that tells where the password begins. Its case is not
    looked at: some stations change it. The password is bytes, and need not be UTF-8.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        said = base64.b64decode(encoded.strip().encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    user = station.encode() + b":"
    return said[len(user) :] if said[: len(user)].lower() == user.lower() else None


def password_fits(row: Station | None, password: bytes | None) -> bool:
    """Whether it is the password of the station; as slow where there is none to compare with."""
    known = row if row is not None and row.credential_hash and row.credential_salt else _NOBODY
    assert known.credential_hash is not None
    assert known.credential_salt is not None
    salt = bytes.fromhex(known.credential_salt)
    same = fits(password or b"", salt, known.credential_hash)
    return same and password is not None and known is not _NOBODY


def proved(station: str, peer: Peer, *, password: bool) -> int:
    """The security profile that a connection has (OCPP 2.0.1 A00, 1.6 security whitepaper)."""
    if peer.secure and station in peer.names:
        return 3
    return (2 if peer.secure else 1) if password else 0


def required(row: Station | None, minimum: int) -> int:
    """The lowest profile that a station may use; a password that is kept is also asked for."""
    if row is None:
        return minimum
    own = row.security_profile
    if own is None:
        own = 1 if row.credential_hash else 0
    return max(own, minimum)


def judged(
    station: str, row: Station | None, peer: Peer, password: bytes | None, minimum: int
) -> int | Refuse:
    """The profile of a connection that may be, else why not.

    Whoever has no password, a wrong one or the id of no station gets the same answer.
    """
    wanted = required(row, minimum)
    profile = proved(station, peer, password=password_fits(row, password))
    if profile >= wanted:
        return profile
    if wanted > 1 and not peer.secure:
        body = "This station must connect with TLS (wss).\n"
        return Refuse(403, "no_tls", body, station)
    if wanted == 3:
        reason = "certificate_name" if peer.names else "no_certificate"
        body = "A client certificate is wanted, with the station's id for its common name.\n"
        return Refuse(403, reason, body, station)
    if password is None:
        return Refuse(401, "no_password", _ASK, station)
    return Refuse(401, "password" if row else "unknown_station", _ASK, station)
