"""JSON objects as Avro records, with nothing lost in silence, back and forth."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import GenericAlias
from typing import Annotated, Any

import msgspec

from schemas.decoders import optional, struct
from schemas.fitting import EPOCH, Fit, fitting, millis
from schemas.forms import Field, Form

Json = dict[str, Any]
ToAvro = Callable[[Json], tuple[Json, bool]]
FromAvro = Callable[[Json], Json]
_Read = Callable[[Any], Any]

_LONG = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# Every integer in this range is a double; outside some are, which the slow way finds out.
_EXACT = msgspec.Meta(ge=-(2**53), le=2**53)
_LOOSE: dict[str, Any] = {
    "string": str,
    "time": str,
    "integer": _LONG,
    "number": Annotated[float, _EXACT],
    "boolean": bool,
}


def to_avro(form: Form, doubles: frozenset[tuple[str, str]]) -> ToAvro:
    """A function that makes a JSON object ready for Avro, and tells whether that holds all of it.

    It takes what msgspec.json.decode gives, changes nothing in it, and may share parts with it.
    The object need not be valid: unknown properties go to `extra` as JSON text; a value that does
    not fit its field becomes the best that does, or null, and the answer is then False. Times
    become milliseconds since 1970 (UTC) where the text says exactly that, and else null. Raises
    OverflowError for a number that Avro cannot hold: an integer over 64 bits, or one beyond all
    doubles.

    `doubles` are the integers (name of the object's form, name of the property) that are doubles
    in the record.
    """
    # Most payloads hold only what the record can hold: that is asked in C, and then there are only
    # times to convert. All the others take the slow way.
    plain = _plain(form, doubles, {})
    times = _times(form)
    fit = fitting(form, doubles, {})

    def convert(payload: Json) -> tuple[Json, bool]:
        lost: list[Any] = []
        try:
            msgspec.convert(payload, plain)
        except msgspec.ValidationError:
            return fit(payload, lost), not lost
        return (payload if times is None else times(payload, lost)), not lost

    return convert


def _plain(form: Form, doubles: frozenset[tuple[str, str]], structs: dict[str, Any]) -> Any:
    """The msgspec type of values that Avro holds as they are, but for the times."""
    if form.kind == "array":
        assert form.items is not None
        items = _plain(form.items, doubles, structs)
        return GenericAlias(list, (items,))
    if form.kind != "object":
        return _LOOSE[form.kind]

    def declare(field: Field) -> tuple[Any, ...] | None:
        if field.form.as_text:
            return None
        if (form.name, field.name) in doubles:
            return optional(field.name, Annotated[int, _EXACT])
        return optional(field.name, _plain(field.form, doubles, structs))

    if form.name not in structs:
        structs[form.name] = struct(form, declare)
    return structs[form.name]


def _times(form: Form) -> Fit | None:
    """Converts the times in a value that is known to fit; None where there are none."""
    if form.kind == "time":
        return millis
    if form.kind == "array":
        assert form.items is not None
        item = _times(form.items)
        if item is None:
            return None
        return lambda values, lost: [item(value, lost) for value in values]
    found = [(field.name, _times(field.form)) for field in form.fields if not field.form.as_text]
    members = [(name, convert) for name, convert in found if convert is not None]
    if not members:
        return None

    def convert_members(value: Json, lost: list[Any]) -> Json:
        result = value
        for name, convert in members:
            if name in value:
                if result is value:
                    result = value.copy()
                result[name] = convert(value[name], lost)
        return result

    return convert_members


def from_avro(form: Form) -> FromAvro:
    """A function that makes the JSON object again from its Avro record, as fastavro reads it.

    Null becomes absent, a time its text in UTC with milliseconds where there are any, and the
    unknown properties stand beside the others. Fields of other versions are passed over.
    """
    convert: FromAvro = _reading(form, {})
    return convert


def _reading(form: Form, done: dict[str, _Read]) -> _Read:
    if form.as_text:
        return json.loads
    if form.kind == "time":
        return _moment
    if form.kind == "integer":
        return _whole
    if form.kind == "array":
        assert form.items is not None
        item = _reading(form.items, done)
        return lambda values: [item(value) for value in values]
    if form.kind != "object":
        return _same
    if form.name not in done:
        members = [(field.name, _reading(field.form, done)) for field in form.fields]
        done[form.name] = _object_of(members)
    return done[form.name]


def _object_of(members: list[tuple[str, _Read]]) -> _Read:
    told = [(name, None if member is _same else member) for name, member in members]

    def read(record: Json) -> Json:
        result = {
            name: value if member is None else member(value)
            for name, member in told
            if (value := record.get(name)) is not None
        }
        if (extra := record.get("extra")) is not None:
            result.update(json.loads(extra))
        return result

    return read


def _same(value: Any) -> Any:
    return value


def _whole(value: float) -> float:
    """An integer; its field is a double where another version has fractions."""
    return int(value) if value == int(value) else value


def _moment(value: datetime | int) -> str:
    moment = value if isinstance(value, datetime) else EPOCH + timedelta(milliseconds=value)
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"
