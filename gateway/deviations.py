"""Finds where a payload departs from its OCPP schema, and names each departure by a rule."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas.forms import Form, form, is_date_time, is_multiple


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of deviation.

    `code` is the error word (2.x spelling) that refuses it; empty for what is never refused, since
    the payload conforms and only the typed record cannot hold all of it. `lossy` tells that the
    typed record never shows it, so that the text must be kept.
    """

    code: str
    doc: str
    lossy: bool = False


# OCPP-J 1.6, 4.2.3 and 2.0.1, 4.3. FormatViolation is for what does "not conform to the PDU
# structure for the action": so a property that the action does not have is one (the errata 3.2 of
# OCPP-J 1.6 and chapter 9 of 2.0.1 forbid it, without naming a word), and not a
# PropertyConstraintViolation, which is for an invalid value of a field that there is. A missing
# field "violates occurrence constraints".
_FORMAT = "FormatViolation"
_OCCURRENCE = "OccurrenceConstraintViolation"
_PROPERTY = "PropertyConstraintViolation"
_TYPE = "TypeConstraintViolation"

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "not_json": Rule(_FORMAT, "the payload is not JSON that can be read"),
        "not_an_object": Rule(_FORMAT, "the payload is not a JSON object"),
        "lone_surrogate": Rule(_FORMAT, "half of a surrogate pair in a text", lossy=True),
        "null_payload": Rule(_FORMAT, "null in place of the payload; taken as {}", lossy=True),
        "duplicate_key": Rule(
            _FORMAT, "a key twice in one object; the last one counts", lossy=True
        ),
        "unknown_property": Rule(_FORMAT, "a property that the schema does not have"),
        "missing_field": Rule(_OCCURRENCE, "a required field is absent or null"),
        "too_few_items": Rule(_OCCURRENCE, "a list shorter than allowed, such as an empty one"),
        "too_many_items": Rule(_OCCURRENCE, "a list longer than allowed"),
        "null_field": Rule(_TYPE, "null in place of a value; taken as absent", lossy=True),
        "scalar_for_text": Rule(_TYPE, "a number or boolean where text is declared"),
        "quoted_value": Rule(_TYPE, "a number or boolean written as text"),
        "fraction_for_integer": Rule(_TYPE, "a number with decimals where none are allowed"),
        "wrong_type": Rule(_TYPE, "any other value of the wrong type"),
        "over_long_text": Rule(_PROPERTY, "text longer than allowed"),
        "unknown_word": Rule(_PROPERTY, "a word that the enumeration does not have"),
        "out_of_range": Rule(_PROPERTY, "a number below the minimum or above the maximum"),
        "not_a_multiple": Rule(_PROPERTY, "a number with more decimals than allowed"),
        "loose_timestamp": Rule(
            _PROPERTY, "a time that is ISO 8601 but no RFC 3339: no zone, offset without minutes"
        ),
        "unreadable_timestamp": Rule(_PROPERTY, "a text that is no time, such as an empty one"),
        "inexact_timestamp": Rule("", "a time with an offset, or finer than milliseconds"),
        "oversize_number": Rule("", "a number that neither 64 bits nor a double hold", lossy=True),
    }
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a payload departs from its schema.

    `path` is a JSON path such as $.meterValue[0].sampledValue[2].value, `code` the error word in
    the 2.x spelling. `description` is at most 255 characters, as errorDescription may be, and
    never repeats a value that the station sent.
    """

    rule: str
    path: str
    code: str
    description: str


Found = dict[str, Violation]
# The way to a value: its parent's way and its own name or index; None is the payload itself.
_Path = tuple[Any, str | int] | None


def note(found: Found, rule: str, path: _Path = None, detail: str = "") -> None:
    """Adds the violation to `found`, which keeps the first place of each rule, in order.

    So a hostile payload with thousands of deviations costs no memory.
    """
    if rule not in found:
        where, row = _written(path), RULES[rule]
        # What follows the semicolon tells how the rule is bent, which is not for the station.
        text = f"{where}: {detail or row.doc.partition(';')[0]}"
        found[rule] = Violation(rule, where, row.code, text[:255])


def _written(path: _Path) -> str:
    steps: list[str] = []
    while path is not None:
        path, step = path
        if isinstance(step, int):
            steps.append(f"[{step}]")
        elif step.isidentifier() and len(step) <= 50:
            steps.append(f".{step}")
        else:
            steps.append(f"[{json.dumps(step[:30], ensure_ascii=False)}]")
    return "$" + "".join(reversed(steps))


def deviations(version: str, action: str, part: str, value: dict[str, Any]) -> tuple[Any, Found]:
    """Where a JSON object departs from the schema of (version, action, part).

    Returns the object without its nulls (a field that is null is absent), otherwise as sent, and
    the first place of each broken rule in the order of the text. KeyError for an unknown action.
    """
    found: Found = {}
    return _walk(_node(version, action, part), value, None, found), found


@dataclass(frozen=True, slots=True)
class _Node:
    """A form whose fields are found by name."""

    form: Form
    fields: Mapping[str, "_Node"]
    required: tuple[str, ...]
    words: frozenset[str]
    expected: str
    item: "_Node | None"


@cache
def _node(version: str, action: str, part: str) -> _Node:
    return _compiled(form(version, action, part))


def _compiled(form: Form) -> _Node:
    return _Node(
        form,
        {field.name: _compiled(field.form) for field in form.fields},
        tuple(field.name for field in form.fields if field.required),
        frozenset(form.enum),
        form.expected if form.enum else "",
        _compiled(form.items) if form.items else None,
    )


def _walk(node: _Node, value: Any, path: _Path, found: Found) -> Any:
    """Adds what is wrong in `value` to `found`; returns the value without nulls."""
    match node.form.kind, value:
        case "object", dict():
            return _walk_object(node, value, path, found)
        case "array", list():
            return _walk_array(node, value, path, found)
        case "json", _:
            return value
        case (("string" | "time"), str()):
            _text(node, value, path, found)
        case (("string" | "time"), bool() | int() | float()):
            note(found, "scalar_for_text", path)
        case (("integer" | "number"), bool()):
            note(found, "wrong_type", path, f"{node.form.kind} expected")
        case (("integer" | "number"), int() | float()):
            _number(node.form, value, path, found)
        case (("integer" | "number"), str()) if _NUMBER(value):
            note(found, "quoted_value", path)
        case "boolean", bool():
            pass
        case "boolean", "true" | "false":
            note(found, "quoted_value", path)
        case _, None:
            note(found, "null_field", path)
        case kind, _:
            note(found, "wrong_type", path, f"{kind} expected")
    return value


def _walk_object(node: _Node, value: dict[str, Any], path: _Path, found: Found) -> dict[str, Any]:
    kept = {}
    for name, item in value.items():
        child = node.fields.get(name)
        if child is None:
            if not node.form.open:
                note(found, "unknown_property", (path, name))
            kept[name] = item
        elif item is None and child.form.kind != "json":
            note(found, "null_field", (path, name))
        else:
            kept[name] = _walk(child, item, (path, name), found)
    for name in node.required:
        if name not in kept:
            note(found, "missing_field", (path, name))
    return kept


def _walk_array(node: _Node, value: list[Any], path: _Path, found: Found) -> list[Any]:
    if len(value) < (node.form.min_items or 0):
        note(found, "too_few_items", path, f"at least {node.form.min_items} items expected")
    if node.form.max_items is not None and len(value) > node.form.max_items:
        note(found, "too_many_items", path, f"at most {node.form.max_items} items expected")
    assert node.item is not None
    return [_walk(node.item, item, (path, index), found) for index, item in enumerate(value)]


_NUMBER = re.compile(r"\s*[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,3})?\s*", re.ASCII).fullmatch


def _number(form: Form, value: float, path: _Path, found: Found) -> None:
    # JSON knows numbers only: 12.0 is an integer (JSON Schema, draft 6 on).
    if form.kind == "integer" and value != int(value):
        note(found, "fraction_for_integer", path)
    if (form.minimum is not None and value < form.minimum) or (
        form.maximum is not None and value > form.maximum
    ):
        note(found, "out_of_range", path)
    if form.multiple_of is not None and not is_multiple(value, form.multiple_of):
        note(found, "not_a_multiple", path, f"a multiple of {form.multiple_of} expected")
    # Avro has long and double (IEEE 754) only.
    if not (-(2**63) <= value < 2**63 if form.kind == "integer" else _is_double(value)):
        note(found, "oversize_number", path)


def _is_double(value: float) -> bool:
    try:
        return float(value) == value
    except OverflowError:
        return False


def _text(node: _Node, value: str, path: _Path, found: Found) -> None:
    if node.form.kind == "time":
        if (rule := _timestamp_rule(value)) is not None:
            note(found, rule, path)
        return
    if node.form.max_length is not None and len(value) > node.form.max_length:
        note(found, "over_long_text", path, f"at most {node.form.max_length} characters expected")
    if node.words and value not in node.words:
        note(found, "unknown_word", path, node.expected)


# What the record's milliseconds since 1970, UTC, say completely.
_EXACT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3}0*)?Z", re.ASCII).fullmatch


def _timestamp_rule(text: str) -> str | None:
    if is_date_time(text):
        return None if _EXACT(text) else "inexact_timestamp"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return "unreadable_timestamp"
    return "loose_timestamp"
