"""Records with every field set, at all depths, to extreme values; and records with none set."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import fastavro

from schemas import records

_VALUES: dict[str, tuple[Any, ...]] = {
    "string": ("", "A", "'\"\\\t\n\u0000\u2028", "é漢😀"),
    "long": (0, -1, 2**63 - 1, -(2**63)),
    "double": (0.0, 21.4, -5e-324, 1.7976931348623157e308),
    "boolean": (True, False),
    "timestamp-millis": (
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC),
    ),
}


def filled(topic: str) -> Iterator[dict[str, Any]]:
    """The records of a topic; of a block two for each frame field. Times are datetimes."""
    schema = fastavro.parse_schema(records.schema(topic))
    frames = records.frame_fields(topic)
    value = _Values().value
    whole, bare = value(schema, full=True), value(schema, full=False)
    if not frames:
        yield from (whole, bare)
    types = {field["name"]: field["type"] for field in schema["fields"]}
    for name in frames:
        others = dict.fromkeys(frames)
        yield whole | others | {name: whole[name]}
        yield bare | {name: value(types[name][1], full=False)}


class _Values:
    """Takes the values of each type in turn."""

    def __init__(self) -> None:
        self._named: dict[str, Any] = {}
        self._turns = {kind: itertools.cycle(values) for kind, values in _VALUES.items()}

    def value(self, schema: Any, *, full: bool) -> Any:
        """With all that may be absent, or nothing of it."""
        match schema:
            case [_, branch]:
                return self.value(branch, full=full) if full else None
            case str():
                kind = schema
            case {"logicalType": kind}:
                pass
            case {"type": "array", "items": items}:
                return [self.value(items, full=full) for _ in range(2 if full else 0)]
            case {"type": "record", "name": name, "fields": fields}:
                self._named[name] = schema
                return {f["name"]: self.value(f["type"], full=full) for f in fields}
        if kind in self._turns:
            return next(self._turns[kind])
        return self.value(self._named[kind], full=full)


def mapped(value: Any, time: Callable[[datetime], Any]) -> Any:
    """The same value with its times in another form."""
    match value:
        case datetime():
            return time(value)
        case dict():
            return {name: mapped(inner, time) for name, inner in value.items()}
        case list():
            return [mapped(inner, time) for inner in value]
    return value
