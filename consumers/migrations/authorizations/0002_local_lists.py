"""Local authorization lists: what stations hold, what that depends on, how it compares."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ELEMENTS = {
    "postgresql": "LATERAL json_array_elements_text(CAST(issued.lists AS json))",
    "sqlite": "json_each(issued.lists)",
}
# What is wanted of each list, by its name.
_TOKENS = """
CREATE VIEW local_list_tokens AS
SELECT
    named.value AS list,
    issued.token AS token,
    issued.spelling AS spelling,
    issued.token_type AS token_type,
    issued.status AS status,
    issued.expires_ms AS expires_ms,
    issued.group_token AS group_token
FROM id_tokens AS issued CROSS JOIN %s AS named
WHERE issued.status IS NOT NULL AND issued.lists IS NOT NULL
"""
# Each token that a station should have, or has, once.
_DIFFERENCES = """
CREATE VIEW local_list_differences AS
SELECT
    station,
    token,
    MAX(wanted) AS wanted,
    MAX(held) AS held,
    MIN(fits) AS fits,
    CASE
        WHEN MIN(accepted) < MAX(accepted) OR MIN(until_ms) < MAX(until_ms) THEN 1
        ELSE 0
    END AS differs
FROM (
    SELECT s.station AS station, w.token AS token, 1 AS wanted, 0 AS held,
        CASE WHEN LENGTH(w.token) > s.token_length THEN 0 ELSE 1 END AS fits,
        CASE WHEN w.status = 'Accepted' THEN 1 ELSE 0 END AS accepted,
        COALESCE(w.expires_ms, -1) AS until_ms
    FROM local_list_stations AS s
    JOIN local_list_tokens AS w ON w.list = s.station_group
    UNION
    SELECT s.station, w.token, 1, 0,
        CASE WHEN LENGTH(w.token) > s.token_length THEN 0 ELSE 1 END,
        CASE WHEN w.status = 'Accepted' THEN 1 ELSE 0 END,
        COALESCE(w.expires_ms, -1)
    FROM local_list_stations AS s
    JOIN local_list_tokens AS w ON w.list = '*'
    UNION ALL
    SELECT e.station, e.token, 0, 1, 1,
        CASE WHEN e.status = 'Accepted' THEN 1 ELSE 0 END,
        COALESCE(e.expires_ms, -1)
    FROM local_list_entries AS e
) AS both_sides
GROUP BY station, token
"""
# Each station with a list, or one to be: how far apart the two are.
_NOW = """
CREATE VIEW local_lists_now AS
SELECT
    *,
    CASE
        WHEN enabled = FALSE OR supported = FALSE THEN 'off'
        WHEN wanted > 20000 THEN 'too long'
        WHEN version IS NULL THEN 'unknown'
        WHEN surplus = 0 AND differing = 0 AND missing <= left_out THEN 'in sync'
        ELSE 'behind'
    END AS state
