"""What an OCPP JSON Schema says of each value, freed from the notation of JSON Schema."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cache
from typing import Annotated, Any

import msgspec

from schemas import catalogue


class SchemaError(Exception):
    """A JSON Schema says something that is not understood here: the build must stop."""


@dataclass(frozen=True, slots=True)
class Field:
    """A property of an object."""

    name: str
    form: "Form"
    required: bool


@dataclass(frozen=True, slots=True)
class Form:
    """One value: its kind and its limits, None where there is no limit.

    `kind` is one of "string", "time" (an RFC 3339 text), "integer", "number", "boolean", "array",
    "object" and "json" (anything). Lengths count characters. `name` of an object is the name of
    its definition, and of one that is written in place the name of its property with a capital.
    An `open` object takes unknown properties: that is the vendor's own data.
    """

    kind: str
    name: str = ""
    enum: tuple[str, ...] = ()
    max_length: int | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    multiple_of: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    items: "Form | None" = None
    fields: tuple[Field, ...] = ()
    open: bool = False

    @property
    def expected(self) -> str:
        """What an enumeration wants, for people: its words, as many as there is room for."""
        count = len(self.enum)
        while count > 1 and len(", ".join(self.enum[:count])) > _ROOM:
            count -= 1
        others = f" and {rest} others" if (rest := len(self.enum) - count) else ""
        return f"one of {', '.join(self.enum[:count])}{others} expected"

    @property
    def as_text(self) -> bool:
        """Whether the value is kept as JSON text, since its content has no form."""
        return self.kind == "json" or self.open


# Said for people or for validators of documents only; they limit nothing.
_IGNORED = {
    "$id", "$schema", "additionalItems", "comment", "default", "definitions", "description",
    "javaType", "title",
}  # fmt: skip
_LIMITS = {
    "maxLength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
    "multipleOf": "multiple_of",
    "minItems": "min_items",
    "maxItems": "max_items",
}
_UNDERSTOOD = {
    *_IGNORED, *_LIMITS, "$ref", "additionalProperties", "enum", "format", "items", "properties",
    "required", "type",
}  # fmt: skip
_LEGAL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_ROOM = 150  # a CALLERROR has 255 characters, for the field at fault as well


@cache
def form(version: str, action: str, part: str) -> Form:
    """The form of a payload. KeyError for what the version does not have.

    Raises SchemaError when the schema uses what is not understood here.
    """
    schema = catalogue.json_schema(version, action, part)
    suffix = "" if part == "send" else part.capitalize()
    return _parse(schema, action + suffix, schema.get("definitions", {}), {})


def _parse(
    node: Mapping[str, Any],
    name: str,
    definitions: Mapping[str, Any],
    done: dict[str, Form | None],
) -> Form:
    """`done` holds each definition once it is parsed, and None while it is being parsed."""
    if unknown := node.keys() - _UNDERSTOOD:
        raise SchemaError(f"{name}: {sorted(unknown)}")
    if "$ref" in node:
        target = node["$ref"].removeprefix("#/definitions/")
        if target not in done:
            done[target] = None
            done[target] = _parse(definitions[target], target, definitions, done)
        if (found := done[target]) is None:
            raise SchemaError(f"{name}: {target} contains itself")
        return found
    kind = node.get("type", "json")
    limits: dict[str, Any] = {
        _LIMITS[key]: _plain(value) for key, value in node.items() if key in _LIMITS
    }
    if kind == "object":
        return Form(
            "object",
            name,
            fields=_fields(node, definitions, done),
            open=node.get("additionalProperties") is not False,
        )
    if kind == "array":
        return Form("array", items=_parse(node["items"], name, definitions, done), **limits)
    if kind == "string":
        # Of the formats only the time is a type; "uri" limits no more than what a text is.
        if (text_format := node.get("format")) not in {None, "date-time", "uri"}:
            raise SchemaError(f"{name}: format {text_format}")
        kind = "time" if text_format == "date-time" else "string"
        return Form(kind, enum=tuple(node.get("enum", ())), **limits)
    if kind not in {"integer", "number", "boolean", "json"} or "enum" in node:
        raise SchemaError(f"{name}: {kind}")
    return Form(kind, **limits)


def _fields(
    node: Mapping[str, Any], definitions: Mapping[str, Any], done: dict[str, Form | None]
) -> tuple[Field, ...]:
    required = set(node.get("required", ()))
    fields = []
    for name, child in node.get("properties", {}).items():
        # "extra" is the name of what every Avro record holds besides.
        if not _LEGAL(name) or name == "extra":
            raise SchemaError(f"property {name}")
        inline = name[0].upper() + name[1:]
        fields.append(Field(name, _parse(child, inline, definitions, done), name in required))
    if missing := required - {field.name for field in fields}:
        raise SchemaError(f"required but not declared: {sorted(missing)}")
    return tuple(fields)


def _plain(limit: float) -> float:
    """A limit without the fraction that some schemas write also for integers (0.0)."""
    return int(limit) if limit == int(limit) else limit


# An RFC 3339 date-time with its zone; the blank between date and time, which RFC 3339 (5.6) leaves
# to the application, is taken, a leap second is not.
DateTime = Annotated[datetime, msgspec.Meta(tz=True)]


def is_date_time(text: str) -> bool:
    """Whether a text is a date-time as the decoders take it (RFC 3339)."""
    try:
        msgspec.convert(text, DateTime)
    except msgspec.ValidationError:
        return False
    return True


def is_multiple(value: float, step: float) -> bool:
    """Whether the decimal number that was written is a multiple of another.

    Both are taken as their shortest decimal text: in binary 21.4 is no multiple of 0.1.
    """
    return Fraction(repr(value)) % Fraction(repr(step)) == 0
