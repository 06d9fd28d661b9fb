"""Every value that a meter told, one row each: nothing is added up, nothing is thrown away."""

from sqlalchemy import Index, MetaData, Table

from consumers.meaning.facts import Fact, Sampled
from consumers.tables.columns import exact, key, station, time, whole, words
from consumers.tables.projections import Consumer, Key, Projection, Row, Rows

METADATA = MetaData()
METER_READINGS = Table(
    "meter_readings",
    METADATA,
    station(),
    key("epoch", doc="order of the frame"),
    key("sequence", doc="order of the frame"),
    key("sample_no", doc="its number in the frame, from 0"),
    time("observed_ms", "when the gateway read the frame"),
    time("told_ms", "when it was measured, by the station's clock; null: not readable"),
    words("told_text", "the same as sent, where the milliseconds do not say all of it"),
    words("source", "MeterValues, StopTransaction or TransactionEvent"),
    words("transaction_id", "as the station sent it, 0 and -1 included; null: not told"),
    whole("evse", "EVSE (2.x); null: not told"),
    whole("connector", "connector; 0: the whole station, or all of the EVSE"),
    words("measurand", "such as Energy.Active.Import.Register, which is the default"),
    words("phase", "such as L1; null: all of them together"),
    words("location", "such as Outlet, which is the default"),
    words("context", "such as Sample.Periodic, which is the default"),
    words("format", "Raw or SignedData"),
    words("unit", "of `value`: Wh, W, varh, var, VAh, VA, A, V, Hz ..., or a vendor's own"),
    exact("value", "in `unit`, exactly; null: no number"),
    words("raw", "the value as sent; null where it is signed"),
    words("signed", "a signed value, whole: its text, or its object as JSON text"),
    Index("meter_readings_by_time", "station", "observed_ms"),
    Index("meter_readings_by_age", "observed_ms"),
    comment="One row for each sampled value: append-only.",
)


def group(fact: Fact) -> Key | None:
    """The samples of a station."""
    return (fact.at.station,) if isinstance(fact, Sampled) else None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The row of one sample, beside those that are there."""
    if not isinstance(fact, Sampled):
        return rows
    name = METER_READINGS.name
    return {**rows, name: (*rows.get(name, ()), _row(fact))}


def _row(fact: Sampled) -> Row:
    at = fact.at
    return {
        "station": at.station,
        "epoch": at.epoch,
        "sequence": at.sequence,
        "sample_no": fact.index,
        "observed_ms": at.observed_ms,
        "told_ms": fact.told_ms,
        "told_text": fact.told_text,
        "source": fact.source,
        "transaction_id": fact.transaction,
        "evse": fact.evse,
        "connector": fact.connector,
        "measurand": fact.measurand,
        "phase": fact.phase,
        "location": fact.location,
        "context": fact.context,
        "format": fact.format,
        "unit": fact.unit,
        "value": fact.value,
        "raw": fact.raw,
        "signed": fact.signed,
    }


PROJECTION = Projection(
    topics=("metering", "transactions"),
    tables=(METER_READINGS,),
    group=group,
    evolve=evolve,
    appended=frozenset({METER_READINGS.name}),
    published=frozenset({METER_READINGS.name}),
    ages={METER_READINGS.name: "observed_ms"},
)
CONSUMER = Consumer("meter-readings", (PROJECTION,))
