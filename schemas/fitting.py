"""Any JSON value made to fit its Avro type as well as it can, and what was lost by it."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from schemas.forms import Form

# One value, and where to note that it is not held whole; None is Avro's null.
Fit = Callable[[Any, list[Any]], Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLIS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3}0*)?Z", re.ASCII).fullmatch
# As JSON writes numbers, with an exponent that Decimal takes.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII).fullmatch


def millis(value: Any, lost: list[Any]) -> int | None:
    """A time in milliseconds since 1970, where its text says that and no less or more.

    A zone other than Z and a finer fraction would not come back: they are lost, as null.
    """
    if type(value) is str and _MILLIS(value):
        try:
            since = datetime.fromisoformat(value) - EPOCH
        except ValueError:
            pass
        else:
            return (since.days * 86400 + since.seconds) * 1000 + since.microseconds // 1000
    lost.append(value)
    return None


def fitting(form: Form, doubles: frozenset[tuple[str, str]], done: dict[str, Fit]) -> Fit:
    """A function that makes any JSON value fit the Avro type of a form.

    `doubles` as for conversion.to_avro; `done` holds what was made so far, by the form's name.
    """
    if form.as_text:
        return _text
    if form.kind == "array":
        assert form.items is not None
        return _list_of(fitting(form.items, doubles, done))
    if form.kind != "object":
        return _SCALARS[form.kind]
    if form.name not in done:
        members = {
            field.name: _number
            if (form.name, field.name) in doubles
            else fitting(field.form, doubles, done)
            for field in form.fields
        }
        # Null has a JSON text like any other value.
        texts = frozenset(field.name for field in form.fields if field.form.as_text)
        done[form.name] = _record_of(members, texts)
    return done[form.name]


def _record_of(members: Mapping[str, Fit], texts: frozenset[str]) -> Fit:
    def fit(value: Any, lost: list[Any]) -> dict[str, Any] | None:
        if type(value) is not dict:
            lost.append(value)
            return None
        record: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, child in value.items():
            member = members.get(name)
            if member is None:
                extra[name] = child
            elif child is None and name not in texts:
                # Absent and null are one in Avro.
                lost.append(child)
            else:
                record[name] = member(child, lost)
        if extra:
            record["extra"] = _text(extra, lost)
        return record

    return fit


def _list_of(item: Fit) -> Fit:
    def fit(value: Any, lost: list[Any]) -> list[Any] | None:
        if type(value) is not list:
            lost.append(value)
            return None
        # Items are never null in Avro: one that does not fit is left out, which `lost` tells.
        fitted = (item(child, lost) for child in value)
        return [child for child in fitted if child is not None]

    return fit


def _string(value: Any, lost: list[Any]) -> str | None:
    if type(value) is str:
        return value
    lost.append(value)
    return None if value is None else _text(value, lost)


def _integer(value: Any, lost: list[Any]) -> int | None:
    # 1.0 is the same JSON number as 1 (JSON Schema draft 6), so nothing is lost with its fraction.
    if type(value) is int or (type(value) is float and value.is_integer()):
        if not _fits_long(value):
            raise OverflowError("an integer of more than 64 bits")
        return int(value)
    lost.append(value)
    if type(value) is str and _NUMBER(value):
        number = Decimal(value)
        if _fits_long(number) and number == int(number):
            return int(number)
    return None


def _fits_long(value: float | Decimal) -> bool:
    return -(2**63) <= value < 2**63


def _number(value: Any, lost: list[Any]) -> float | None:
    if type(value) is float:
        return value
    if type(value) is int:
        number = float(value)
        if number != value:
            lost.append(value)
        return number
    lost.append(value)
    if type(value) is str and _NUMBER(value) and isfinite(float(value)):
        return float(value)
    return None


def _boolean(value: Any, lost: list[Any]) -> bool | None:
    if type(value) is bool:
        return value
    lost.append(value)
    return {"true": True, "false": False}.get(value.lower()) if type(value) is str else None


def _text(value: Any, lost: list[Any]) -> str | None:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        # Whoever decoded it stood a little higher on the stack.
        lost.append(value)
        return None


_SCALARS: dict[str, Fit] = {
    "string": _string,
    "time": millis,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
