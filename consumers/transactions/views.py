"""What the table of transactions says to analysts: charging sessions, and energy by day."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from consumers.tables.sql_times import WORDS, Words
from consumers.transactions.anomalies import TOLERANCE_MS, UNSET_MS
from consumers.transactions.remote_starts import command
from consumers.transactions.rows import ENDED, OPEN, TRANSACTIONS
from consumers.transactions.runs import NO_ID

SESSIONS = "sessions"
ENERGY_BY_DAY = "energy_by_day"
SUPERSEDED = "superseded"
"""The state of a session that is open although another one has begun at its place since."""

_DIALECTS = {"postgresql": postgresql.dialect, "sqlite": sqlite.dialect}
_PLACE = "COALESCE({0}.evse, {0}.connector)"
_BEGUN_AFTER = "({0}.first_epoch, {0}.first_sequence) > ({1}.first_epoch, {1}.first_sequence)"

# An orphan is a stop without a start, under an id that cannot have been a start's: stations of 2.x
# that tell an id of their own tell it rightly. It ended one that was open when it came, was the
# last to begin at its place, had not more on its meter, and is not at another place if the stop
# names one. Best is the same place, then the same token, then whatever it is; and there must not be
# two that are as good. Several orphans of one: the best of them, then the first, has ended it.
_PAIRS = """open_before AS (
    SELECT
        orphan.station AS station,
        orphan.id AS orphan,
        orphan.first_epoch AS epoch,
        orphan.first_sequence AS sequence,
        begun.id AS begun,
        CASE
            WHEN {orphan_place} = {begun_place} THEN 1
            WHEN lower(orphan.stop_token) = lower(begun.token) THEN 2
            ELSE 3
        END AS likeness
    FROM transactions AS orphan
    JOIN transactions AS begun
    ON begun.station = orphan.station
    AND begun.state = '{open}' AND begun.begin_observed_ms IS NOT NULL
    AND {orphan_after}
    AND ({orphan_place} IS NULL OR {begun_place} IS NULL OR {orphan_place} = {begun_place})
    AND (
        orphan.meter_end_wh IS NULL OR begun.meter_begin_wh IS NULL
        OR {meter_end} >= {meter_begin}
    )
    WHERE orphan.state = '{ended}' AND orphan.begin_observed_ms IS NULL
    AND (NOT orphan.own OR substr(orphan.transaction_id, 1, 1) = '{no_id}')
    AND NOT EXISTS (
        SELECT 1 FROM transactions AS later
        WHERE later.station = begun.station AND later.begin_observed_ms IS NOT NULL
        AND {later_place} = {begun_place}
        AND {later_after} AND {later_before}
    )
),
choices AS (
    SELECT
        station, orphan, epoch, sequence, begun, likeness,
        COUNT(*) OVER (PARTITION BY station, orphan, likeness) AS found,
        RANK() OVER (PARTITION BY station, orphan ORDER BY likeness) AS choice
    FROM open_before
),
turns AS (
    SELECT
        orphan, begun, likeness,
        ROW_NUMBER() OVER (
            PARTITION BY station, begun ORDER BY likeness, epoch, sequence
        ) AS turn
    FROM choices
    WHERE choice = 1 AND found = 1
),
pairs AS (
    SELECT
        orphan, begun,
        CASE likeness WHEN 1 THEN 'connector' WHEN 2 THEN 'token' ELSE 'only_open' END AS paired_by
    FROM turns
    WHERE turn = 1
)"""

_SESSIONS = """WITH one AS (
{transactions}
),
{pairs}
SELECT
    one.id AS id,
    one.station AS station,
    one.transaction_id AS transaction_id,
    one.ordinal AS ordinal,
    one.evse AS evse,
    one.connector AS connector,
    one.token AS token,
    one.token_type AS token_type,
    one.token_group AS token_group,
    {began_at} AS began_at,
    {ended_at} AS ended_at,
    {began_observed_at} AS began_observed_at,
    {ended_observed_at} AS ended_observed_at,
    {duration_s} AS duration_s,
    {energy} AS energy_kwh,
    {meter_begin} AS meter_begin_kwh,
    {meter_end} AS meter_end_kwh,
    {meter_last} AS meter_last_kwh,
    one.reason AS reason,
    CASE
        WHEN one.state = '{open}' AND EXISTS (
            SELECT 1 FROM transactions AS later
            WHERE later.station = one.station AND later.begin_observed_ms IS NOT NULL
            AND {later_place} = {one_place} AND {later_after}
        ) THEN '{superseded}'
        ELSE one.state
    END AS state,
    one.anomalies AS anomalies,
    one.command AS command,
    COALESCE(ends.begun, ended.orphan) AS paired_with,
    COALESCE(ends.paired_by, ended.paired_by) AS paired_by
