"""Reads the values of a frame however a station wrote them, and never fails for how it did."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from schemas.derive import shape
from schemas.fitting import EPOCH, millis

Json = Mapping[str, Any]
NOTHING: Json = {}

PART = {"call": "request", "result": "response", "send": "send"}
# Where the payload stands in the frame (OCPP-J 1.6, 4.2; OCPP 2.x part 4, 4.2).
_ELEMENT = {"call": 3, "result": 2, "send": 3}


def payload_of(record: Json, field: str) -> Json:
    """The payload of a frame's event as JSON object, without fields that are null.

    `field` is the frame field of the event's record. Where the event keeps the frame's text, which
    says more than the typed record, it is the payload of that.
    """
    kind = record["kind"]
    if (raw := record.get("raw")) is not None:
        try:
            payload = json.loads(raw)[_ELEMENT[kind]]
        except (ValueError, LookupError, RecursionError, TypeError):
            # Redaction has cut off what is no JSON object without repeated keys.
            pass
        else:
            return members(_without_nulls(payload, 0))
    typed = record.get(field)
    if typed is None:
        return NOTHING
    try:
        form = shape(record["ocpp_version"], record["action"], PART[kind])
        return form.from_avro(typed)
    except (ValueError, OverflowError, RecursionError):
        # A time beyond the year 9999, or a text that is no JSON: no gateway of ours writes it.
        return NOTHING


def _without_nulls(value: Any, depth: int) -> Any:
    """The value without fields that are null; nothing that matters here lies very deep."""
    if depth > 32:
        return value
    if isinstance(value, dict):
        return {
            name: _without_nulls(child, depth + 1)
            for name, child in value.items()
            if child is not None
        }
    if isinstance(value, list):
        return [_without_nulls(child, depth + 1) for child in value]
    return value


def members(value: object) -> Json:
    """A JSON object; an empty one where it is something else."""
    return value if isinstance(value, dict) else NOTHING


def items(value: object) -> list[Any]:
    """A JSON list; an object alone is a list of one, anything else an empty one."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


def text(value: object) -> str | None:
    """A text as sent; other values as their JSON text.

    NUL and half surrogates, which not every database can hold, are U+FFFD.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            # The log has doubles: 5 comes back as 5.0.
            value = int(value)
        return as_json(value)
    if value.isascii() and "\0" not in value:
        return value
    return _UNSTORABLE.sub("\ufffd", value)


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def as_json(value: object) -> str:
    """The JSON text of a value, in the order of its keys."""
    try:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "…"
    return _UNSTORABLE.sub("\ufffd", written)


# Longer than any id of OCPP (36 characters); what is a key must fit an index of any database.
_KEY_LENGTH = 255


def identifier(value: object) -> str | None:
    """A number or text that names something, as text and as sent: 0 is "0", 12.0 is "12".

    What is longer than 255 characters is cut, and ends in its SHA-256.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    found = text(value)
    if found is None or len(found) <= _KEY_LENGTH:
        return found
    digest = hashlib.sha256(found.encode()).hexdigest()
    return f"{found[: _KEY_LENGTH - 65]}…{digest}"


# Nearly all numbers that stations send; these are what they seem, without a zero at the end.
_PLAIN = re.compile(r"-?\d{1,20}(\.\d{0,19}[1-9])?", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(\d{1,64}\.?\d{0,64}|\.\d{1,64})([eE][+-]?\d{1,3})?\s*", re.ASCII)
_EXACT = Context(prec=400)


def decimal(value: object, exponent: int = 0) -> Decimal | None:
    """The number times ten to the `exponent`, exactly; None where it is no number.

    None too where it is beyond all measure (10^40 either way), or has more than 60 digits. There
    are no zeros at the end: equal numbers have equal texts.
    """
    if not exponent and isinstance(value, str) and _PLAIN.fullmatch(value):
        return Decimal(value) or Decimal(0)
    if isinstance(value, float):
        value = repr(value)
    elif isinstance(value, bool):
        return None
    elif isinstance(value, int):
        value = str(value) if abs(value) < 10**60 else ""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value) or abs(exponent) > 60:
        return None
    number = _EXACT.normalize(_EXACT.scaleb(Decimal(value.strip()), exponent))
    if not number:
        return Decimal(0)
    if abs(number.adjusted()) > 40 or len(number.as_tuple().digits) > 60:
        return None
    return Decimal(format(number, "f"))


def integer(value: object) -> int | None:
    """A whole number of 64 bits, also one written as text; None where it is none."""
    if type(value) is int:
        return value if -(2**63) <= value < 2**63 else None
    if isinstance(value, bool) or not isinstance(value, float | str):
        return None
    number = decimal(value)
    if number is None or number != number.to_integral_value() or not -(2**63) <= number < 2**63:
        return None
    return int(number)


def reservation(value: object) -> int | None:
    """The id of a reservation; 0 means none (steve#1414)."""
    return integer(value) or None


def boolean(value: object) -> bool | None:
    """True or false, also written as text; None where it is neither."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


_DATE = re.compile(r"\d{4}-?\d\d-?\d\d", re.ASCII).match
# A leap second (RFC 3339, 5.6) is counted with the second after it, as Unix time does.
_LEAP = re.compile(r"(?<=\d\d:\d\d):60").search


def moment(value: object) -> tuple[int | None, str | None]:
    """A time in milliseconds since 1970 (UTC), and its text where these do not say all of it.

    Read is whatever ISO 8601 allows; a time without a zone is taken for UTC.
    """
    exact = millis(value, [])
    if exact is not None or value is None:
        return exact, None
    written = text(value)
    if not isinstance(value, str) or not _DATE(value.strip()):
        return None, written
    plain = value.strip().upper()
    leap = _LEAP(plain)
    try:
        read = datetime.fromisoformat(plain.replace(":60", ":59", 1) if leap else plain)
        read = read if read.tzinfo else read.replace(tzinfo=UTC)
        since = read - EPOCH + timedelta(seconds=1 if leap else 0)
    except (ValueError, OverflowError):
        return None, written
    return since // timedelta(milliseconds=1), written
