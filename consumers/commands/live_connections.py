"""Which station is connected now, and where: what decides whether a command can be delivered."""

from sqlalchemy import Boolean, Column, MetaData, Table, Text

from consumers.meaning.facts import Connected, Disconnected, Fact
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Key, Projection, Row, Rows, found, put

METADATA = MetaData()
CONNECTIONS_NOW = Table(
    "connections_now",
    METADATA,
    station(),
    Column("connected", Boolean, comment="whether the newest connection stands"),
    whole("epoch", "epoch of the newest connection"),
    words("connection_id", "its id"),
    words("gateway", "instance that holds, or held, it"),
    words("ocpp_version", "version that is spoken on it"),
    time("connected_ms", "when it was made"),
    time("disconnected_ms", "when it ended; null: it has not"),
    words("close_reason", "why it ended, such as takeover or gateway_lost"),
    comment="The newest connection of each station",
)
GIVEN_UP = Table(
    "connections_given_up",
    METADATA,
    station(),
    key("connection_id", Text),
    time("disconnected_ms", "when it ended"),
    words("close_reason", "why it ended"),
    comment="Connections that ended before their gateway knew their epoch, in an outage",
)


def group(fact: Fact) -> Key | None:
    """The newest connection of a station."""
    return (fact.at.station,) if isinstance(fact, Connected | Disconnected) else None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The row of a station after its connection log says more; that comes in its own order.

    Of two ends the first counts.
    """
    match fact:
        case Connected():
            return _connected(rows, fact)
        case Disconnected() if fact.at.epoch < 0:
            return _given_up(rows, fact)
        case Disconnected():
            return _disconnected(rows, fact)
    return rows


def _row(rows: Rows, fact: Fact) -> Row:
    return found(rows, CONNECTIONS_NOW, (fact.at.station,))


def _connected(rows: Rows, fact: Connected) -> Rows:
    row = _row(rows, fact)
    if row["epoch"] is not None and row["epoch"] >= fact.at.epoch:
        return rows
    # Its gateway may have given it up before the record of its beginning had landed.
    given_up = found(rows, GIVEN_UP, (fact.at.station, fact.connection_id))
    return put(
        rows,
        CONNECTIONS_NOW,
        row
        | {
            "connected": given_up["disconnected_ms"] is None,
            "epoch": fact.at.epoch,
            "connection_id": fact.connection_id,
            "gateway": fact.gateway,
            "ocpp_version": fact.version,
            "connected_ms": fact.at.observed_ms,
            "disconnected_ms": given_up["disconnected_ms"],
            "close_reason": given_up["close_reason"],
        },
    )


def _given_up(rows: Rows, fact: Disconnected) -> Rows:
    if fact.connection_id is None:
        return rows
    given_up = found(rows, GIVEN_UP, (fact.at.station, fact.connection_id))
    if given_up["disconnected_ms"] is None:
        rows = put(rows, GIVEN_UP, given_up | _end(fact))
    row = _row(rows, fact)
    if not row["connected"] or row["connection_id"] != fact.connection_id:
        return rows
    return put(rows, CONNECTIONS_NOW, row | _end(fact) | {"connected": False})


def _disconnected(rows: Rows, fact: Disconnected) -> Rows:
    row, end = _row(rows, fact), _end(fact) | {"connected": False}
    if row["epoch"] is None or row["epoch"] < fact.at.epoch:
        # The log does not go back to its beginning.
        newest = dict.fromkeys(("gateway", "ocpp_version", "connected_ms"))
        end |= newest | {"epoch": fact.at.epoch, "connection_id": fact.connection_id}
        return put(rows, CONNECTIONS_NOW, row | end)
    if not row["connected"] or row["epoch"] != fact.at.epoch:
        return rows
    return put(rows, CONNECTIONS_NOW, row | end)


def _end(fact: Disconnected) -> Row:
    return {"disconnected_ms": fact.at.observed_ms, "close_reason": fact.reason}


PROJECTION = Projection(
    topics=("connections",),
    tables=(CONNECTIONS_NOW, GIVEN_UP),
    group=group,
    evolve=evolve,
)
