"""Reads the short notation in which the records of the bus are written down.

    Name
    What the record is, in as many lines as it takes.

      field   type        What the field is,
                          in as many lines as it takes.
      other   type = 0    A field that has a default.

A type is string, boolean, long, time (timestamp-millis) or string[] (array); with a question mark
it is optional: ["null", type], default null.
"""

import json
import re
from typing import Any

Schema = dict[str, Any]

_TYPES: dict[str, Any] = {
    "string": "string",
    "boolean": "boolean",
    "long": "long",
    "time": {"type": "long", "logicalType": "timestamp-millis"},
    "string[]": {"type": "array", "items": "string"},
}
_FIELD = re.compile(
    r" {2}(?P<name>\w+) +(?P<type>[a-z]+(?:\[])?)(?P<optional>\?)?(?: = (?P<default>\S+))?  +"
    r"(?P<doc>\S.*)"
)


def record(text: str, namespace: str) -> Schema:
    """The Avro schema of a record in this notation. ValueError: not understood, with the line."""
    name, *lines = text.strip().splitlines()
    doc: list[str] = []
    fields: list[Schema] = []
    for line in lines:
        if not line.strip():
            continue
        if not line.startswith(" "):
            doc.append(line)
        elif line.startswith(" " * 8) and fields:
            fields[-1]["doc"] += " " + line.strip()
        else:
            fields.append(_field(line))
    return {
        "type": "record",
        "name": name,
        "namespace": namespace,
        "doc": " ".join(doc),
        "fields": fields,
    }


def _field(line: str) -> Schema:
    match = _FIELD.fullmatch(line)
    if match is None or match["type"] not in _TYPES or (match["optional"] and match["default"]):
        raise ValueError(f"no field: {line!r}")
    kind = _TYPES[match["type"]]
    field = {"name": match["name"], "type": kind, "doc": match["doc"]}
    if match["optional"]:
        return field | {"type": ["null", kind], "default": None}
    if match["default"]:
        return field | {"default": json.loads(match["default"])}
    return field
