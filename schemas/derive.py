"""The OCA's JSON Schemas as the Avro records and the decoders that chargewire works with."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas import conversion, decoders
from schemas.catalogue import ACTIONS, VERSIONS, frame_field, schema_files
from schemas.forms import Field, Form, SchemaError, form

Avro = dict[str, Any]
# One thing in the versions that share a record: its form by the version's name.
_Forms = dict[str, Form]

_AVRO: dict[str, Any] = {
    "string": "string",
    "time": {"type": "long", "logicalType": "timestamp-millis"},
    "integer": "long",
    "number": "double",
    "boolean": "boolean",
    "json": "string",
}
_EXTRA: Avro = {
    "name": "extra",
    "type": ["null", "string"],
    "default": None,
    "doc": "JSON text of an object: the properties that the OCPP schema does not have",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a payload is: how its JSON text is checked, and how it goes into Avro and back.

    `validate` takes JSON text and raises msgspec.ValidationError for whatever the JSON Schema
    forbids (see decoders.decoder). `to_avro` takes a JSON object, valid or not, and returns what
    Avro takes and whether that holds all of it; it raises OverflowError for a number that Avro
    cannot hold (see conversion.to_avro). `from_avro` makes the JSON object again.
    """

    validate: Callable[[bytes], object]
    to_avro: Callable[[dict[str, Any]], tuple[dict[str, Any], bool]]
    from_avro: Callable[[dict[str, Any]], dict[str, Any]]


@cache
def shape(version: str, action: str, part: str) -> Shape:
    """The shape of a payload, made at its first use.

    KeyError for what the version does not have.
    """
    own = form(version, action, part)
    doubles = frozenset(
        (name, field.name)
        for name, forms in _objects(_sharing(version, action, part)).items()
        if version in forms
        for field in forms[version].fields
        if field.form.kind == "integer" and _kind(_property(forms, field.name)) == "number"
    )
    return Shape(
        validate=decoders.decoder(own),
        to_avro=conversion.to_avro(own, doubles),
        from_avro=conversion.from_avro(own),
    )


def wide_fields(block: str) -> list[Avro]:
    """The nullable Avro fields of a block's record, one for each kind of frame.

    Their order is fixed: by family of versions, action, and request, response, send.
    """
    kinds: dict[tuple[str, str, str], str] = {}
    for (version, action), row in ACTIONS.items():
        if row.block == block:
            for part in row.parts:
                kinds.setdefault((VERSIONS[version].field_prefix, action, part), version)
    return [
        {
            "name": frame_field(version, action, part),
            "type": ["null", avro_record(version, action, part)],
            "default": None,
            "doc": f"payload of {action}, {part}, in OCPP "
            + ", ".join(_sharing(version, action, part)),
        }
        for (_, action, part), version in sorted(kinds.items())
    ]


def avro_record(version: str, action: str, part: str) -> Avro:
    """The Avro record of a payload, shared by all versions with the same field prefix.

    It has the union of their fields at every depth, each nullable with default null. Its names
    live in a namespace of its own, so that a later version never disturbs those of another
    payload. Raises SchemaError when the versions contradict each other.
    """
    return united_record(_sharing(version, action, part), namespace(version, action, part))


def namespace(version: str, action: str, part: str) -> str:
    """Where the names of the records of a payload live."""
    prefix = VERSIONS[version].field_prefix
    field = frame_field(version, action, part)
    return f"chargewire.{prefix}.{field.removeprefix(f'{prefix}_')}"


def united_record(payload: Mapping[str, Form], namespace: str) -> Avro:
    """The Avro record of one payload out of its form in each version, by the version's name.

    Raises SchemaError for a property whose types have no type in common.
    """
    name = next(iter(payload.values())).name
    record = _record(name, _objects(payload), namespace, set())
    return {"type": record.pop("type"), "namespace": namespace, **record}


def _sharing(version: str, action: str, part: str) -> _Forms:
    prefix = VERSIONS[version].field_prefix
    return {
        row.name: form(row.name, action, part)
        for row in VERSIONS.values()
        if row.field_prefix == prefix and (action, part) in schema_files(row.name)
    }


