"""What is known of each station: whether it is connected, what it is, how its connectors are."""

from sqlalchemy import Boolean, Column, Table, Text

from consumers.meaning.facts import (
    At,
    AvailabilityAnswered,
    BootAnswered,
    Booted,
    Connected,
    Disconnected,
    Fact,
    LocalListLimitsTold,
    Seen,
    StatusTold,
)
from consumers.stations import connection_history, connectors
from consumers.stations.connection_history import closed, end
from consumers.stations.connectors import CONNECTORS, METADATA, STATUS_HISTORY
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import (
    Consumer,
    Key,
    Projection,
    Row,
    Rows,
    found,
    newer,
    order,
    put,
)

STATIONS = Table(
    "stations",
    METADATA,
    station(),
    Column("connected", Boolean, comment="null: no connection was ever logged"),
    time("connected_ms", "when the newest connection was made"),
    time("disconnected_ms", "when it ended; null: it has not"),
    words("connection_id", "id of the newest connection"),
    words("gateway", "instance that holds, or held, it"),
    words("ocpp_version", "version that it speaks"),
    words("remote_address", "the peer's address"),
    whole("security_profile", "OCPP security profile in use, 0 to 3"),
    whole("close_code", "websocket close code (RFC 6455, 7.4)"),
    words("close_reason", "why it ended, such as takeover or gateway_lost"),
    words("close_event_id", "the event that told so"),
    whole("connection_epoch", "epoch of the newest connection"),
    time("seen_ms", "when it was last heard; meter values and transactions do not count"),
    time("booted_ms", "when it last said BootNotification"),
    words("boot_reason", "why it booted (2.x)"),
    words("vendor", "vendor of the station"),
    words("model", "model of the station"),
    words("serial", "serial number of the station"),
    words("box_serial", "chargeBoxSerialNumber (1.6, deprecated there)"),
    words("firmware", "firmware version"),
    words("iccid", "ICCID of the modem's SIM card"),
    words("imsi", "IMSI of the modem's SIM card"),
    words("meter_type", "type of the main meter (1.6)"),
    words("meter_serial", "serial number of the main meter (1.6)"),
    whole("boot_epoch", "order of that BootNotification"),
    whole("boot_sequence", "order of that BootNotification"),
    words("registration_status", "last answer to it: Accepted, Pending or Rejected"),
    whole("interval_s", "heartbeat interval, or time to the next BootNotification, in that answer"),
    whole("registration_epoch", "order of that answer"),
    whole("registration_sequence", "order of that answer"),
    comment="One row for each station.",
)
LOST_CONNECTIONS = Table(
    "lost_connections",
    METADATA,
    station(),
    key("connection_id", Text),
    time("disconnected_ms", "when it ended"),
    whole("close_code", "websocket close code"),
    words("close_reason", "why it ended"),
    words("close_event_id", "the event that told so"),
    comment="Connections that ended before their gateway knew their epoch, in an outage.",
)

# What is told of the newest connection, and of its end.
_CONNECTION = (
    *("connected", "connected_ms", "connection_id", "gateway", "ocpp_version"),
    *("remote_address", "security_profile"),
)
_CLOSE = ("disconnected_ms", "close_code", "close_reason", "close_event_id")


