"""What an operator says of a station, as a record of the bus."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote

import click

from gateway.handshake import Refuse, station_in
from gateway.stations import REGISTRATIONS
from gateway.validation import QUIRKS

FIELDS = {
    "registration": ("registration_status",),
    "interval": ("boot_interval_s",),
    "group": ("group",),
    "quirk": ("quirks",),
    "profile": ("security_profile",),
    "password": ("credential_hash", "credential_salt"),
    "ping-interval": ("ping_interval_s",),
}
"""What can be said, by the name of its option -> fields of the record that say it."""
_ALL = {"strict", "lenient", *QUIRKS}


def station_id(text: str) -> str:
    """The id, if one can connect under it. Raises ValueError."""
    found = station_in("/" + quote(text, safe=""), "")
    if isinstance(found, Refuse):
        raise ValueError(found.body.strip())
    return found


def checked(text: str) -> str:
    """As station_id, but raises click.UsageError: who has no such id is waited for in vain."""
    try:
        return station_id(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is no station id. {error}") from error


def registration(text: str) -> str:
    """The RegistrationStatus of OCPP, whatever its case. Raises ValueError."""
    for word in REGISTRATIONS:
        if word.lower() == text.lower():
            return word
    raise ValueError(f"{text!r} is none of {', '.join(sorted(REGISTRATIONS))}")


def quirks(names: Iterable[str]) -> list[str]:
    """Rules that are bent; `strict` stands alone: none. Raises ValueError with the nearest name."""
    found = sorted(set(names))
    for name in found:
        if name not in _ALL:
            near = difflib.get_close_matches(name, sorted(_ALL), n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(_ALL))}"
            raise ValueError(f"{name!r} is no rule; {hint}")
    if "strict" in found and len(found) > 1:
        raise ValueError("strict means none: it stands alone")
    return [] if found == ["strict"] else found


def record(
    station: str,
    old: Mapping[str, Any] | None,
    given: Mapping[str, Any],
    unset: Collection[str],
    at_ms: int,
) -> dict[str, Any]:
    """The station's record after a change: `given` fields, those `unset`, else the `old` ones."""
    fields = [field for names in FIELDS.values() for field in names]
    kept = {field: (old or {}).get(field) for field in fields}
    away = dict.fromkeys(field for name in unset for field in FIELDS[name])
    return {**kept, **away, **given, "station": station, "at": at_ms}
