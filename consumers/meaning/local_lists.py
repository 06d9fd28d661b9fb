"""What is answered and told of local authorization lists, in frames of any version."""

from collections.abc import Iterator
from typing import Any

from consumers.meaning.facts import (
    ListEntry,
    LocalListAnswered,
    LocalListLimitsTold,
    LocalListVersionTold,
)
from consumers.meaning.frames import Facts, Frame
from consumers.meaning.list_commands import is_ours
from consumers.meaning.payloads import (
    Json,
    boolean,
    identifier,
    integer,
    items,
    members,
    moment,
    text,
)
from consumers.meaning.tokens import id_token


def list_answer(frame: Frame) -> Facts:
    """The answer to a SendLocalList of any version, or an error in its place."""
    call = frame.call
    if call is None:
        return
    yield LocalListAnswered(
        frame.at,
        version=_version(call),
        full=text(call.get("updateType")) == "Full",
        entries=tuple(_entries(call.get("localAuthorizationList"))),
        status=_status(frame),
        command=text(frame.record.get("command_id")),
    )


def _status(frame: Frame) -> str | None:
    """What 1.6 has a status for, stations of all versions say with an error as well."""
    code = text(members(frame.record.get("error")).get("code"))
    return "NotSupported" if code in _NOT_OFFERED else text(frame.said.get("status"))


# Implementers mix the two up (OCPP-J 1.6, 4.2.3).
_NOT_OFFERED = frozenset({"NotImplemented", "NotSupported"})


def _entries(listed: object) -> Iterator[ListEntry]:
    """Both 1.6 and 2.x; an entry without a token is none."""
    for entry in map(members, items(listed)):
        token, token_type = id_token(entry.get("idToken", entry.get("idTag")))
        info = members(entry.get("idTokenInfo", entry.get("idTagInfo")))
        group, _ = id_token(info.get("groupIdToken", info.get("parentIdTag")))
        expires_ms, _ = moment(info.get("cacheExpiryDateTime", info.get("expiryDate")))
        if (name := identifier(token)) is not None:
            status = text(info.get("status"))
            yield ListEntry(name, token_type, status, expires_ms, group)


def list_version(frame: Frame) -> Facts:
    """The answer to a GetLocalListVersion; MicroOcpp gives that of 1.6 under 2.0.1 too."""
    command = text(frame.record.get("command_id"))
    yield LocalListVersionTold(frame.at, _version(frame.said), command)


def _version(payload: Json) -> int | None:
    return integer(payload.get("versionNumber", payload.get("listVersion")))


def configuration(frame: Frame) -> Facts:
    """The answer to a GetConfiguration of 1.6, where it tells of the local list (9.3)."""
    told = {
        _folded(key.get("key")): key.get("value")
        for key in map(members, items(frame.said.get("configurationKey")))
    }
    yield from _limits(
        frame,
        enabled=boolean(told.get("localauthlistenabled")),
        entries_max=integer(told.get("localauthlistmaxlength")),
        entries_per_call=integer(told.get("sendlocallistmaxlength")),
    )


def variables(frame: Frame) -> Facts:
    """The answer to a GetVariables of 2.x, where it tells of LocalAuthListCtrlr."""
    told: dict[str, Any] = {}
    for result in map(members, items(frame.said.get("getVariableResult"))):
        if text(result.get("attributeStatus")) == "Accepted":
            kind = result.get("attributeType")
            told |= _told(result, {_attribute(kind): result.get("attributeValue")})
    yield from _controlled(frame, told)


def report(frame: Frame) -> Facts:
    """NotifyReport of 2.x, where it tells of LocalAuthListCtrlr."""
    told: dict[str, Any] = {}
    for data in map(members, items(frame.said.get("reportData"))):
        attributes = {
            _attribute(attribute.get("type")): attribute.get("value")
            for attribute in map(members, items(data.get("variableAttribute")))
        }
        limits = members(data.get("variableCharacteristics"))
        if "maxLimit" in limits:
            attributes["maxset"] = limits["maxLimit"]
        told |= _told(data, attributes)
    yield from _controlled(frame, told)


def _told(data: Json, attributes: dict[str, Any]) -> dict[str, Any]:
    """<variable>.<attribute> -> value, folded, if it is one of the local list's controller."""
    if _folded(members(data.get("component")).get("name")) != "localauthlistctrlr":
        return {}
    variable = _folded(members(data.get("variable")).get("name"))
    return {f"{variable}.{attribute}": value for attribute, value in attributes.items()}


def _attribute(kind: object) -> str:
    return _folded(kind) or "actual"


def _controlled(frame: Frame, told: Json) -> Facts:
    """OCPP 2.0.1, part 2, appendix 3.1.11: what LocalAuthListCtrlr may tell.

    Entries counts those that are in the list; its limit is how many there can be. One that is not
    available cannot be enabled.
    """
    available = boolean(told.get("available.actual"))
    enabled = boolean(told.get("enabled.actual"))
    yield from _limits(
        frame,
        enabled=False if available is False else enabled,
        entries_max=integer(told.get("entries.maxset")),
        entries_per_call=integer(told.get("itemspermessage.actual")),
        bytes_per_call=integer(told.get("bytespermessage.actual")),
    )


def _limits(frame: Frame, **limits: Any) -> Facts:
    """An answer that tells none of them is one all the same, to who asked for nothing else."""
    command = text(frame.record.get("command_id"))
    if is_ours(command) or any(value is not None for value in limits.values()):
        yield LocalListLimitsTold(frame.at, **limits, command=command)


def _folded(name: object) -> str:
    """Keys, components and variables are named without regard to case (CiString50Type)."""
    return (text(name) or "").strip().lower()
