"""What a station can be asked for, as pages make forms of it, and the schemas of the topics."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from schemas import lock
from schemas.catalogue import ACTIONS, BLOCKS, json_schema
from schemas.subjects import subject, topic_of

_REF = "#/definitions/"
_DROPPED = frozenset({"$id", "$schema", "$ref", "definitions", "javaType", "comment"})


@cache
def actions(version: str) -> list[dict[str, str]]:
    """What stations of a version can be asked for, block by block."""
    rows = [row for (of, _), row in ACTIONS.items() if of == version and row.to_station]
    rows.sort(key=lambda row: (BLOCKS.index(row.block), row.name))
    return [
        {"action": row.name, "block": row.block, "doc": _doc(version, row.name)} for row in rows
    ]


def form(version: str, action: str) -> dict[str, Any] | None:
    """The OCA's schema of a call with its definitions put where they are used; None: no such call.

    The order of properties is kept. It is for showing forms: what may be sent is checked by others.
    """
    row = ACTIONS.get((version, action))
    if row is None or not row.to_station:
        return None
    schema = json_schema(version, action, "request")
    return _resolved(schema, schema.get("definitions", {}))


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "$ref" in node:
        found |= _resolved(definitions[node["$ref"].removeprefix(_REF)], definitions)
    for name, value in node.items():
        match name, value:
            case "properties", _:
                found[name] = {key: _resolved(one, definitions) for key, one in value.items()}
            case "items", Mapping():
                found[name] = _resolved(value, definitions)
            case _ if name not in _DROPPED:
                found[name] = value
    return found


def _doc(version: str, action: str) -> str:
    """What the schema says of the call in words, where it says something."""
    return str(json_schema(version, action, "request").get("description", ""))


def subjects(prefix: str, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """The schemas of all topics; `ids` leads from topic to the id that is in use."""
    found = []
    for topic, rows in lock.versions().items():
        schema = lock.schema(rows[-1])
        found.append(
            {
                "subject": subject(prefix, topic),
                "topic": prefix + topic,
                "id": ids.get(topic, rows[-1].id),
                "doc": schema.get("doc", ""),
                "fields": len(schema["fields"]),
            }
        )
    return found


def schema(prefix: str, name: str) -> dict[str, Any] | None:
    """The newest Avro schema of a subject; None: there is none."""
    rows = lock.versions().get(topic_of(prefix, name) or "")
    return None if not rows else lock.schema(rows[-1])
