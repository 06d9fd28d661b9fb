"""What analysts are told of transactions, in both stores, out of the same histories."""

import pytest

from consumers.meaning.facts import RemoteStartAnswered
from consumers.transactions.projection import CONSUMER
from tests.consumers.telling import MINUTE, NOON, at, ended, metered, start, started, stop, updated
from tests.consumers.viewed import STORES, filled, found, store_url

DAY = 86_400_000

url = pytest.fixture(params=STORES)(store_url)


async def sessions(url, *facts):
    """The sessions that come of facts, by their transaction_id and ordinal."""
    await filled(url, CONSUMER, facts)
    rows = await found(url, CONSUMER, "SELECT * FROM sessions")
    return {f"{row['transaction_id']} #{row['ordinal']}": row for row in rows}


async def test_a_session(url):
    """Times are timestamps, energy is in kWh, and a duration in seconds."""
    facts = [
        start(1, transaction="1", meter_wh="100", observed_ms=NOON + 123),
        metered(2, "400.25", transaction="1"),
        stop(3, transaction="1", meter_wh="900.5", observed_ms=NOON + 90 * MINUTE),
    ]
    (found,) = (await sessions(url, *facts)).values()
    assert found == {
        **{"id": found["id"], "station": "CS-1", "transaction_id": "1", "ordinal": 1},
        **{"evse": None, "connector": 1, "token": "A", "token_type": None, "token_group": None},
        "began_at": "2026-11-21T11:59:59.123Z",
        "ended_at": "2026-11-21T13:29:59.000Z",
        "began_observed_at": "2026-11-21T12:00:00.123Z",
        "ended_observed_at": "2026-11-21T13:30:00.000Z",
        "duration_s": 5399.877,
        "energy_kwh": pytest.approx(0.8005),
        "meter_begin_kwh": pytest.approx(0.1),
        "meter_end_kwh": pytest.approx(0.9005),
        "meter_last_kwh": pytest.approx(0.40025),
        **{"reason": "Local", "state": "ended", "anomalies": "", "command": None},
        **{"paired_with": None, "paired_by": None},
    }
    assert len(found["id"]) == 36


async def test_what_nobody_knows_is_null(url):
    """A time that could not be read, the meter of a session that goes on."""
    facts = [updated(1, transaction="own", told_ms=None, told_text="tomorrow")]
    (found,) = (await sessions(url, *facts)).values()
    told = {name for name, value in found.items() if value is not None}
    assert told == {"id", "station", "transaction_id", "ordinal", "state", "anomalies"}


async def test_an_open_session_is_superseded_by_the_next_at_its_place(url):
    """Whose stop was lost. What begins at another connector, or came before, ends none."""
    facts = [
        start(1, transaction="1"),
        start(2, transaction="2", connector=2),
        start(3, transaction="3"),
        stop(4, transaction="3"),
        start(5, transaction="4", connector=2),
        started(6, transaction="x", evse=3),
        started(7, transaction="y", evse=3, epoch=2),
        start(8, transaction="5", connector=None, evse=None),
        start(9, transaction="6", connector=None, evse=None),
    ]
    found = await sessions(url, *facts)
    assert {name.split()[0]: row["state"] for name, row in found.items()} == {
        **{"1": "superseded", "2": "superseded", "3": "ended", "4": "open"},
        **{"x": "superseded", "y": "open", "5": "open", "6": "open"},
    }


async def test_the_command_that_began_a_session(url):
    """By the rule that `chargewire transactions` has, too."""
    facts = [
        RemoteStartAnswered(at(0, observed_ms=NOON - 1), "Accepted", token="a", command="c-1"),
        start(1, transaction="1"),
        stop(2, transaction="1"),
        start(400, transaction="2"),
    ]
    found = await sessions(url, *facts)
    assert {name: row["command"] for name, row in found.items()} == {"1 #1": "c-1", "2 #1": None}


def pairs(found):
    """transaction_id -> those of its pair, and why."""
    names = {row["id"]: name for name, row in found.items()}
    return {
        name: (names[row["paired_with"]], row["paired_by"])
        for name, row in found.items()
        if row["paired_with"]
    }


@pytest.mark.parametrize("lost", ["0", "-1", str(2**63 - 1), None, "4711"])
async def test_an_orphan_stop_and_what_it_ended(url, lost):
    """The only open transaction; both rows say so, and stay as they were told."""
    facts = [start(1, transaction="1"), stop(2, transaction=lost, token=None, meter_wh=900)]
    found = await sessions(url, *facts)
    orphan = f"{lost or '?'} #1"
    assert pairs(found) == {"1 #1": (orphan, "only_open"), orphan: ("1 #1", "only_open")}
    assert [found[name]["state"] for name in ("1 #1", orphan)] == ["open", "ended"]
    assert all(row["energy_kwh"] is None for row in found.values())