FROM (
    SELECT
        s.station AS station,
        s.station_group AS station_group,
        s.connected AS connected,
        s.ocpp_version AS ocpp_version,
        s.enabled AS enabled,
        l.supported AS supported,
        l.version AS version,
        COALESCE(d.wanted, 0) AS wanted,
        COALESCE(d.held, 0) AS held,
        COALESCE(d.missing, 0) AS missing,
        COALESCE(d.surplus, 0) AS surplus,
        COALESCE(d.differing, 0) AS differing,
        COALESCE(d.wanted - d.fitting, 0) + CASE
            WHEN d.fitting > s.entries_max THEN d.fitting - s.entries_max
            ELSE 0
        END AS left_out,
        s.entries_max AS entries_max,
        s.entries_per_call AS entries_per_call,
        s.bytes_per_call AS bytes_per_call,
        l.status AS status,
        l.answered_ms AS answered_ms,
        s.asked_id AS asked_id,
        s.outcome AS outcome,
        s.failures AS failures
    FROM local_list_stations AS s
    LEFT JOIN local_lists AS l ON l.station = s.station
    LEFT JOIN (
        SELECT
            station,
            CAST(SUM(wanted) AS BIGINT) AS wanted,
            CAST(SUM(wanted * fits) AS BIGINT) AS fitting,
            CAST(SUM(held) AS BIGINT) AS held,
            CAST(SUM(wanted * (1 - held)) AS BIGINT) AS missing,
            CAST(SUM(held * (1 - wanted)) AS BIGINT) AS surplus,
            CAST(SUM(held * wanted * differs) AS BIGINT) AS differing
        FROM local_list_differences
        GROUP BY station
    ) AS d ON d.station = s.station
    WHERE l.station IS NOT NULL OR d.station IS NOT NULL
) AS counted
"""


def upgrade() -> None:
    """Create the tables, the views, and an index of the tokens that are in lists."""
    listed = sa.text("lists IS NOT NULL")
    op.create_index(
        "id_tokens_listed",
        "id_tokens",
        ["token"],
        postgresql_where=listed,
        sqlite_where=listed,
    )
    _lists()
    _stations()
    op.execute(_TOKENS.replace("%s", _ELEMENTS[op.get_bind().dialect.name]))
    op.execute(_DIFFERENCES)
    op.execute(_NOW)


def _lists() -> None:
    op.create_table(
        "local_lists",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger),
        sa.Column("entries", sa.BigInteger),
        sa.Column("digest", sa.Text),
        sa.Column("ours", sa.Boolean),
        sa.Column("supported", sa.Boolean),
        sa.Column("status", sa.Text),
        sa.Column("told_version", sa.BigInteger),
        sa.Column("top_version", sa.BigInteger),
        sa.Column("too_many", sa.BigInteger),
        sa.Column("answered_ms", sa.BigInteger),
        sa.Column("command_id", sa.Text),
        sa.Column("epoch", sa.BigInteger),
        sa.Column("sequence", sa.BigInteger),
    )
    op.create_table(
        "local_list_entries",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("spelling", sa.Text),
        sa.Column("token_type", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("group_token", sa.Text),
    )


def _stations() -> None:
    op.create_table(
        "local_list_stations",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("station_group", sa.Text),
        sa.Column("group_epoch", sa.BigInteger),
        sa.Column("group_sequence", sa.BigInteger),
        sa.Column("connected", sa.Boolean),
        sa.Column("connected_ms", sa.BigInteger),
        sa.Column("connection_id", sa.Text),
        sa.Column("ocpp_version", sa.Text),
        sa.Column("token_length", sa.BigInteger),
        sa.Column("connection_epoch", sa.BigInteger),
        sa.Column("enabled", sa.Boolean),
        sa.Column("entries_max", sa.BigInteger),
        sa.Column("entries_per_call", sa.BigInteger),
        sa.Column("bytes_per_call", sa.BigInteger),
        sa.Column("limits_epoch", sa.BigInteger),
        sa.Column("limits_sequence", sa.BigInteger),
        sa.Column("told_id", sa.Text),
        sa.Column("learned_epoch", sa.BigInteger),
        sa.Column("asked_id", sa.Text),
        sa.Column("asked_action", sa.Text),
        sa.Column("asked_version", sa.BigInteger),
        sa.Column("asked_until_ms", sa.BigInteger),
        sa.Column("asked_epoch", sa.BigInteger),
        sa.Column("asked_sequence", sa.BigInteger),
        sa.Column("ended_id", sa.Text),
        sa.Column("ended_ids", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("ended_epoch", sa.BigInteger),
        sa.Column("ended_sequence", sa.BigInteger),
        sa.Column("failures", sa.BigInteger),
        sa.Column("failed_action", sa.Text),
        sa.Column("setbacks", sa.BigInteger),
        sa.Column("failed_ms", sa.BigInteger),
        sa.Column("lost_ms", sa.BigInteger),
        sa.Column("vain_ms", sa.BigInteger),
    )
