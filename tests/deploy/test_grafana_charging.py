"""The SQL of every panel runs on a real PostgreSQL with a day of stations, and finds something."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumers.authorizations import projection as authorizations
from consumers.meaning.facts import Connected, Disconnected, StatusTold
from consumers.meter_readings import projection as meter_readings
from consumers.stations import projection as stations
from consumers.transactions import projection as transactions
from deploy.grafana.charging import MEASURANDS, PANELS, STATION_QUERY
from tests.consumers import asking, telling
from tests.consumers.telling import MINUTE, at, metered, sampled, start, stop
from tests.consumers.viewed import filled, found

pytestmark = pytest.mark.postgres

_DAY = 86_400_000
# Of yesterday, since views know what time it is.
NOON = time.time_ns() // 1_000_000 // _DAY * _DAY - _DAY // 2
_MACRO = re.compile(r"\$__timeFilter\(([^)]*)\)")  # as Grafana finds it
TEXTS = {
    "station": "'CS-1','CS-''2'",
    "one": "'CS-1'",
    "measurand": f"'{MEASURANDS[0]}'",
}


def read(sql, begin_ms=NOON - _DAY, end_ms=NOON + _DAY):
    """The text as Grafana sends it, for a range of time."""
    first, last = (datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in (begin_ms, end_ms))
    sql = _MACRO.sub(lambda one: f"{one[1]} BETWEEN '{first}' AND '{last}'", sql)
    for name, text in TEXTS.items():
        sql = sql.replace(f"${{{name}:sqlstring}}", text)
    sql = sql.replace("$__from", str(begin_ms)).replace("$__to", str(end_ms))
    assert "$" not in sql
    return sql


def history():
    """The facts of each consumer."""
    return {
        stations.CONSUMER: [
            Connected(at(0, observed_ms=NOON - 60 * MINUTE), connection_id="c"),
            StatusTold(at(1, observed_ms=NOON - 50 * MINUTE), connector=1, status="Available"),
            StatusTold(at(2, observed_ms=NOON - 20 * MINUTE), connector=1, status="Faulted"),
            Disconnected(at(9, observed_ms=NOON - 10 * MINUTE), connection_id="c"),
            Connected(at(0, 2, observed_ms=NOON), connection_id="d"),
        ],
        transactions.CONSUMER: [
            *(start(1, transaction="1"), stop(2, transaction="1", meter_wh=2600)),
            *(start(3, transaction="2"), metered(4, 900, transaction="2")),
            start(4, transaction="3"),
            stop(5, transaction="-1"),
            metered(6, 3000, transaction="0", connector=1),
        ],
        meter_readings.CONSUMER: [
            sampled(1, measurand=MEASURANDS[0], location="Outlet"),
            sampled(2, "7400.5", measurand="Power.Active.Import", phase="L1"),
            sampled(3, None, measurand="Power.Active.Import", raw="NaN"),
        ],
        authorizations.CONSUMER: [asking.authorize(1, "stranger")],
    }


@pytest.fixture
async def store(postgres, monkeypatch):
    """One database for all consumers, in which all that the dashboard shows has happened."""
    for module in (telling, asking):
        monkeypatch.setattr(module, "NOON", NOON)
    for consumer, facts in history().items():
        await filled(postgres, consumer, facts)
    return postgres


async def test_every_panel_finds_something(store):
    """And no column of it is without any value."""
    for panel in PANELS:
        rows = await found(store, transactions.CONSUMER, read(panel.sql))
        assert rows, panel.title
        for name in rows[0]:
            told = [row[name] for row in rows if row[name] is not None]
            assert told or name in {"command", "duration_s"}, (panel.title, name)
        if panel.is_series:
            assert isinstance(rows[0]["time"], str), "a timestamp"


async def values(store, title):
    (panel,) = (one for one in PANELS if one.title == title)
    return [[*row.values()] for row in await found(store, transactions.CONSUMER, read(panel.sql))]


async def test_what_panels_say(store):
    """The numbers are those of the history."""
    day = datetime.fromtimestamp(NOON / 1000, UTC).date().isoformat()
    assert await values(store, "Stations connected") == [[1]]
    assert await values(store, "Sessions begun") == [[3]]
    assert await values(store, "Sessions open now") == [[1]]
    assert await values(store, "Energy delivered") == [[2.5]]
    assert await values(store, "Energy by day") == [[f"{day}T00:00:00.000Z", 2.5]]
    assert await values(store, "Sessions by day") == [[f"{day}T00:00:00.000Z", 2, 1]]
    assert await values(store, "Power of $one") == [[f"{day}T12:00:02.000Z", "1 L1", 7400.5]]
    assert ["stop_without_start", 1, 1] in await values(store, "Anomalies")
    (token,) = await values(store, "Unknown tokens")
    assert token[:3] == ["stranger", "CS-1", 1]


async def test_the_queries_that_analysts_start_from(store):
    """Those of docs/analytics.md: they run, and find something."""
    page = (Path(__file__).parents[2] / "docs" / "analytics.md").read_text()
    (block,) = re.findall(r"```sql\n(.*?)```", page.split("\n## ")[1], re.DOTALL)
    queries = [one for one in block.split(";\n") if one.strip()]
    assert len(queries) == 5
    for query in queries:
        assert await found(store, transactions.CONSUMER, query), query


async def test_stations_to_choose_from(store):
    """All that were ever seen."""
    assert await found(store, stations.CONSUMER, STATION_QUERY) == [{"station": "CS-1"}]


async def test_another_range_of_time(store):
    """What was a year before is not shown."""
    year = 365 * _DAY
    for panel in PANELS:
        if "$__" in panel.sql:
            sql = read(panel.sql, NOON - 2 * year, NOON - year)
            rows = await found(store, transactions.CONSUMER, sql)
            assert {value for row in rows for value in row.values()} <= {None, 0}, panel.title
