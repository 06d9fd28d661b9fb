"""Who is connected where, since when, and what each station said last of itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from chargewire.log.summary import Entry, order, payload
from schemas.times import timestamp

TOPICS = ("connections", "provisioning", "availability")
ACTIONS = ("BootNotification", "StatusNotification")


@dataclass(slots=True)
class Presence:
    """A station as the log has it; times in epoch milliseconds."""

    station: str
    connected: bool = False
    since_ms: int = 0
    version: str = ""
    gateway: str = ""
    address: str = ""
    vendor: str = ""
    model: str = ""
    statuses: dict[str, str] = field(default_factory=dict)  # "1" or "1.2" -> Available

    def as_json(self) -> dict[str, Any]:
        """The fields under their names; the time as in RFC 3339, UTC."""
        names = ("station", "connected", "version", "gateway", "address", "vendor", "model")
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        return found | {"since": timestamp(self.since_ms), "statuses": self.statuses}


def fold(entries: Iterable[Entry]) -> list[Presence]:
    """Fold connection, boot and status events, in whatever order they come, into stations."""
    rows: dict[str, Presence] = {}
    for entry in sorted(entries, key=order):
        record = entry.record
        if record is None or not record.get("station"):
            continue
        station = record["station"]
        row = rows.setdefault(station, Presence(station))
        if entry.topic == "connections":
            _connection(row, record)
        elif record.get("kind") == "call" and record.get("direction") == "from_station":
            _said(row, record)
    return [rows[station] for station in sorted(rows)]


def present(rows: Iterable[Mapping[str, Any]]) -> list[Presence]:
    """Stations out of the tables of their consumer: a row for each connector, those of a station
    one after the other, its own columns in each.
    """
    found: dict[str, Presence] = {}
    for row in rows:
        ended_ms, made_ms = row["disconnected_ms"], row["connected_ms"]
        one = found.setdefault(
            row["station"],
            Presence(
                row["station"],
                connected=bool(row["connected"]),
                since_ms=(made_ms if row["connected"] else ended_ms or made_ms) or 0,
                version=row["ocpp_version"] or "",
                gateway=row["gateway"] or "",
                address=row["remote_address"] or "",
                vendor=row["vendor"] or "",
                model=row["model"] or "",
            ),
        )
        if row["status"] is not None:
            place = [str(row["connector"])]
            one.statuses[".".join([str(row["evse"]), *place] if row["evse"] else place)] = row[
                "status"
            ]
    return list(found.values())


def _connection(row: Presence, record: Mapping[str, Any]) -> None:
    if record["type"] == "connected":
        row.connected, row.since_ms = True, record["at"]
        row.version = record.get("ocpp_version") or ""
        row.gateway = record.get("gateway") or ""
        row.address = record.get("remote_address") or ""
    elif record["type"] == "disconnected":
        # Of an older connection it comes before the newer `connected`, by epoch.
        row.connected, row.since_ms = False, record["at"]


def _said(row: Presence, record: Mapping[str, Any]) -> None:
    body = payload(record) or {}
    if record["action"] == "BootNotification":
        station = body.get("chargingStation") or {}
        row.vendor = str(body.get("chargePointVendor") or station.get("vendorName") or "")
        row.model = str(body.get("chargePointModel") or station.get("model") or "")
    elif record["action"] == "StatusNotification":
        place = [str(body[name]) for name in ("evseId", "connectorId") if name in body]
        status = body.get("connectorStatus") or body.get("status")
        row.statuses[".".join(place) or "0"] = str(status)


def table(rows: Iterable[Presence], now_ms: int) -> list[list[str]]:
    """The stations as rows of texts, a heading first."""
    cells = [["STATION", "STATE", "SINCE", "OCPP", "GATEWAY", "ADDRESS", "MODEL", "STATUS"]]
    for row in rows:
        statuses = " ".join(f"{place}:{status}" for place, status in sorted(row.statuses.items()))
        cells.append(
            [
                row.station,
                "connected" if row.connected else "gone",
                ago(now_ms - row.since_ms) if row.since_ms else "",
                row.version,
                row.gateway,
                row.address,
                f"{row.vendor} {row.model}".strip(),
                statuses,
            ]
        )
    return cells


def ago(milliseconds: int) -> str:
    """A span in its two largest units: 45s, 3m 20s, 2h 5m, 4d 1h."""
    seconds = max(milliseconds, 0) // 1000
    spans = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")]
    for (size, unit), (smaller, name) in pairwise(spans):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size}{unit} {rest}{name}" if rest else f"{seconds // size}{unit}"
    return f"{seconds}s"
