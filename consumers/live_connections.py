"""Which station is connected now, and where: what decides whether a command can be delivered."""

from sqlalchemy import Boolean, Column, MetaData, Table

from consumers.columns import station, time, whole, words
from consumers.facts import Connected, Disconnected, Fact
from consumers.projection import Key, Projection, Row, Rows, found, put

CONNECTIONS_NOW = Table(
    "connections_now",
    MetaData(),
    station(),
    Column("connected", Boolean, comment="whether the newest connection stands"),
    whole("epoch", "epoch of the newest connection"),
    words("connection_id", "its id"),
    words("gateway", "instance that holds, or held, it"),
    words("ocpp_version", "version that is spoken on it"),
    time("connected_ms", "when it was made"),
    time("disconnected_ms", "when it ended; null: it has not"),
    words("close_reason", "why it ended, such as takeover or gateway_lost"),
    words("lost_connection_id", "the last one that ended without its gateway knowing its epoch"),
    comment="The newest connection of each station",
)


def group(fact: Fact) -> Key | None:
    """The newest connection of a station."""
    return (fact.at.station,) if isinstance(fact, Connected | Disconnected) else None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The row of a station after its connection log says more; that comes in its own order.

    Of two ends the first counts.
    """
    row = found(rows, CONNECTIONS_NOW, (fact.at.station,))
    match fact:
        case Connected():
            return put(rows, CONNECTIONS_NOW, _connected(row, fact))
        case Disconnected():
            return put(rows, CONNECTIONS_NOW, _disconnected(row, fact))
    return rows


def _connected(row: Row, fact: Connected) -> Row:
    if row["epoch"] is not None and row["epoch"] >= fact.at.epoch:
        return row
    return row | {
        # Its gateway gave it up before the record of its beginning had landed.
        "connected": fact.connection_id is None or row["lost_connection_id"] != fact.connection_id,
        "epoch": fact.at.epoch,
        "connection_id": fact.connection_id,
        "gateway": fact.gateway,
        "ocpp_version": fact.version,
        "connected_ms": fact.at.observed_ms,
        "disconnected_ms": None,
        "close_reason": None,
    }


def _disconnected(row: Row, fact: Disconnected) -> Row:
    end = {"disconnected_ms": fact.at.observed_ms, "close_reason": fact.reason, "connected": False}
    if fact.at.epoch < 0:
        if fact.connection_id is None:
            return row
        row = row | {"lost_connection_id": fact.connection_id}
        is_newest = row["connection_id"] == fact.connection_id
        return row | end if row["connected"] and is_newest else row
    if row["epoch"] is None or row["epoch"] < fact.at.epoch:
        # The log does not go back to its beginning.
        newest = dict.fromkeys(("gateway", "ocpp_version", "connected_ms"))
        return row | newest | end | {"epoch": fact.at.epoch, "connection_id": fact.connection_id}
    return row | end if row["connected"] and row["epoch"] == fact.at.epoch else row


PROJECTION = Projection(
    topics=("connections",),
    tables=(CONNECTIONS_NOW,),
    group=group,
    evolve=evolve,
)
