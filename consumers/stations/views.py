"""What the tables of stations say to analysts: how much of each day a connector could charge."""

from consumers.tables.sql_times import WORDS, by_day

CONNECTOR_AVAILABILITY = "connector_availability"
STATION_UPTIME = "station_uptime"

# A status holds until the connector tells the next one, by the gateways' clock: that of a station
# may be anything. Numbers of EVSEs and connectors beyond 999 are noise, as in the table connectors.
_STATUSES = """told AS (
    SELECT
        station, evse, connector, operative,
        observed_ms AS begin_ms,
        LEAD(observed_ms) OVER (
            PARTITION BY station, evse, connector ORDER BY epoch, sequence, status_no
        ) AS next_ms
    FROM connector_status_history
    WHERE evse BETWEEN 0 AND 999 AND connector BETWEEN 0 AND 999
),
spans AS (
    SELECT
        station, evse, connector, begin_ms,
        COALESCE(next_ms, {now_ms}) AS end_ms,
        CASE WHEN operative IS NULL THEN 0 ELSE 1 END AS is_known,
        CASE WHEN operative THEN 1 ELSE 0 END AS is_operative
    FROM told
)"""

# A connection ends when that was told, at the latest with the station's next one. Between two there
# is none: so every day since the first one has its row.
_CONNECTIONS = """made AS (
    SELECT
        one.station AS station,
        one.connected_ms AS begin_ms,
        COALESCE(one.disconnected_ms, lost.disconnected_ms) AS told_ms,
        LEAD(one.connected_ms) OVER (PARTITION BY one.station ORDER BY one.epoch) AS next_ms
    FROM connections AS one
    LEFT JOIN lost_connections AS lost
    ON lost.station = one.station AND lost.connection_id = one.connection_id
    WHERE one.connected_ms IS NOT NULL
),
until AS (
    SELECT station, begin_ms, told_ms, COALESCE(next_ms, {now_ms}) AS next_ms FROM made
),
ended AS (
    SELECT
        station, begin_ms, next_ms,
        CASE
            WHEN told_ms < begin_ms THEN begin_ms
            WHEN told_ms < next_ms THEN told_ms
            ELSE next_ms
        END AS end_ms
    FROM until
),
spans AS (
    SELECT station, begin_ms, end_ms, 1 AS is_seen, 1 AS is_connected FROM ended
    UNION ALL
    SELECT station, end_ms, next_ms, 1, 0 FROM ended
)"""


def views(dialect: str) -> dict[str, str]:
    """The names of the views, and the SELECT that each is.

    connector_availability: station, evse, connector (0 as in the table connectors), day (UTC),
    seconds_known, seconds_operative, share. What was told last holds until something else is told,
    also while the station is not connected: how far it could be believed, says station_uptime.

    station_uptime: station, day (UTC), seconds_seen (since its first connection),
    seconds_connected, share.
    """
    now_ms = WORDS[dialect].now_ms
    return {
        CONNECTOR_AVAILABILITY: by_day(
            dialect,
            _STATUSES.format(now_ms=now_ms),
            ("station", "evse", "connector"),
            ("seconds_known", "is_known"),
            ("seconds_operative", "is_operative"),
        ),
        STATION_UPTIME: by_day(
            dialect,
            _CONNECTIONS.format(now_ms=now_ms),
            ("station",),
            ("seconds_seen", "is_seen"),
            ("seconds_connected", "is_connected"),
        ),
    }
