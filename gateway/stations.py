"""What the platform says of a station, as a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
REGISTRATIONS = frozenset({"Accepted", "Pending", "Rejected"})  # OCPP RegistrationStatus


@dataclass(frozen=True, slots=True)
class Station:
    """A row of `ocpp.stations`; None where the gateway's own default applies."""

    registration_status: str | None = None
    boot_interval_s: int | None = None
    security_profile: int | None = None
    credential_hash: str | None = None
    credential_salt: str | None = None
    quirks: frozenset[str] | None = None
    ping_interval_s: int | None = None
    group: str | None = None


UNCLEAR = Station(security_profile=3)
"""One whose only record makes no sense: its own certificate lets it in, and nothing else."""


def station_of(record: Mapping[str, object]) -> Station:
    """The station in a decoded record. Raises ValueError where the record makes no sense."""
    status = _text(record, "registration_status")
    if status is not None and status not in REGISTRATIONS:
        raise ValueError(f"registration_status is {status!r}, not one of {sorted(REGISTRATIONS)}")
    profile = _number(record, "security_profile")
    if profile is not None and profile > 3:
        raise ValueError(f"security_profile is {profile}, not 0 to 3")
    hashed, salt = _text(record, "credential_hash"), _text(record, "credential_salt")
    if bool(hashed) != bool(salt) or not all(_HEX.fullmatch(one) for one in (hashed, salt) if one):
        raise ValueError("credential_hash and credential_salt belong together, both hex digits")
    quirks = record.get("quirks")
    if quirks is not None and not isinstance(quirks, list | tuple):
        raise ValueError("quirks is no array")
    return Station(
        registration_status=status,
        boot_interval_s=_number(record, "boot_interval_s"),
        security_profile=profile,
        credential_hash=hashed and hashed.lower(),
        credential_salt=salt,
        quirks=None if quirks is None else frozenset(map(str, quirks)),
        ping_interval_s=_number(record, "ping_interval_s"),
        group=_text(record, "group"),
    )


def _text(record: Mapping[str, object], name: str) -> str | None:
    value = record.get(name)
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{name} is no text")


def _number(record: Mapping[str, object], name: str) -> int | None:
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, int) and value >= 0:
        return value
    raise ValueError(f"{name} is {value!r}, not a number from 0 up")
