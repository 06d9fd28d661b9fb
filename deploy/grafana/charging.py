"""What the dashboard of charging shows: a title, a form and an SQL text for each panel."""

from collections.abc import Mapping
from types import MappingProxyType

from deploy.grafana.panels import Panel

STATIONS, TRANSACTIONS, READINGS, TOKENS = "stations", "transactions", "readings", "tokens"
SOURCES: Mapping[str, str] = MappingProxyType(
    {
        STATIONS: "Store of stations",
        TRANSACTIONS: "Store of transactions",
        READINGS: "Store of meter readings",
        TOKENS: "Store of authorizations",
    }
)
"""The data sources: variable of the dashboard -> its label. They may all be one database."""


def _count(title: str, source: str, sql: str, unit: str = "short", doc: str = "") -> Panel:
    return Panel(title, "stat", source, sql, 6, 4, doc, unit)


# A macro of Grafana ends with the first closing bracket: its argument is a name, no expression.

# Of the stations that are chosen at the top.
_CHOSEN = "station IN (${station:sqlstring})"
_PLACE = "concat_ws('.', evse, connector)"
_DAY_OF = "CAST(day AS timestamp) AT TIME ZONE 'UTC'"
_BARS = {"drawStyle": "bars", "fillOpacity": 60}

PANELS = (
    _count(
        "Stations connected",
        STATIONS,
        f"SELECT count(*) FILTER (WHERE connected) FROM stations WHERE {_CHOSEN}",
    ),
    _count(
        "Sessions begun",
        TRANSACTIONS,
        f"SELECT count(*) FROM sessions WHERE {_CHOSEN} AND $__timeFilter(began_observed_at)",
    ),
    _count(
        "Sessions open now",
        TRANSACTIONS,
        f"SELECT count(*) FROM sessions WHERE {_CHOSEN} AND state = 'open'",
        doc="Without those at whose place another one has begun since.",
    ),
    _count(
        "Energy delivered",
        TRANSACTIONS,
        f"SELECT sum(energy_kwh) FROM sessions WHERE {_CHOSEN}"
        " AND $__timeFilter(ended_observed_at)",
        "kwatth",
        "Of the sessions that have ended.",
    ),
    Panel(
        "Energy by day",
        "timeseries",
        TRANSACTIONS,
        f"SELECT {_DAY_OF} AS time, sum(energy_kwh) AS energy FROM energy_by_day\n"
        f"WHERE {_CHOSEN} AND $__timeFilter(day) GROUP BY 1 ORDER BY 1",
        12,
        8,
        "Of the day (UTC) on which a session ended.",
        "kwatth",
        _BARS,
    ),
    Panel(
        "Sessions by day",
        "timeseries",
        TRANSACTIONS,
        f"SELECT {_DAY_OF} AS time, sum(sessions) AS ended,\n"
        "    sum(sessions_without_energy) AS without_energy\n"
        f"FROM energy_by_day WHERE {_CHOSEN} AND $__timeFilter(day) GROUP BY 1 ORDER BY 1",
        12,
        8,
        "Those that ended on a day (UTC), and those of them whose energy nobody knows.",
        "short",
        _BARS,
    ),
    Panel(
        "Open transactions",
        "table",
        TRANSACTIONS,
        f"SELECT station, {_PLACE} AS place, transaction_id, token, began_observed_at AS began,\n"
        "    meter_last_kwh - meter_begin_kwh AS kwh, state, paired_by\n"
        f"FROM sessions WHERE {_CHOSEN} AND state <> 'ended'\n"
        "ORDER BY began_observed_at DESC NULLS LAST LIMIT 200",
        24,
        8,
        "superseded: another one has begun at its place since. paired_by: a stop without a usable "
        "id most likely ended it, and why that is thought.",
    ),
    Panel(
        "Sessions",
        "table",
        TRANSACTIONS,
        f"SELECT station, {_PLACE} AS place, token, began_observed_at AS began,\n"
        "    duration_s, energy_kwh, reason, anomalies, command\n"
        f"FROM sessions WHERE {_CHOSEN} AND $__timeFilter(ended_observed_at)\n"
        "ORDER BY ended_observed_at DESC LIMIT 200",
        24,
        9,
        "The newest 200 that ended.",
    ),
    Panel(
        "Power of $one",
        "timeseries",
        READINGS,
        "SELECT to_timestamp(coalesce(told_ms, observed_ms) / 1000.0) AS time,\n"
        f"    concat_ws(' ', {_PLACE}, phase) AS metric, value\n"
        "FROM meter_readings WHERE station = ${one:sqlstring}\n"
        "AND observed_ms BETWEEN $__from AND $__to AND measurand = 'Power.Active.Import'\n"
        "AND value IS NOT NULL ORDER BY 1",
        12,
        9,
        unit="watt",
    ),
    Panel(
        "$measurand of $one",
        "timeseries",
        READINGS,
        "SELECT to_timestamp(coalesce(told_ms, observed_ms) / 1000.0) AS time,\n"
        f"    concat_ws(' ', {_PLACE}, phase, location, unit) AS metric, value\n"
        "FROM meter_readings WHERE station = ${one:sqlstring}\n"
        "AND observed_ms BETWEEN $__from AND $__to AND measurand = ${measurand:sqlstring}\n"
        "AND value IS NOT NULL ORDER BY 1",
        12,
        9,
    ),
    Panel(
        "Connector availability",
        "timeseries",
        STATIONS,
        f"SELECT {_DAY_OF} AS time,\n"
        "    sum(seconds_operative) / nullif(sum(seconds_known), 0) AS availability\n"
        f"FROM connector_availability WHERE {_CHOSEN} AND connector > 0\n"
        f"AND $__timeFilter(day) GROUP BY 1 ORDER BY 1",
        12,
        8,
        "Share of the time in which connectors, by what they told last, could charge.",
        "percentunit",
    ),
    Panel(
        "Least available connectors",
        "table",
        STATIONS,
        f"SELECT station, {_PLACE} AS place,\n"
        "    sum(seconds_operative) / nullif(sum(seconds_known), 0) AS availability\n"
        f"FROM connector_availability WHERE {_CHOSEN} AND $__timeFilter(day)\n"
        "GROUP BY 1, 2 ORDER BY 3 NULLS LAST LIMIT 50",
        12,
        8,
        unit="percentunit",
    ),
    Panel(
        "Uptime",
        "timeseries",
        STATIONS,
        f"SELECT {_DAY_OF} AS time,\n"
        "    sum(seconds_connected) / nullif(sum(seconds_seen), 0) AS uptime\n"
        f"FROM station_uptime WHERE {_CHOSEN}\n"
        f"AND $__timeFilter(day) GROUP BY 1 ORDER BY 1",
        12,
        8,
        "Share of the time since its first connection in which a station was connected.",
        "percentunit",
    ),
    Panel(
        "Least connected stations",
        "table",
        STATIONS,
        "SELECT station,\n"
        "    sum(seconds_connected) / nullif(sum(seconds_seen), 0) AS uptime\n"
        f"FROM station_uptime WHERE {_CHOSEN} AND $__timeFilter(day)\n"
        "GROUP BY 1 ORDER BY 2 NULLS LAST LIMIT 50",
        12,
        8,
        unit="percentunit",
    ),
    Panel(
        "Anomalies",
        "table",
        TRANSACTIONS,
        "SELECT anomaly, count(*) AS sessions, count(DISTINCT station) AS stations\n"
        "FROM sessions CROSS JOIN LATERAL unnest(string_to_array(anomalies, ' ')) AS of (anomaly)\n"
        f"WHERE {_CHOSEN} AND anomalies <> ''\n"
        "AND ($__timeFilter(began_observed_at) OR $__timeFilter(ended_observed_at))\n"
        "GROUP BY 1 ORDER BY 2 DESC",
        12,
        8,
        "What is odd about sessions that began, or whose stop came.",
        empty="Nothing is odd.",
    ),
    Panel(
        "Unknown tokens",
        "table",
        TOKENS,
        "SELECT spelling AS token, station, times,\n"
        "    to_timestamp(last_ms / 1000.0) AS last_asked\n"
        f"FROM unknown_tokens WHERE {_CHOSEN} ORDER BY times DESC LIMIT 100",
        12,
        8,
        "`chargewire tokens list --unknown` shows them, too.",
        empty="Every token that was asked about is known.",
    ),
)

STATION_QUERY = "SELECT station FROM stations ORDER BY station"
MEASURANDS = (
    *("Energy.Active.Import.Register", "Current.Import", "Voltage", "SoC", "Temperature"),
    *("Current.Offered", "Power.Offered", "Frequency", "Power.Factor"),
    *("Energy.Active.Export.Register", "Power.Active.Export"),
)
"""Those of OCPP that stations tell most often."""
