"""What consumers decide and ask for, in the words of a station's OCPP version.

It is the facts table's other direction. What a version has, and what it calls it, is read from its
schemas.
"""

from datetime import UTC, datetime
from typing import Any

from schemas.forms import Form, form

# What a status becomes where a version has no such word (1.6 has five). `Unknown` is Invalid there
# (1.6, 7.2: "Identifier is unknown"); whoever is known and may not charge is Blocked.
_NEAREST = {
    "Unknown": "Invalid",
    "NoCredit": "Blocked",
    "NotAllowedTypeEVSE": "Blocked",
    "NotAtThisLocation": "Blocked",
    "NotAtThisTime": "Blocked",
}


def authorization_response(  # noqa: PLR0913 - what an answer says
    version: str,
    action: str,
    status: str,
    *,
    group: str | None = None,
    group_type: str | None = None,
    expires_ms: int | None = None,
    transaction: str | None = None,
) -> dict[str, Any]:
    """The response to an Authorize, StartTransaction or TransactionEvent that names a token.

    It is valid by the schema of the version (1.6: IdTagInfo; 2.x: IdTokenInfoType). `status` is a
    word of 2.x, or of the version; `group` the token that stands for the group, `expires_ms` in
    milliseconds since 1970 (UTC), `transaction` the id of the one that a StartTransaction begins.
    What the version has no room for is left out. KeyError for an action without such a response.
    """
    parts = {one.name: one.form for one in form(version, action, "response").fields}
    info = "idTagInfo" if "idTagInfo" in parts else "idTokenInfo"
    fields = {one.name: one.form for one in parts[info].fields}
    said: dict[str, Any] = {"status": _status(status, fields["status"])}
    for name, wanted in fields.items():
        if wanted.kind == "time" and (until := _time(expires_ms)) is not None:
            said[name] = until
        elif name in ("parentIdTag", "groupIdToken"):
            said |= _group(name, wanted, group, group_type)
    # Some stations want the order of the schema.
    answer: dict[str, Any] = {info: {name: said[name] for name in fields if name in said}}
    if "transactionId" in parts:
        answer["transactionId"] = int(transaction or 0)
    return answer


def _status(status: str, known: Form) -> str:
    """The word itself, the nearest one, or at last one that lets nobody charge."""
    for word in (status, _NEAREST.get(status)):
        if word in known.enum:
            return str(word)
    return "Invalid"


def _group(name: str, wanted: Form, group: str | None, group_type: str | None) -> dict[str, Any]:
    """Left out where it is too long for the version: half a name would be another group."""
    fields = {one.name: one.form for one in wanted.fields}
    text = fields["idToken"] if fields else wanted
    if not group or len(group) > (text.max_length or len(group)):
        return {}
    if not fields:
        return {name: group}
    types = fields["type"]
    kind = group_type or "Central"
    if (types.enum and kind not in types.enum) or len(kind) > (types.max_length or len(kind)):
        kind = "Central"
    return {name: {"idToken": group, "type": kind}}


def _time(at_ms: int | None) -> str | None:
    """A time with Z: +00:00 upsets some stations (lbbrhzn/ocpp#512)."""
    if at_ms is None:
        return None
    seconds, millis = divmod(at_ms, 1000)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{millis:03d}Z"
    except (ValueError, OverflowError, OSError):
        return None
