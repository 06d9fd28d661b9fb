"""What each station said last of its configuration, from however many answers."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from chargewire.flows.configuration import key_lines, report_lines, variable_lines
from consumers.meaning.payloads import Json, items

VALUES_MAX = 5000  # of a station
ALL_VALUES_MAX = 200_000  # at half a kilobyte each

Line = dict[str, str | None]


class Configurations:
    """What stations said of their configurations; those that were read long ago fall out."""

    def __init__(self) -> None:
        self._stations: OrderedDict[str, tuple[int, dict[tuple[str, ...], dict[str, Any]]]] = (
            OrderedDict()
        )
        self._count = 0

    def take(self, station: str, at_ms: int, action: str, kind: str, said: Json) -> bool:
        """Take a frame from a station; whether it tells of its configuration."""
        lines = [*_lines(action, kind, said)]
        if not lines:
            return False
        _, values = self._stations.get(station, (0, {}))
        self._count -= len(values)
        for line in lines:
            key = tuple(line[name] or "" for name in ("component", "variable", "attribute"))
            if key in values or len(values) < VALUES_MAX:
                values[key] = values.get(key, {}) | _value(line)
        self._stations[station] = at_ms, values
        self._stations.move_to_end(station)
        self._count += len(values)
        while self._count > ALL_VALUES_MAX:
            _, (_, gone) = self._stations.popitem(last=False)
            self._count -= len(gone)
        return True

    def of(self, station: str) -> dict[str, Any] | None:
        """When it was last read, and its values by name; None where it was not."""
        if station not in self._stations:
            return None
        read_ms, values = self._stations[station]
        return {"read_ms": read_ms, "values": [value for _, value in sorted(values.items())]}


def _lines(action: str, kind: str, said: Json) -> Iterator[Line]:
    match action, kind:
        case "GetConfiguration", "result":
            yield from key_lines(said)
        case "NotifyReport", "call":
            yield from report_lines(items(said.get("reportData")))
        case "GetVariables", "result":
            yield from variable_lines(said)


def _value(line: Line) -> dict[str, Any]:
    """A value as pages show it; an attribute other than Actual (2.x) is part of the name."""
    attribute, name, access = line["attribute"], line["variable"] or "", line["access"]
    shown: dict[str, Any] = {
        "name": name if attribute in (None, "Actual") else f"{name}.{attribute}",
        "value": line["value"],
    }
    if access is not None:  # GetVariables does not tell it
        shown["readonly"] = access == "ReadOnly"
    beside = {name: line[name] for name in ("component", "unit", "type") if line[name] is not None}
    return shown | beside