def group(fact: Fact) -> Key | None:
    """All that is known of a station."""
    return (fact.at.station,) if isinstance(fact, _TAKEN) else None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The rows of a station after one more fact."""
    match fact:
        case Connected():
            rows = _connected(rows, fact)
        case Disconnected():
            return _disconnected(rows, fact)
        case Booted():
            rows = _booted(rows, fact)
        case BootAnswered():
            return _registered(rows, fact)
        case StatusTold():
            rows = connectors.status_told(rows, fact)
        case AvailabilityAnswered():
            rows = connectors.availability_answered(rows, fact)
        case Seen() | LocalListLimitsTold():
            pass
        case _:
            return rows
    row = _station(rows, fact.at)
    seen_ms = max(row["seen_ms"] or 0, fact.at.observed_ms)
    return put(rows, STATIONS, row | {"seen_ms": seen_ms})


_TAKEN = (
    Connected,
    Disconnected,
    Booted,
    BootAnswered,
    Seen,
    StatusTold,
    AvailabilityAnswered,
    LocalListLimitsTold,
)


def _station(rows: Rows, at: At) -> Row:
    return found(rows, STATIONS, (at.station,))


def _connected(rows: Rows, fact: Connected) -> Rows:
    row = _reached(_station(rows, fact.at), fact.at.epoch)
    if row["connection_epoch"] != fact.at.epoch:
        return rows
    row |= {
        "connected_ms": fact.at.observed_ms,
        "connection_id": fact.connection_id,
        "gateway": fact.gateway,
        "ocpp_version": fact.version,
        "remote_address": fact.remote_address,
        "security_profile": fact.security_profile,
    }
    return put(rows, STATIONS, _settled(rows, row))


def _disconnected(rows: Rows, fact: Disconnected) -> Rows:
    ended = end(fact)
    if fact.at.epoch >= 0:
        row = _reached(_station(rows, fact.at), fact.at.epoch)
        if row["connection_epoch"] != fact.at.epoch:
            return rows
        row["connection_id"] = fact.connection_id
        return put(rows, STATIONS, _settled(rows, closed(row, ended)))
    # The gateway never learned what became of `connected`: it may still come, or it never will.
    if fact.connection_id is None:
        return rows
    lost = found(rows, LOST_CONNECTIONS, (fact.at.station, fact.connection_id))
    rows = put(rows, LOST_CONNECTIONS, closed(lost, ended))
    row = _station(rows, fact.at)
    if row["connection_id"] != fact.connection_id:
        return rows
    return put(rows, STATIONS, _settled(rows, row))


def _reached(row: Row, epoch: int) -> Row:
    """A copy of the station's row, which a newer connection begins anew."""
    if row["connection_epoch"] is not None and row["connection_epoch"] >= epoch:
        return dict(row)
    return row | dict.fromkeys((*_CONNECTION, *_CLOSE)) | {"connection_epoch": epoch}


def _settled(rows: Rows, row: Row) -> Row:
    """The station's row with `connected` as it follows from the rest."""
    lost = found(rows, LOST_CONNECTIONS, (row["station"], row["connection_id"]))
    if lost["close_event_id"] is not None:
        row = closed(row, {name: lost[name] for name in _CLOSE})
    return row | {"connected": row["close_event_id"] is None}


def _booted(rows: Rows, fact: Booted) -> Rows:
    row = _station(rows, fact.at)
    if not newer(row, fact.at, "boot_"):
        return rows
    told = {
        "booted_ms": fact.at.observed_ms,
        "boot_reason": fact.reason,
        "vendor": fact.vendor,
        "model": fact.model,
        "serial": fact.serial,
        "box_serial": fact.box_serial,
        "firmware": fact.firmware,
        "iccid": fact.iccid,
        "imsi": fact.imsi,
        "meter_type": fact.meter_type,
        "meter_serial": fact.meter_serial,
    }
    return put(rows, STATIONS, row | told | order(fact.at, "boot_"))


def _registered(rows: Rows, fact: BootAnswered) -> Rows:
    row = _station(rows, fact.at)
    if not newer(row, fact.at, "registration_"):
        return rows
    told = {"registration_status": fact.status, "interval_s": fact.interval_s}
    return put(rows, STATIONS, row | told | order(fact.at, "registration_"))


PROJECTION = Projection(
    topics=("connections", "provisioning", "availability", "diagnostics"),
    tables=(STATIONS, LOST_CONNECTIONS, CONNECTORS, STATUS_HISTORY),
    group=group,
    evolve=evolve,
    joins=True,
    appended=frozenset({STATUS_HISTORY.name}),
    published=frozenset({STATIONS.name, CONNECTORS.name}),
)
CONSUMER = Consumer("stations", (PROJECTION, connection_history.PROJECTION))
