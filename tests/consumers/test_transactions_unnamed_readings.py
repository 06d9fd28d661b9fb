"""Readings that name no transaction are kept as told, and a view guesses whose they are."""

import pytest

from consumers.tables.projections import NO_ROWS, fold
from consumers.transactions.projection import CONSUMER
from consumers.transactions.unnamed_readings import PROJECTION, evolve, group
from tests.consumers.hearing import conversation, facts
from tests.consumers.stored import come_back
from tests.consumers.telling import MINUTE, NOON, metered, start, started, stop
from tests.consumers.viewed import STORES, filled, found, store_url

url = pytest.fixture(params=STORES)(store_url)


def unnamed(sequence, value=500, epoch=1, **said):
    """A reading of connector 1 under transaction 0."""
    return metered(sequence, value, epoch, **{"transaction": "0", "connector": 1} | said)


def test_what_is_kept():
    """A reading of a connector under an id that names no transaction."""
    for name in ("0", "-1", str(2**63 - 1)):
        assert group(unnamed(1, transaction=name)) == ("CS-1",)
    for other in ({"transaction": "17"}, {"connector": 0}, {"connector": None}):
        assert group(unnamed(1, **other)) is None
    assert group(start(1, transaction="0")) is None
    assert evolve(NO_ROWS, start(1, transaction="0")) is NO_ROWS


def test_what_a_station_sends():
    """MeterValues of 1.6, as the gateway records them: of each frame one row."""
    samples = [{"value": "1.5", "unit": "kWh"}, {"value": "7", "measurand": "Voltage"}]
    value = {"timestamp": "2026-11-21T12:00:00Z", "sampledValue": samples}
    call = {"connectorId": 2, "transactionId": 0, "meterValue": [value, value]}
    talk = conversation("1.6", ("MeterValues", call), ("MeterValues", call))
    (rows,) = fold(PROJECTION, {}, facts(talk.events)).values()
    told = [(row["connector"], row["meter_wh"], row["told_ms"]) for row in rows["unnamed_readings"]]
    assert told == [(2, 1500, NOON)] * 2


async def likely(url, *told):
    """transaction_id of the session -> the meter of the readings that most likely tell of it."""
    await filled(url, CONSUMER, told)
    query = (
        "SELECT s.transaction_id AS name, r.meter_kwh AS kwh FROM likely_readings AS r"
        " JOIN sessions AS s ON s.id = r.session_id ORDER BY r.epoch, r.sequence"
    )
    named = {}
    for row in await found(url, CONSUMER, query):
        named.setdefault(row["name"], []).append(row["kwh"])
    return named


async def test_a_reading_tells_of_the_session_at_its_connector(url):
    """While that went on, by the times that the station told, in whatever order they came."""
    told = [
        unnamed(1, 1000),
        start(2, transaction="5"),
        unnamed(3, 2000),
        unnamed(4, 2500, connector=2),
        unnamed(5, 3000, transaction="-1"),
        stop(6, transaction="5"),
        unnamed(7, 4000),
        unnamed(8, 2600, told_ms=NOON + 4000),
        start(9, transaction="6"),
        unnamed(10, 5000),
    ]
    assert await likely(url, *told) == {"5": [2, 3, 2.6], "6": [5]}


async def test_a_session_whose_stop_was_lost_goes_on_until_the_next(url):
    """Also where that one has ended: what comes then tells of none."""
    told = [
        *(start(1, transaction="5"), unnamed(2, 1000), start(3, transaction="6"), unnamed(4, 2000)),
        *(stop(5, transaction="6"), unnamed(6, 3000)),
    ]
    assert await likely(url, *told) == {"5": [1], "6": [2]}


async def test_a_clock_that_was_never_set_is_not_believed(url):
    """Neither the station's time of a start nor of a reading: then the gateway's counts."""
    told = [
        start(1, transaction="5", told_ms=0),
        unnamed(2, 1000, told_ms=5),
        unnamed(3, 2000, told_ms=None),
        unnamed(4, 3000, told_ms=NOON + 60 * MINUTE),
        stop(5, transaction="5"),
        unnamed(6, 4000, told_ms=7),
    ]
    assert await likely(url, *told) == {"5": [1, 2, 3]}


async def test_what_it_says(url):
    """Times are timestamps, energy is in kWh; sessions of 2.x and stops alone are none of these."""
    await filled(
        url,
        CONSUMER,
        [
            *(start(1, transaction="5"), started(2, transaction="own", connector=1)),
            *(stop(3, transaction="0"), unnamed(4, "1250.5")),
        ],
    )
    (one,) = await found(url, CONSUMER, "SELECT * FROM likely_readings")
    (session,) = await found(url, CONSUMER, "SELECT id FROM sessions WHERE transaction_id = '5'")
    assert one == {
        **{"session_id": session["id"], "station": "CS-1", "connector": 1},
        **{"told_transaction_id": "0", "told_at": "2026-11-21T12:00:04.000Z"},
        **{"observed_at": "2026-11-21T12:00:05.000Z", "meter_kwh": pytest.approx(1.2505)},
        **{"epoch": 1, "sequence": 4},
    }


async def test_rows_come_back_as_they_were(url):
    """What is there already stays, however often it is read."""
    await come_back(url, CONSUMER, PROJECTION, [unnamed(1), unnamed(2, told_ms=None)])
    rows = await found(url, CONSUMER, "SELECT sequence FROM unnamed_readings ORDER BY 1")
    assert [row["sequence"] for row in rows] == [1, 2]
