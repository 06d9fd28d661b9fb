"""What a person writes behind an action, as the payload of a CALL: typed by the action's schema."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.deviations import Violation
from gateway.validation import PayloadError, check
from schemas.forms import Form, form

Payload = dict[str, Any]
# The schema allows 500 to ChangeConfiguration, but the memory of some stations overflows
# (lbbrhzn/ocpp#2103). In 2.x a station tells its limits itself.
_VALUE_MAX = 128


class Wrong(Exception):  # noqa: N818 - what is wrong with a payload
    """Words that make no payload of the action; the text says why."""


def payload(version: str, action: str, words: Sequence[str]) -> Payload:
    """The payload that words say: one JSON object, or ``field=value`` each.

    A field inside another is ``outer.inner=value``, an entry of a list ``list.0.field=value``; a
    list of single values is the same field several times. What is no text in the schema is read as
    JSON. Raises Wrong.
    """
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        try:
            found = json.loads(words[0])
        except ValueError as error:
            raise Wrong(f"that is no JSON: {error}") from error
        if isinstance(found, dict):
            return found
    made: Payload = {}
    for word in words:
        path, equals, text = word.partition("=")
        if not equals:
            raise Wrong(f"{word!r} is no FIELD=VALUE" if word.strip() else "there is no payload")
        _put(made, path.split("."), text, form(version, action, "request"), path)
    return made


def violation(version: str, action: str, found: Mapping[str, Any]) -> str:
    """What the schema of a version has against a payload; empty: nothing.

    A secret that is only named stands for any text. Of a wrong word of many the nearest is named.
    """
    said = wrong(version, action, found)
    if said is None:
        return ""
    if said.rule != "unknown_word":
        return said.description
    word, of = _at(said.path, found, form(version, action, "request"))
    near = difflib.get_close_matches(str(word), of.enum, n=1, cutoff=0.6)
    return said.description + (f"; did you mean {near[0]}?" if near else "")


def _at(path: str, found: Any, of: Form) -> tuple[Any, Form]:
    """The value that a JSON path leads to, and its form."""
    for index, name in re.findall(r"\[(\d+)\]|\.(\w+)", path):
        if index:
            assert of.items is not None, "a list has items"
            found, of = found[int(index)], of.items
        else:
            found, of = found[name], _inner(of, name, path)
    return found, of


def wrong(version: str, action: str, found: Mapping[str, Any]) -> Violation | None:
    """The same with its place; None: nothing."""
    try:
        raw = json.dumps(_without_secrets(found)).encode()
        check(version, action, "request", raw, frozenset())
    except PayloadError as error:
        return error.violation
    return None


def risk(action: str, found: Mapping[str, Any]) -> str:
    """What may go wrong on a station although the schema allows it; empty: nothing is known."""
    value = found.get("value") if action == "ChangeConfiguration" else None
    if not isinstance(value, str) or len(value) <= _VALUE_MAX:
        return ""
    return (
        f"the value has {len(value)} characters; some stations have no room for more than about"
        f" {_VALUE_MAX}. See with GetConfiguration what was kept."
    )


def _put(into: Any, path: list[str], text: str, of: Form, whole: str) -> None:
    """Set one value in an object or list that grows as it is named. Raises Wrong."""
    name, rest = path[0], path[1:]
    if of.kind == "array":
        assert of.items is not None, "a list has items"
        if not name.isdecimal() or int(name) > len(into):
            raise Wrong(f"{whole}: entries of a list are numbered from 0, {name!r} is not the next")
        place: Any = int(name)
        inner = of.items
        if place == len(into):
            into.append(_empty(inner) if rest else None)
    else:
        place, inner = name, _inner(of, name, whole)
        if not rest and inner.kind == "array":
            assert inner.items is not None, "a list has items"
            there = into.setdefault(place, [])
            said = _value(text, inner, whole) if text.startswith("[") else None
            there += said if isinstance(said, list) else [_value(text, inner.items, whole)]
            return
        if rest:
            into.setdefault(place, _empty(inner))
    if not rest:
        into[place] = _value(text, inner, whole)
        return
    if not isinstance(into[place], dict | list):
        raise Wrong(f"{whole}: {name} has no fields")
    _put(into[place], rest, text, inner, whole)


def _inner(of: Form, name: str, whole: str) -> Form:
    if of.as_text:
        return Form("json")
    for field in of.fields:
        if field.name == name:
            return field.form
    names = [field.name for field in of.fields]
    if not names:
        raise Wrong(f"{whole}: no field is taken here")
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise Wrong(f"{whole}: no field {name!r}; {hint}")


def _empty(of: Form) -> Any:
    return [] if of.kind == "array" else {}


def _value(text: str, of: Form, whole: str) -> Any:
    """A value as its form wants it. Raises Wrong."""
    if of.kind in {"string", "time"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        if of.kind == "json":
            return text
        raise Wrong(f"{whole}: {text!r} is no {of.kind}") from None


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {"$secret"}:
            return "secret"
        return {name: _without_secrets(one) for name, one in value.items()}
    return [_without_secrets(one) for one in value] if isinstance(value, list) else value


def fitting(
    versions: Iterable[str], action: str, words: Sequence[str]
) -> tuple[Payload, tuple[str, ...]]:
    """The payload, and those of the versions that take it. Raises Wrong, with all that is wrong.

    One payload serves stations of several versions where all of them take it alike.
    """
    made: list[tuple[Payload, str]] = []
    wrong: dict[str, str] = {}
    for version in versions:
        try:
            found = payload(version, action, words)
        except Wrong as error:
            wrong[version] = str(error)
            continue
        if said := violation(version, action, found):
            wrong[version] = said
        else:
            made.append((found, version))
    if not made:
        reasons: dict[str, list[str]] = {}
        for version, said in wrong.items():
            reasons.setdefault(said, []).append(version)
        raise Wrong("\n".join(f"{said} (OCPP {', '.join(of)})" for said, of in reasons.items()))
    first = made[0][0]
    return first, tuple(version for found, version in made if found == first)
