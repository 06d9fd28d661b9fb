"""What is known of each station, out of its consumer's tables and of what the log says since."""

from collections.abc import Iterable, Mapping
from typing import Any

from chargewire.console.rows import Row
from consumers.meaning.facts import Fact, Seen
from consumers.stations.connectors import CONNECTORS, STATUS_HISTORY
from consumers.stations.projection import STATIONS, evolve
from consumers.tables.projections import NO_ROWS, Rows

View = Mapping[str, Any]
STATES = ("connected", "offline", "faulted", "charging")
CONNECTORS_MAX = 200
"""Connectors of a station; one that invents more of them is not shown with all."""

_BOOT = {
    "booted_ms": "booted_ms",
    "reason": "boot_reason",
    "serial": "serial",
    "box_serial": "box_serial",
    "iccid": "iccid",
    "imsi": "imsi",
    "meter_type": "meter_type",
    "meter_serial": "meter_serial",
    "registration_status": "registration_status",
    "interval_s": "interval_s",
    "remote_address": "remote_address",
    "security_profile": "security_profile",
    "close_reason": "close_reason",
}
# Columns that come from one fact, and the order of that fact.
_PARTS = (
    (
        ("connection_epoch", "close_event_id"),
        (
            *("connected", "connected_ms", "disconnected_ms", "gateway", "ocpp_version"),
            *("remote_address", "security_profile", "close_reason"),
        ),
    ),
    (
        ("boot_epoch", "boot_sequence"),
        (
            *("booted_ms", "boot_reason", "vendor", "model", "serial", "box_serial", "firmware"),
            *("iccid", "imsi", "meter_type", "meter_serial"),
        ),
    ),
    (
        ("registration_epoch", "registration_sequence"),
        ("registration_status", "interval_s"),
    ),
)
_CONNECTOR_ORDER = ("status_epoch", "status_sequence", "status_no")


class Station:
    """One station: rows of the tables, and rows folded here; what is newer counts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.row: Row | None = None
        self._connectors: dict[tuple[int, int], Row] = {}
        self.open: set[Any] = set()  # keys of its open transactions
        self.group: str | None = None
        self._folded: Rows = NO_ROWS
        self._heard_ms = 0

    def heard(self, at_ms: int, facts: Iterable[Fact]) -> None:
        """Take what one event says; in whatever order they come."""
        self._heard_ms = max(self._heard_ms, at_ms)
        for fact in facts:
            if isinstance(fact, Seen):  # said by the time already
                continue
            rows = evolve(self._folded, fact)
            if STATUS_HISTORY.name in rows:  # nobody asks for it here
                rows = {name: rows[name] for name in rows if name != STATUS_HISTORY.name}
            if len(rows.get(CONNECTORS.name, ())) <= CONNECTORS_MAX:
                self._folded = rows

    def told(self, evse: int, connector: int, row: Row | None) -> None:
        """Take a row of the table of connectors; None: it was taken away."""
        key = evse, connector
        if row is None:
            self._connectors.pop(key, None)
        elif key in self._connectors or len(self._connectors) < CONNECTORS_MAX:
            self._connectors[key] = row

    def is_new(self, epoch: int) -> bool:
        """Whether a connection is newer than all that we were told of: it began too long ago."""
        row = next(iter(self._folded.get(STATIONS.name, ())), _NOTHING)
        return epoch > max(_number(one.get("connection_epoch")) for one in (row, self.row or {}))

    @property
    def is_known(self) -> bool:
        """Whether anything is told of it but its group."""
        return bool(self.row or self._connectors or self.open or self._heard_ms)

    def columns(self) -> dict[str, Any]:
        """The columns of the table `stations`, each from whoever knows the newer."""
        ours = next(iter(self._folded.get(STATIONS.name, ())), _NOTHING)
        theirs = self.row or _NOTHING
        made: dict[str, Any] = {}
        for order, columns in _PARTS:
            newer = ours if _place(ours, order) > _place(theirs, order) else theirs
            made |= {column: newer.get(column) for column in columns}
        seen = (ours.get("seen_ms"), theirs.get("seen_ms"), self._heard_ms, made["connected_ms"])
        return made | {"seen_ms": max((at for at in seen if at), default=None)}

    def view(self) -> dict[str, Any]:
        """As lists show it."""
        row = self.columns()
        is_connected = bool(row["connected"])
        since_ms = row["connected_ms"] if is_connected else row["disconnected_ms"]
        return {
            "station": self.name,
            "vendor": row["vendor"],
            "model": row["model"],
            "firmware": row["firmware"],
            "ocpp_version": row["ocpp_version"],
            "connected": is_connected,
            "since_ms": since_ms,
            "last_ms": row["seen_ms"],
            "gateway": row["gateway"],
            "connectors": [_connector(one) for one in self._plugs()],
            "open_transactions": len(self.open),
        }

    def details(self) -> dict[str, Any]:
        """What its own page has beside."""
        row = self.columns()
        return {"group": self.group, "boot": {name: row[column] for name, column in _BOOT.items()}}

    def _plugs(self) -> list[Row]:
        found = dict(self._connectors)
        for row in self._folded.get(CONNECTORS.name, ()):
            key = row["evse"], row["connector"]
            there = found.get(key)
            if there is None or _place(row, _CONNECTOR_ORDER) > _place(there, _CONNECTOR_ORDER):
                found[key] = row
        return [row for _, row in sorted(found.items()) if row["status"] is not None]


_NOTHING: Row = {}


def _place(row: Row, order: tuple[str, ...]) -> tuple[int, ...]:
    """Where the fact of some columns stands; a text, the event of an end, counts as its being."""
    return tuple(_number(row.get(name)) for name in order)


def _number(value: object) -> int:
    if value is None:
        return -1
    return value if isinstance(value, int) else 0


def _connector(row: Row) -> dict[str, Any]:
    code = row["error_code"]
    return {
        "evse": row["evse"],
        "connector": row["connector"],
        "status": row["status"],
        "error": None if code in (None, "", "NoError") else code,
        "since_ms": row["observed_ms"],
    }


def is_in(view: View, state: str) -> bool:
    """Whether a station is in one of STATES."""
    match state:
        case "connected":
            return bool(view["connected"])
        case "offline":
            return not view["connected"]
        case "faulted":
            return _is_any(view, "Faulted")
    return bool(view["open_transactions"]) or _is_any(view, "Charging")


def _is_any(view: View, status: str) -> bool:
    return any(one["status"] == status for one in view["connectors"])


def states(view: View | None) -> list[str]:
    """All of STATES that it is in; none where there is no station."""
    return [] if view is None else [state for state in STATES if is_in(view, state)]


def has(view: View, text: str) -> bool:
    """Whether its id, vendor or model contains a text, whatever the case."""
    text = text.casefold()
    words = (view["station"], view["vendor"], view["model"])
    return any(text in word.casefold() for word in words if word)
