"""Every connection that a station had, with its beginning and its end: what uptime is made of."""

from sqlalchemy import Index, Table

from consumers.meaning.facts import Connected, Disconnected, Fact
from consumers.stations.connectors import METADATA
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Key, Projection, Row, Rows, found, put

CONNECTIONS = Table(
    "connections",
    METADATA,
    station(),
    key("epoch"),
    words("connection_id", "its id"),
    words("gateway", "instance that held it"),
    words("ocpp_version", "version that was spoken on it"),
    time("connected_ms", "when it was made; null: the log does not go back so far"),
    time("disconnected_ms", "when it ended; null: that was never told, or it has not"),
    whole("close_code", "websocket close code (RFC 6455, 7.4)"),
    words("close_reason", "why it ended, such as takeover or gateway_lost"),
    words("close_event_id", "the event that told so"),
    Index("connections_by_time", "connected_ms"),
    comment="One row for each connection. Where its end is null, it may stand in lost_connections, "
    "under the same connection_id, and it is not after the station's next connection.",
)


def group(fact: Fact) -> Key | None:
    """One connection, if its epoch is known: a row that is never loaded with all the others."""
    if isinstance(fact, Connected | Disconnected) and fact.at.epoch >= 0:
        return fact.at.station, fact.at.epoch
    return None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The row of a connection after its beginning or its end was told."""
    row = found(rows, CONNECTIONS, (fact.at.station, fact.at.epoch))
    match fact:
        case Connected():
            row = row | {
                "connection_id": fact.connection_id,
                "gateway": fact.gateway,
                "ocpp_version": fact.version,
                "connected_ms": fact.at.observed_ms,
            }
        case Disconnected():
            row = closed(row | {"connection_id": fact.connection_id}, end(fact))
    return put(rows, CONNECTIONS, row)


def end(fact: Disconnected) -> Row:
    """The columns that tell how a connection ended, wherever they stand."""
    return {
        "disconnected_ms": fact.at.observed_ms,
        "close_code": fact.code,
        "close_reason": fact.reason,
        "close_event_id": fact.at.event_id,
    }


def closed(row: Row, ended: Row) -> Row:
    """The row with the first of the ends that its connection has had: there may be two.

    A gateway that was given up for lost may come back, and close it once more.
    """
    if row["close_event_id"] is not None and _order(row) <= _order(ended):
        return row
    return row | ended


def _order(ended: Row) -> tuple[int, str]:
    return ended["disconnected_ms"], ended["close_event_id"]


PROJECTION = Projection(topics=("connections",), tables=(CONNECTIONS,), group=group, evolve=evolve)
