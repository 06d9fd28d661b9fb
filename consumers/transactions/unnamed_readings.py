"""Readings of the energy meter that name no transaction, and the sessions they most likely tell of.

What is guessed is a view: the rows say what was told.
"""

from sqlalchemy import Index, Table

from consumers.meaning.facts import Fact, TransactionMetered
from consumers.tables.columns import exact, key, station, time, whole, words
from consumers.tables.projections import Key, Projection, Rows
from consumers.tables.sql_times import WORDS
from consumers.transactions.anomalies import TOLERANCE_MS, UNSET_MS
from consumers.transactions.facts import METADATA
from consumers.transactions.runs import is_unusable

LIKELY_READINGS = "likely_readings"
UNNAMED_READINGS = Table(
    "unnamed_readings",
    METADATA,
    station(),
    key("epoch"),
    key("sequence"),
    words("transaction_id", "as the station sent it: 0, -1 or 2^63-1, which name none"),
    whole("connector", "as told"),
    exact("meter_wh", "the energy meter: of one frame the last reading"),
    time("told_ms", "the station's time of it"),
    time("observed_ms", "when the gateway read the frame"),
    Index("unnamed_readings_by_age", "observed_ms"),
    comment="MeterValues of a connector whose transaction id names none: append-only.",
)

# What began last at the connector, while it went on: until its end, or until the next one began.
_LIKELY = """WITH spans AS (
    SELECT
        station, connector, id,
        {begin_ms} AS begin_ms,
        CASE WHEN end_observed_ms IS NOT NULL THEN {end_ms} END AS end_ms,
        LEAD({begin_ms}) OVER (
            PARTITION BY station, connector ORDER BY {begin_ms}, first_epoch, first_sequence
        ) AS next_ms
    FROM transactions
    WHERE begin_observed_ms IS NOT NULL AND NOT own
),
told AS (
    SELECT
        station, connector, transaction_id, told_ms, observed_ms, meter_wh, epoch, sequence,
        {told_ms} AS at_ms
    FROM unnamed_readings
)
SELECT
    spans.id AS session_id,
    told.station AS station,
    told.connector AS connector,
    told.transaction_id AS told_transaction_id,
    {told_at} AS told_at,
    {observed_at} AS observed_at,
    {meter} AS meter_kwh,
    told.epoch AS epoch,
    told.sequence AS sequence
FROM told JOIN spans
ON spans.station = told.station AND spans.connector = told.connector
AND told.at_ms >= spans.begin_ms
AND (spans.end_ms IS NULL OR told.at_ms <= spans.end_ms)
AND (spans.next_ms IS NULL OR told.at_ms < spans.next_ms)"""


def group(fact: Fact) -> Key | None:
    """The readings of a station that name no transaction, but a connector."""
    match fact:
        case TransactionMetered(transaction=name, connector=int(connector)):
            return (fact.at.station,) if connector > 0 and is_unusable(name) else None
    return None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The row of one reading, beside those that are there."""
    if not isinstance(fact, TransactionMetered):
        return rows
    row = {
        "station": fact.at.station,
        "epoch": fact.at.epoch,
        "sequence": fact.at.sequence,
        "transaction_id": fact.transaction,
        "connector": fact.connector,
        "meter_wh": fact.meter_wh,
        "told_ms": fact.told_ms,
        "observed_ms": fact.at.observed_ms,
    }
    name = UNNAMED_READINGS.name
    return {**rows, name: (*rows.get(name, ()), row)}


PROJECTION = Projection(
    topics=("metering",),
    tables=(UNNAMED_READINGS,),
    group=group,
    evolve=evolve,
    appended=frozenset({UNNAMED_READINGS.name}),
    ages={UNNAMED_READINGS.name: "observed_ms"},
)


def views(dialect: str) -> dict[str, str]:
    """The names of the views, and the SELECT that each is.

    likely_readings: of unnamed_readings those told while a session went on at their connector, with
    that one's `id` in the view sessions. A time counts as energy_by_day has it: the gateway's,
    where the station's clock was wrong. MeterValues that were sent again are a row more: it takes a
    DISTINCT, or MIN and MAX, to count a reading once.
    """
    say = WORDS[dialect]
    return {
        LIKELY_READINGS: _LIKELY.format(
            begin_ms=_right_ms("begin_ms", "begin_observed_ms"),
            end_ms=_right_ms("end_ms", "end_observed_ms"),
            told_ms=_right_ms("told_ms", "observed_ms"),
            told_at=say.time("told.told_ms"),
            observed_at=say.time("told.observed_ms"),
            meter=say.kwh("told.meter_wh"),
        )
    }


def _right_ms(told: str, observed: str) -> str:
    right = f"{told} BETWEEN {UNSET_MS} AND {observed} + {TOLERANCE_MS}"
    return f"CASE WHEN {right} THEN {told} ELSE {observed} END"
