"""Decides whether a payload can be taken, and which deviations of real stations are bent for it."""

import json
import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.deviations import RULES, Found, Violation, deviations, note
from schemas.derive import Shape, shape

# The calls in which energy is told. A CALLERROR makes a station try again, about three times, and
# then drop its record for ever, so none of them is refused for its form: what cannot be read now
# stands in the log, and can be read later.
BILLING = frozenset({"StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent"})

# No quirk of its own takes these.
_UNBENDABLE = frozenset({"not_json", "not_an_object", "lone_surrogate"})

# The rules that can be bent, by name, and what bending each of them takes. "confirm_billing" bends
# all rules of objects, for the calls of BILLING only; the rule of message ids is not kept here.
QUIRKS: Mapping[str, str] = MappingProxyType(
    {name: rule.doc for name, rule in RULES.items() if rule.code and name not in _UNBENDABLE}
    | {
        "confirm_billing": "any deviation of an object in StartTransaction, StopTransaction, "
        "MeterValues and TransactionEvent, also a required field that is missing",
        "over_long_message_id": "a message id of more than 36 characters (OCPP-J 4.1.4)",
    }
)

# What stations in the field need. Out of it are only a required field that is missing and a value
# of a quite different type: nobody could act on such a payload, and outside of BILLING nothing is
# lost when the station hears so.
DEFAULT_QUIRKS = frozenset(QUIRKS) - {"missing_field", "wrong_type"}


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class PayloadError(Exception):
    """A payload that is not taken. `violation` is the first reason, in the order of the text."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.description)
        self.violation = violation


class Checked(msgspec.Struct, frozen=True, gc=False):
    """A payload that was taken.

    `payload` is the JSON object as sent, without its nulls where these were bent; a field of it
    can still be absent or of any type where a rule was bent. `record` is ready for Avro: all that
    fits it. `deviations` names the rules that were bent, and what the record cannot hold, in the
    order of the text. `holds_all` is False where the exact text has to be kept beside the record.
    """

    payload: dict[str, Any]
    record: dict[str, Any]
    deviations: tuple[str, ...]
    holds_all: bool


def check(version: str, action: str, part: str, raw: bytes, quirks: frozenset[str]) -> Checked:
    """Takes the JSON text of a payload, or raises PayloadError.

    `part` is "request", "response" or "send"; `quirks` are names out of QUIRKS, none of them for
    strict. KeyError for an action or part that the version does not have.
    """
    form = shape(version, action, part)
    try:
        form.validate(raw)
        payload: dict[str, Any] = _decode(raw)
        if _keys_may_repeat(raw, payload):
            return _bend(version, action, part, raw, quirks)
        record, holds_all = form.to_avro(payload)
    except (ValueError, RecursionError, OverflowError):
        # msgspec's errors and UnicodeDecodeError are all ValueErrors.
        return _bend(version, action, part, raw, quirks)
    if not holds_all:
        return _bend(version, action, part, raw, quirks)
    return Checked(payload, record, (), True)


def _bend(version: str, action: str, part: str, raw: bytes, quirks: frozenset[str]) -> Checked:
    """The slow way, for a payload in which anything is unusual: names it, then bends or refuses."""
    found: Found = {}
    sent = _object(raw, found)
    if _keys_may_repeat(raw, sent) and _keys_repeat(raw):
        note(found, "duplicate_key")
    payload, departures = deviations(version, action, part, sent)
    found |= departures
    bend_all = part == "request" and action in BILLING and "confirm_billing" in quirks
    for rule, violation in found.items():
        if violation.code and rule not in quirks and not bend_all:
            raise PayloadError(violation)
    record, holds_all = record_of(shape(version, action, part), sent)
    holds_all = holds_all and not any(RULES[rule].lossy for rule in found)
    return Checked(payload, record, tuple(found), holds_all)


def _object(raw: bytes, found: Found) -> dict[str, Any]:
    try:
        value = _read(raw, found)
    except (ValueError, RecursionError):
        note(found, "not_json")
    else:
        if isinstance(value, dict):
            return value
        if value is None:
            note(found, "null_payload")
            return {}
        note(found, "not_an_object")
    raise PayloadError([*found.values()][-1])


def _read(raw: bytes, found: Found) -> Any:
    try:
        return _decode(raw)
    except ValueError:
        if not _SURROGATE(raw):
            raise
    # JSON by its grammar (RFC 8259, 8.2), though it stands for no text.
    value = json.loads(raw, parse_constant=_finite, parse_float=_finite)
    note(found, "lone_surrogate")
    return value


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]").search


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no number of JSON, or beyond all doubles")
    return number


def record_of(form: Shape, payload: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Any JSON object ready for Avro, and whether that holds all of it.

    As `to_avro` of the shape, but a number that Avro cannot hold becomes null.
    """
    try:
        return form.to_avro(payload)
    except OverflowError:
        return form.to_avro(_without_oversize(payload, 0))


# Deeper than any form; what is nested deeper goes into the record as text, with its numbers.
_DEPTH_MAX = 32


def _without_oversize(value: Any, depth: int) -> Any:
    """The value with null in place of each number beyond 64 bits."""
    match value:
        case dict() if depth < _DEPTH_MAX:
            return {name: _without_oversize(item, depth + 1) for name, item in value.items()}
        case list() if depth < _DEPTH_MAX:
            return [_without_oversize(item, depth + 1) for item in value]
        case int() | float() if not -(2**63) <= value < 2**63:
            return None
    return value


def _keys_may_repeat(raw: bytes, value: object) -> bool:
    """Whether an object in the text may have a key twice; False is certain.

    A decoder keeps the last of two, so the text has more quotation marks than the value written
    again, unless one was hidden as an escape.
    """
    try:
        again = _encode(value)
    except (UnicodeEncodeError, RecursionError):
        return True
    if again == raw:
        return False
    return raw.count(b'"') != again.count(b'"') or b"\\u" in raw


def _keys_repeat(raw: bytes) -> bool:
    repeated = False

    def keep_last(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        fields = dict(pairs)
        repeated = repeated or len(fields) < len(pairs)
        return fields

    try:
        json.loads(raw, object_pairs_hook=keep_last)
    except RecursionError:
        # Deeper than can be told: keep the text to be sure.
        return True
    return repeated
