"""How each connector is: its last status, the history of it, and what it was asked to be."""

from sqlalchemy import Boolean, Column, MetaData, Table

from consumers.meaning.facts import AvailabilityAnswered, StatusTold
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Rows, found, newer, order, put

METADATA = MetaData()
CONNECTORS = Table(
    "connectors",
    METADATA,
    station(),
    key("evse", doc="EVSE; 0: there is none (1.6), or it is about the whole station"),
    key("connector", doc="connector; 0: the whole EVSE"),
    words("status", "last status told, such as Available or Charging"),
    Column("operative", Boolean, comment="whether that status allows charging"),
    time("told_ms", "when, by the station's clock; null: not told, or not readable"),
    words("told_text", "the same as sent, where the milliseconds do not say all of it"),
    time("observed_ms", "when the gateway read it"),
    words("error_code", "error that was told with it; NoError: none"),
    words("info", "more about it, by the vendor"),
    words("vendor_id", "whose error code"),
    words("vendor_error", "the vendor's error code"),
    whole("status_epoch", "order of that status"),
    whole("status_sequence", "order of that status"),
    whole("status_no", "its number in its frame"),
    words("availability_asked", "Operative or Inoperative: the last ChangeAvailability answered"),
    words("availability_answer", "its answer: Accepted, Rejected or Scheduled"),
    time("availability_ms", "when it was answered"),
    whole("availability_epoch", "order of that answer"),
    whole("availability_sequence", "order of that answer"),
    comment="One row for each connector. EVSE 0: 1.6, which has none. Connector 0: the whole EVSE; "
    "EVSE 0 and connector 0: the whole station.",
)
STATUS_HISTORY = Table(
    "connector_status_history",
    METADATA,
    station(),
    key("epoch", doc="order of the frame that told it"),
    key("sequence", doc="order of the frame that told it"),
    key("status_no", doc="its number in its frame, from 0"),
    whole("evse", "as in connectors"),
    whole("connector", "as in connectors"),
    words("status", "as told"),
    Column("operative", Boolean, comment="whether that status allows charging"),
    time("told_ms", "when, by the station's clock; null: not told, or not readable"),
    words("told_text", "the same as sent, where the milliseconds do not say all of it"),
    time("observed_ms", "when the gateway read it"),
    words("error_code", "as told"),
    words("info", "as told"),
    words("vendor_id", "as told"),
    words("vendor_error", "as told"),
    comment="Every status that a connector told: append-only.",
)

# ChargePointStatus of 1.6 (7.7), ConnectorStatusEnumType of 2.x.
_INOPERATIVE = frozenset({"Unavailable", "Faulted"})
# Numbers of EVSEs and connectors beyond these are noise: they stand in the history only.
_PLACES = range(1000)


def status_told(rows: Rows, fact: StatusTold) -> Rows:
    """The rows of a station after one of its connectors has told its status."""
    at, evse, connector = fact.at, fact.evse or 0, fact.connector or 0
    told = {
        "status": fact.status,
        "operative": None if fact.status is None else fact.status not in _INOPERATIVE,
        "told_ms": fact.told_ms,
        "told_text": fact.told_text,
        "observed_ms": at.observed_ms,
        "error_code": fact.error_code,
        "info": fact.info,
        "vendor_id": fact.vendor_id,
        "vendor_error": fact.vendor_error,
    }
    entry = found(rows, STATUS_HISTORY, (at.station, at.epoch, at.sequence, fact.index))
    rows = put(rows, STATUS_HISTORY, entry | {"evse": evse, "connector": connector} | told)
    if evse not in _PLACES or connector not in _PLACES:
        return rows
    row = found(rows, CONNECTORS, (at.station, evse, connector))
    # One frame may tell of a connector twice.
    again = (row["status_epoch"], row["status_sequence"]) == (at.epoch, at.sequence)
    if not (fact.index > row["status_no"] if again else newer(row, at, "status_")):
        return rows
    return put(rows, CONNECTORS, row | told | order(at, "status_") | {"status_no": fact.index})


def availability_answered(rows: Rows, fact: AvailabilityAnswered) -> Rows:
    """The rows of a station after it has answered a ChangeAvailability."""
    evse, connector = fact.evse or 0, fact.connector or 0
    if evse not in _PLACES or connector not in _PLACES:
        return rows
    row = found(rows, CONNECTORS, (fact.at.station, evse, connector))
    if not newer(row, fact.at, "availability_"):
        return rows
    told = {
        "availability_asked": fact.asked,
        "availability_answer": fact.status,
        "availability_ms": fact.at.observed_ms,
    }
    return put(rows, CONNECTORS, row | told | order(fact.at, "availability_"))
