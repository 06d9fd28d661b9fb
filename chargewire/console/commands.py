"""What stations were asked to do, and what came of it, as far as the console knows."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from chargewire.console.rows import Newest, Row
from chargewire.console.told import as_value
from chargewire.log.summary import Entry
from consumers.commands.projection import ENDED, WAITING

KEPT_MAX = 5000
_ASKED = ("requested_by", "when_offline", "attempt")
_ENDED = ("outcome", "error_code", "error_description", "attempt")


class Commands:
    """The newest commands: out of the table of their consumer, of their results, asked here."""

    def __init__(self) -> None:
        self._rows = Newest(KEPT_MAX, _age)
        self._keys: dict[str, tuple[Any, ...]] = {}
        self._asked: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._results: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def take(self, entry: Entry) -> None:
        """Take a record of the table's topic."""
        taken = self._rows.take(entry)
        if taken is None:
            return
        key, _, row = taken
        if row is None:
            self._keys.pop(key[1], None)
            return
        self._keys[key[1]] = key
        for gone in self._rows.dropped():
            self._keys.pop(gone["command_id"], None)

    def asked(self, command: Mapping[str, Any], now_ms: int) -> None:
        """Remember a command that was asked here."""
        shown = {name: command.get(name) for name in _ASKED} | {
            **_NOTHING,
            "command_id": command["command_id"],
            "station": command["station"],
            "action": command["action"],
            "payload": as_value(command["payload"]),
            "asked_ms": now_ms,
            "expires_ms": command["expires_at"],
            "attempt": 1,
        }
        _keep(self._asked, command["command_id"], _NOTHING | shown)

    def ended(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first result of a command, as the stream has it; None: a later one, which is void."""
        command = record["command_id"]
        if command in self._results:
            return None
        result = {name: record[name] for name in _ENDED} | {
            "command_id": command,
            "station": record["station"],
            "action": record["action"],
            "response": as_value(record["response"]),
            "at_ms": record["at"],
        }
        _keep(self._results, command, result)
        return result

    def of(self, command: str) -> dict[str, Any] | None:
        """How far a command is; None: nobody knows it."""
        row = self._rows.of(*self._keys[command]) if command in self._keys else None
        shown = _row(row) if row is not None else self._asked.get(command)
        result = self._results.get(command)
        if result is None or (shown or {}).get("outcome") is not None:
            return shown
        ended = {name: value for name, value in result.items() if name != "at_ms"}
        return _NOTHING | (shown or {}) | ended | {"state": ENDED, "ended_ms": result["at_ms"]}

    def newest(self, station: str | None, limit: int) -> list[dict[str, Any]]:
        """The newest commands, to one station or to all."""
        names = dict.fromkeys((*self._keys, *self._asked, *self._results))
        found = [one for name in names if (one := self.of(name))]
        mine = [one for one in found if station in (None, one["station"])]
        return sorted(mine, key=_when, reverse=True)[:limit]


_NOTHING: dict[str, Any] = {
    "command_id": None,
    "station": None,
    "action": None,
    "state": WAITING,
    "payload": None,
    "requested_by": None,
    "when_offline": None,
    "attempt": None,
    "asked_ms": None,
    "expires_ms": None,
    "outcome": None,
    "response": None,
    "error_code": None,
    "error_description": None,
    "ended_ms": None,
}


def _row(row: Row) -> dict[str, Any]:
    shown = {name: row[name] for name in _NOTHING}
    for name in ("payload", "response"):
        shown[name] = as_value(row[name])
    return shown


def _age(row: Row) -> int:
    return row["ended_ms"] or row["asked_ms"] or row["expires_ms"] or 0


def _when(shown: Mapping[str, Any]) -> int:
    return shown["asked_ms"] or shown["ended_ms"] or 0


def _keep(kept: OrderedDict[str, dict[str, Any]], name: str, value: dict[str, Any]) -> None:
    kept[name] = value
    if len(kept) > KEPT_MAX:
        kept.popitem(last=False)
