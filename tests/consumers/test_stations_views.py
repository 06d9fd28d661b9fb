"""What analysts are told of stations, in both stores, out of the same histories."""

import pytest

from consumers.meaning.facts import At, Connected, Disconnected, StatusTold
from consumers.stations.projection import CONSUMER
from tests.consumers.viewed import STORES, filled, found, store_url

HOUR = 3_600_000
DAY = 24 * HOUR
FIRST = 1_577_836_800_000  # 2020-01-01T00:00:00Z, a while ago on every machine

url = pytest.fixture(params=STORES)(store_url)


def at(hours, epoch=1, sequence=0, station="CS-1"):
    ms = FIRST + int(hours * HOUR)
    return At(station, epoch, sequence, ms, f"{station}.{epoch}.{sequence}")


def status(hours, word, sequence, **said):
    said = {"connector": 1, "status": word} | said
    return StatusTold(at(hours, sequence=sequence), index=0, told_ms=None, **said)


def made(hours, epoch, **said):
    return Connected(at(hours, epoch, **said), connection_id=f"c-{epoch}", gateway="gw")


def ended(hours, epoch, connection_id=None):
    return Disconnected(
        at(hours, epoch, 9), connection_id=connection_id or f"c-{epoch}", code=1000, reason=""
    )


async def days(url, view, columns, until="2020-01-05"):
    """The first days of a view; those up to today are many."""
    query = f"SELECT {columns} FROM {view} WHERE CAST(day AS TEXT) < '{until}' ORDER BY {columns}"
    return [tuple(row.values()) for row in await found(url, CONSUMER, query)]


async def test_availability_of_a_connector(url):
    """Each status holds until the next one, over midnight, and over days without any."""
    facts = [
        status(6, "Available", 1),
        status(12, "Charging", 2),
        status(18, "Faulted", 3),
        status(18 + 48, "Available", 4),  # two days later
        status(18 + 49, "Unavailable", 5),
        status(18, "Available", 6, connector=2),
    ]
    await filled(url, CONSUMER, facts)
    columns = "connector, day, seconds_known, seconds_operative, share"
    rows = await days(url, "connector_availability", columns)
    assert [row for row in rows if row[0] == 1] == [
        (1, "2020-01-01", 64_800, 43_200, pytest.approx(2 / 3)),
        (1, "2020-01-02", 86_400, 0, 0),
        (1, "2020-01-03", 86_400, 3_600, pytest.approx(1 / 24)),
        (1, "2020-01-04", 86_400, 0, 0),
    ]
    assert [row for row in rows if row[0] == 2][:2] == [
        (2, "2020-01-01", 21_600, 21_600, 1),
        (2, "2020-01-02", 86_400, 86_400, 1),
    ]


async def test_a_status_that_says_nothing_is_not_known(url):
    """It is no share of a day in which nothing was known."""
    facts = [
        status(0, None, 1),
        status(36, "Available", 2),
        status(36, "Faulted", 3, connector=2000),
    ]
    await filled(url, CONSUMER, facts)
    columns = "connector, day, seconds_known, seconds_operative, share"
    rows = await days(url, "connector_availability", columns, "2020-01-03")
    assert rows == [
        (1, "2020-01-01", 0, 0, None),
        (1, "2020-01-02", 43_200, 43_200, 1),
    ]


async def test_the_last_status_holds_until_now(url):
    """Days run up to today, without a gap."""
    await filled(url, CONSUMER, [status(0, "Available", 1)])
    query = (
        "SELECT COUNT(*) AS days, SUM(seconds_known) AS known, MIN(CAST(day AS TEXT)) AS first,"
        " MAX(share) AS share FROM connector_availability"
    )
    ((row),) = await found(url, CONSUMER, query)
    assert row["first"] == "2020-01-01"
    assert row["days"] - 1 < row["known"] / 86_400 <= row["days"]
    assert row["days"] > 2000
    assert row["share"] == 1


async def test_uptime_of_a_station(url):
    """Since its first connection; a day without any is there, and says so."""
    facts = [
        *(made(6, 1), ended(12, 1)),
        *(made(12, 5), ended(13, 5)),
        *(made(13 + 48, 9), ended(13 + 49, 9)),
        made(18, 3, station="CS-2"),
    ]
    await filled(url, CONSUMER, facts)
    columns = "station, day, seconds_seen, seconds_connected, share"
    rows = await days(url, "station_uptime", columns)
    assert [row[1:] for row in rows if row[0] == "CS-1"] == [
        ("2020-01-01", 64_800, 25_200, pytest.approx(7 / 18)),
        ("2020-01-02", 86_400, 0, 0),
        ("2020-01-03", 86_400, 3_600, pytest.approx(1 / 24)),
        ("2020-01-04", 86_400, 0, 0),
    ]
    assert [row[2:4] for row in rows if row[0] == "CS-2"][:2] == [(21_600, 21_600), (86_400,) * 2]


async def test_ends_that_were_not_told_as_they_should_be(url):
    """A newer connection ends the older; an end may be told under the connection's id alone."""
    facts = [
        *(made(0, 1), made(6, 2)),  # no end
        *(ended(30, 2), made(24, 3)),  # told late
        *(made(48, 4), ended(54, -1, "c-4")),  # its gateway never learned the epoch
        *(made(72, 5), ended(71, 5)),  # by another clock, before it was made
    ]
    await filled(url, CONSUMER, facts)
    columns = "day, seconds_seen, seconds_connected"
    assert await days(url, "station_uptime", columns) == [
        ("2020-01-01", 86_400, 86_400),
        ("2020-01-02", 86_400, 86_400),
        ("2020-01-03", 86_400, 21_600),
        ("2020-01-04", 86_400, 0),
    ]
