"""What an OCPP action takes, told from its schema: fields, types, limits, words."""

import difflib
from collections.abc import Iterator

import click

from schemas.catalogue import ACTIONS, VERSIONS, Action
from schemas.forms import Form, form

_KINDS = {"string": "text", "time": "time", "json": "JSON", "array": "list"}
_STEP = "  "


def versions_of(action: str) -> tuple[str, ...]:
    """The OCPP versions in which a central system may call an action, the oldest first."""
    return tuple(
        version
        for version in VERSIONS
        if (row := ACTIONS.get((version, action))) is not None and row.to_station
    )


def callable_actions() -> dict[str, tuple[str, ...]]:
    """All actions that stations can be asked for, by name -> the versions that have them."""
    names = sorted({row.name for row in ACTIONS.values() if row.to_station})
    return {name: versions_of(name) for name in names}


def action_named(word: str) -> str:
    """The action that is meant, whatever its case. Raises click.UsageError, with the nearest."""
    known = {name.lower(): name for name in callable_actions()}
    if word.lower() in known:
        return known[word.lower()]
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {known[near[0]]}?" if near else "`chargewire actions` lists them all."
    raise click.UsageError(f"no station can be asked for {word}; {hint}")


def block_of(action: str, version: str) -> str:
    """The functional block of an action, which names its topic. KeyError: no such action."""
    row: Action = ACTIONS[version, action]
    return row.block


def description(action: str, version: str) -> Iterator[tuple[str, str, str]]:
    """Three columns: a field, indented below the one it is in, "required", what may stand there.

    First those of the CALL, then, after an empty row, those of the answer. KeyError: no such
    action in the version.
    """
    yield from _fields(form(version, action, "request"), "")
    yield "", "", ""
    yield "Answer:", "", ""
    yield from _fields(form(version, action, "response"), _STEP)


def fields_of(action: str, version: str) -> tuple[str, ...]:
    """The names of the top fields of the CALL, in the order of the schema."""
    return tuple(field.name for field in form(version, action, "request").fields)


def _fields(of: Form, indent: str) -> Iterator[tuple[str, str, str]]:
    for field in of.fields:
        if field.form.open:
            continue  # customData is in every object of 2.x, and tells nothing
        inner = field.form.items if field.form.kind == "array" else field.form
        assert inner is not None, "a list has items"
        yield indent + field.name, "required" if field.required else "", _said(field.form)
        if inner.kind == "object":
            yield from _fields(inner, indent + _STEP)


def _said(of: Form) -> str:
    if of.kind == "array":
        assert of.items is not None, "a list has items"
        return f"list of {_said(of.items)}{_between(of.min_items, of.max_items, 'entries')}"
    if of.enum:
        return "one of " + ", ".join(of.enum)
    said = _KINDS.get(of.kind, of.kind)
    if of.max_length is not None:
        said += f", at most {of.max_length} characters"
    if of.multiple_of is not None:
        said += f", in steps of {of.multiple_of:g}"
    return said + _between(of.minimum, of.maximum, "")


def _between(least: float | None, most: float | None, unit: str) -> str:
    match least, most:
        case None, None:
            said = ""
        case None, _:
            said = f"at most {most:g}"
        case _, None:
            said = f"at least {least:g}"
        case _:
            said = f"{least:g} to {most:g}"
    return f", {said} {unit}".rstrip() if said else ""