FROM one
LEFT JOIN pairs AS ends ON ends.orphan = one.id
LEFT JOIN pairs AS ended ON ended.begun = one.id"""

_ENERGY_BY_DAY = """SELECT
    station,
    {day} AS day,
    COUNT(*) AS sessions,
    SUM({energy}) AS energy_kwh,
    COUNT(*) - COUNT(energy_wh) AS sessions_without_energy
FROM transactions
WHERE end_observed_ms IS NOT NULL
GROUP BY 1, 2"""


def views(dialect: str) -> dict[str, str]:
    """The names of the views, and the SELECT that each is.

    sessions: a row for each transaction. began_at and ended_at are told by the station, the
    observed ones by the gateway's clock. `state` is open, ended or superseded; `command` began it
    (see remote_starts). A stop that names no transaction, and the open one that it most likely
    ended, name each other's `id` in paired_with; paired_by says why: connector, token, only_open.
    Their other columns stay what was told.

    energy_by_day: of the sessions that ended on a day (UTC), by the station's clock, or the
    gateway's where that was wrong. What nobody knows the energy of is counted, and adds nothing.
    """
    say = WORDS[dialect]
    right = f"end_ms BETWEEN {UNSET_MS} AND end_observed_ms + {TOLERANCE_MS}"
    day = say.date(f"CASE WHEN {right} THEN end_ms ELSE end_observed_ms END")
    return {
        SESSIONS: _sessions(dialect, say),
        ENERGY_BY_DAY: _ENERGY_BY_DAY.format(day=day, energy=say.kwh("energy_wh")),
    }


def _sessions(dialect: str, say: Words) -> str:
    begun = select(TRANSACTIONS, command()).compile(
        dialect=_DIALECTS[dialect](), compile_kwargs={"literal_binds": True}
    )
    words = {
        "open": OPEN,
        "ended": ENDED,
        "superseded": SUPERSEDED,
        "no_id": NO_ID,
        **{f"{who}_place": _PLACE.format(who) for who in ("orphan", "begun", "later", "one")},
    }
    pairs = _PAIRS.format(
        orphan_after=_BEGUN_AFTER.format("orphan", "begun"),
        later_after=_BEGUN_AFTER.format("later", "begun"),
        later_before=_BEGUN_AFTER.format("orphan", "later"),
        meter_begin=say.number.format("begun.meter_begin_wh"),
        meter_end=say.number.format("orphan.meter_end_wh"),
        **words,
    )
    return _SESSIONS.format(
        transactions=begun,
        pairs=pairs,
        later_after=_BEGUN_AFTER.format("later", "one"),
        began_at=say.time("one.begin_ms"),
        ended_at=say.time("one.end_ms"),
        began_observed_at=say.time("one.begin_observed_ms"),
        ended_observed_at=say.time("one.end_observed_ms"),
        duration_s=say.thousandth.format("one.duration_ms"),
        energy=say.kwh("one.energy_wh"),
        meter_begin=say.kwh("one.meter_begin_wh"),
        meter_end=say.kwh("one.meter_end_wh"),
        meter_last=say.kwh("one.meter_last_wh"),
        **words,
    )