def _objects(payload: Mapping[str, Form]) -> dict[str, _Forms]:
    """Every object within a payload by its name, in each version that has it.

    Objects of one name are one record, wherever they stand.
    """
    found: dict[str, _Forms] = {}
    for version, root in payload.items():
        for child in _walk(root):
            if found.setdefault(child.name, {}).setdefault(version, child) != child:
                raise SchemaError(f"{root.name} has two different {child.name} in {version}")
    return found


def _walk(root: Form) -> Iterator[Form]:
    if root.kind == "array":
        assert root.items is not None
        yield from _walk(root.items)
    if root.kind == "object" and not root.as_text:
        yield root
        for field in root.fields:
            yield from _walk(field.form)


def _record(name: str, objects: Mapping[str, _Forms], namespace: str, known: set[str]) -> Avro:
    known.add(name)
    forms = objects[name]
    # The older versions' order first, so that a newer one only adds at the end.
    names = dict.fromkeys(field.name for own in forms.values() for field in own.fields)
    fields = []
    for field_name in names:
        own = _property(forms, field_name)
        fields.append(
            {
                "name": field_name,
                "type": ["null", _type(own, objects, namespace, known)],
                "default": None,
                "doc": _doc(forms, field_name),
            }
        )
    return {"type": "record", "name": name, "fields": [*fields, _EXTRA]}


def _type(forms: _Forms, objects: Mapping[str, _Forms], namespace: str, known: set[str]) -> Any:
    kind = _kind(forms)
    if kind == "array":
        items = {version: own.items for version, own in forms.items() if own.items is not None}
        if len({own.kind for own in items.values()}) > 1:
            raise SchemaError(f"lists of different kinds in {namespace}")
        return {"type": "array", "items": _type(items, objects, namespace, known)}
    if kind != "object":
        return _AVRO[kind]
    name = next(iter(forms.values())).name
    if name in known:
        return f"{namespace}.{name}"
    return _record(name, objects, namespace, known)


def _kind(forms: _Forms) -> str:
    kinds = {"json" if own.as_text else own.kind for own in forms.values()}
    if kinds == {"integer", "number"}:
        return "number"
    names = {own.name for own in forms.values() if own.kind == "object"}
    if len(kinds) > 1 or len(names) > 1:
        raise SchemaError(f"cannot be united: {sorted(kinds)} {sorted(names)}")
    return kinds.pop()


def _property(forms: _Forms, name: str) -> _Forms:
    return {version: field.form for version, field in _declared(forms, name).items()}


def _declared(forms: _Forms, name: str) -> dict[str, Field]:
    return {
        version: field
        for version, own in forms.items()
        for field in own.fields
        if field.name == name
    }


def _doc(forms: _Forms, name: str) -> str:
    """What a reader wants to know of a field: facts, not the words of the OCA's descriptions."""
    declared = _declared(forms, name)
    facts = {version: _facts(field.form) for version, field in declared.items()}
    if len(set(facts.values())) == 1:
        text = next(iter(facts.values()))
    else:
        text = "; ".join(f"in {version}: {fact}" for version, fact in facts.items())
    required = [version for version, field in declared.items() if field.required]
    text += f"; required in {', '.join(required)}" if required else "; optional"
    return text if len(declared) == len(forms) else f"{text}; only in {', '.join(declared)}"


def _facts(own: Form) -> str:
    if own.as_text:
        return "JSON text of the vendor's own data" if own.open else "JSON text of any value"
    if own.kind == "array":
        assert own.items is not None
        limits = _limits(own.min_items, own.max_items)
        return f"list{limits and f' of {limits}'}: {_facts(own.items)}"
    if own.enum:
        return f"one of {', '.join(own.enum)}"
    words = {"object": own.name, "time": "time in UTC", "boolean": "true or false"}
    text = words.get(own.kind, own.kind)
    if own.max_length is not None:
        text += f", at most {own.max_length} characters"
    if limits := _limits(own.minimum, own.maximum):
        text += f", {limits}"
    return text if own.multiple_of is None else f"{text}, in steps of {own.multiple_of}"


def _limits(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else "" if high is None else f"at most {high:g}"
