"""What the table of meter readings says to analysts: each value once, however often it came."""

from consumers.meter_readings.projection import METER_READINGS

READINGS_ONCE = "readings_once"

# What a value is known by. The same in one frame are samples of their own; in a later frame they
# are that frame sent again, with whatever message id. Without a time to read nobody knows.
_KNOWN_BY = (
    *("station", "transaction_id", "evse", "connector", "told_ms", "told_text", "source"),
    *("measurand", "phase", "location", "context", "raw", "signed"),
    *("CASE WHEN told_ms IS NULL THEN epoch END", "CASE WHEN told_ms IS NULL THEN sequence END"),
)
_ONCE = """SELECT {columns}
FROM (
    SELECT
        {columns},
        RANK() OVER (
            PARTITION BY {known_by}
            ORDER BY epoch, sequence
        ) AS time_told
    FROM meter_readings
) AS told
WHERE time_told = 1"""


def views() -> dict[str, str]:
    """The names of the views, and the SELECT that each is: the same in every database.

    readings_once: the rows of meter_readings without those that tell a value once more, since the
    station sent a frame again; of these the first stays. To add up or average readings take these.
    """
    columns = ", ".join(METER_READINGS.columns.keys())
    return {READINGS_ONCE: _ONCE.format(columns=columns, known_by=", ".join(_KNOWN_BY))}
