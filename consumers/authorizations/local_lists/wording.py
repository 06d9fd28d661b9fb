"""Local authorization lists in the words of each OCPP version."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from consumers.meaning.facts import ListEntry
from schemas.fitting import EPOCH

Json = dict[str, Any]

CALL_BYTES = 192
"""More than all of a SendLocalList frame takes beside its entries."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What a version can say of a token; `types` None: any of up to 20 characters."""

    token_length: int
    statuses: frozenset[str]
    other_status: str
    types: frozenset[str] | None


_STATUSES = frozenset({"Accepted", "Blocked", "ConcurrentTx", "Expired", "Invalid"})
_STATUSES_2 = _STATUSES | {
    *("NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime", "Unknown"),
}
_TYPES = frozenset(
    {
        *("Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"),
        "NoAuthorization",
    }
)
_TYPE_LENGTH = 20
_ANY_TYPE = "Central"
# SendLocalList of each version: AuthorizationData, IdTagInfo, IdTokenType, IdTokenInfoType.
_WORDS: Mapping[str, _Words] = MappingProxyType(
    {
        "1.6": _Words(20, _STATUSES, "Invalid", frozenset()),
        "2.0.1": _Words(36, _STATUSES_2, "Unknown", _TYPES),
        "2.1": _Words(255, _STATUSES_2, "Unknown", None),
    }
)
VERSIONS = frozenset(_WORDS)
"""The versions that have words for local lists."""


def token_length(version: str | None) -> int | None:
    """Characters of the longest token that a version has a place for; None: it has no lists."""
    words = _WORDS.get(version or "")
    return None if words is None else words.token_length


def fitting(version: str, entry: ListEntry) -> ListEntry | None:
    """The entry as a station of this version is told it; None: its token has no place there.

    Words that the version does not have are replaced: a status by one that lets nobody charge, a
    type by that of tokens which the platform issues. A group that is too long is left out, and so
    is an end beyond the year 9999.
    """
    words = _WORDS[version]
    if not 0 < len(entry.token) <= words.token_length:
        return None
    expires_ms = entry.expires_ms
    if expires_ms is not None and _moment(expires_ms) is None:
        expires_ms = None
    group = entry.group
    return replace(
        entry,
        token_type=_type(words, entry.token_type),
        status=entry.status if entry.status in words.statuses else words.other_status,
        expires_ms=expires_ms,
        group=group if group and len(group) <= words.token_length else None,
    )


def _type(words: _Words, told: str | None) -> str | None:
    if words.types is None:
        return told if told and len(told) <= _TYPE_LENGTH else _ANY_TYPE
    if not words.types:
        return None
    return told if told in words.types else _ANY_TYPE


def entry_bytes(version: str, entry: ListEntry) -> int:
    """What an entry takes of a SendLocalList."""
    return len(msgspec.json.encode(_worded(version, entry))) + 1  # and a comma


def send_local_list(
    version: str, list_version: int, *, full: bool, entries: Iterable[ListEntry]
) -> Json:
    """The payload of a SendLocalList; an entry without a status takes its token out of the list."""
    listed = [_worded(version, entry) for entry in entries]
    kind = "Full" if full else "Differential"
    entries_or_none = {"localAuthorizationList": listed} if listed else {}
    if version == "1.6":
        return {"listVersion": list_version, **entries_or_none, "updateType": kind}
    return {**entries_or_none, "versionNumber": list_version, "updateType": kind}


def limits_question(version: str) -> tuple[str, Json]:
    """The action and payload that ask a station what its list can take.

    How many entries it can hold is in 2.x the limit of a variable, which no GetVariables tells; the
    highest value that it may be set to is the nearest to that.
    """
    if version == "1.6":
        return "GetConfiguration", {"key": list(_KEYS)}
    asked = [
        {**({"attributeType": kind} if kind else {}), "component": _CONTROLLER, "variable": name}
        for name, kind in _VARIABLES
    ]
    return "GetVariables", {"getVariableData": asked}


# OCPP 1.6, 9.3; OCPP 2.0.1, part 2, appendix 3.1.11.
_KEYS = ("LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength")
_CONTROLLER = {"name": "LocalAuthListCtrlr"}
_VARIABLES = (
    ({"name": "Available"}, None),
    ({"name": "Enabled"}, None),
    ({"name": "ItemsPerMessage"}, None),
    ({"name": "BytesPerMessage"}, None),
    ({"name": "Entries"}, "MaxSet"),
)


def _worded(version: str, entry: ListEntry) -> Json:
    end = None if entry.expires_ms is None else _moment(entry.expires_ms)
    if version == "1.6":
        info = {"expiryDate": end, "parentIdTag": entry.group, "status": entry.status}
        told: Json = {"idTag": entry.token}
        return told | ({} if entry.status is None else {"idTagInfo": _without_nulls(info)})
    told = {"idToken": _token(entry.token, entry.token_type)}
    if entry.status is None:
        return told
    group = None if entry.group is None else _token(entry.group, _ANY_TYPE)
    info_2 = {"status": entry.status, "cacheExpiryDateTime": end, "groupIdToken": group}
    return told | {"idTokenInfo": _without_nulls(info_2)}


def _token(token: str, token_type: str | None) -> Json:
    return {"idToken": token, "type": token_type or _ANY_TYPE}


def _without_nulls(value: Json) -> Json:
    return {name: child for name, child in value.items() if child is not None}


def _moment(at_ms: int) -> str | None:
    """A time as stations read it, always with Z (lbbrhzn/ocpp#512); None beyond what it holds."""
    try:
        at = EPOCH + timedelta(milliseconds=at_ms)
    except OverflowError:
        return None
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