async def test_the_token_tells_which_one_ended(url):
    """Of two that are open: without regard to case."""
    facts = [
        start(1, transaction="1", token="Aa"),
        start(2, transaction="2", token="B", connector=2),
        stop(3, transaction="0", token="aA"),
    ]
    assert pairs(await sessions(url, *facts)) == {
        "0 #1": ("1 #1", "token"),
        "1 #1": ("0 #1", "token"),
    }


async def test_the_place_tells_which_one_ended(url):
    """Where the stop names it: better than a token, and no other place will do."""
    facts = [
        started(1, transaction="x", evse=1, token="A"),
        started(2, transaction="y", evse=2, token="B"),
        ended(3, transaction=None, evse=2, token="A"),
        ended(4, transaction=None, evse=3, token="A"),
    ]
    found = pairs(await sessions(url, *facts))
    assert found == {"?2 #1": ("y #1", "connector"), "y #1": ("?2 #1", "connector")}


@pytest.mark.parametrize(
    "facts",
    [
        # Two are open, and nothing tells which.
        [
            *(start(1, transaction="1"), start(2, transaction="2", connector=2, token="B")),
            stop(3, transaction="0", token="C"),
        ],
        # Two are open with its token.
        [
            start(1, transaction="1"),
            start(2, transaction="2", connector=2),
            stop(3, transaction="0"),
        ],
        # It began after the stop.
        [stop(1, transaction="0"), start(2, transaction="1")],
        # It has ended by itself.
        [start(1, transaction="1"), stop(2, transaction="1"), stop(3, transaction="0")],
        # Its meter stood higher.
        [start(1, transaction="1", meter_wh=1000), stop(2, transaction="0", meter_wh=999)],
        # Another one had begun at the place, and ended.
        [
            *(start(1, transaction="1"), start(2, transaction="2"), stop(3, transaction="2")),
            stop(4, transaction="0"),
        ],
        # A station of 2.x knows its own ids.
        [started(1, transaction="x"), ended(2, transaction="y")],
    ],
)
async def test_orphan_stops_that_ended_nothing_known(url, facts):
    """Better none than a wrong one."""
    assert pairs(await sessions(url, *facts)) == {}


async def test_an_open_session_is_ended_once(url):
    """The second orphan ends what has begun since, or nothing."""
    facts = [
        start(1, transaction="1"),
        stop(2, transaction="-1", meter_wh=500),
        stop(3, transaction="-1", meter_wh=600),
        start(4, transaction="2", meter_wh=600),
        stop(5, transaction="-1", meter_wh=700),
    ]
    found = pairs(await sessions(url, *facts))
    assert {name: pair for name, (pair, _) in found.items()} == {
        **{"1 #1": "-1 #1", "-1 #1": "1 #1", "2 #1": "-1 #3", "-1 #3": "2 #1"},
    }


async def test_meters_are_compared_as_numbers(url):
    """Also where they are stored as texts: 900 is less than 1000."""
    facts = [start(1, transaction="1", meter_wh=900), stop(2, transaction="0", meter_wh=1000)]
    assert len(pairs(await sessions(url, *facts))) == 2


async def test_energy_by_day(url):
    """Of the day on which a session ended, by the station's clock if that is right."""
    facts = [
        *(start(1, transaction="1"), stop(2, transaction="1", meter_wh="1100.5")),
        *(start(3, transaction="2"), stop(4, transaction="2", meter_wh=50)),  # backwards
        # Over midnight, delivered a day late.
        start(5, transaction="3", observed_ms=NOON),
        stop(6, transaction="3", observed_ms=NOON + 2 * DAY, told_ms=NOON + DAY, meter_wh=2100),
        # A clock of 1970, and one of the future.
        *(start(7, transaction="4", told_ms=0), stop(8, transaction="4", told_ms=0)),
        stop(9, transaction="5", told_ms=NOON + 9 * DAY),
        start(10, transaction="6"),
    ]
    await filled(url, CONSUMER, facts)
    assert await found(url, CONSUMER, "SELECT * FROM energy_by_day ORDER BY day") == [
        {
            **{"station": "CS-1", "day": "2026-11-21", "sessions": 4},
            **{"energy_kwh": pytest.approx(1.8005), "sessions_without_energy": 2},
        },
        {
            **{"station": "CS-1", "day": "2026-11-22", "sessions": 1},
            **{"energy_kwh": pytest.approx(2), "sessions_without_energy": 0},
        },
    ]
