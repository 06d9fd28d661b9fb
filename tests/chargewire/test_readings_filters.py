"""Which readings are meant."""

import asyncio

import click
import pytest

from chargewire.readings.filters import FILTERS, Place, statement
from chargewire.tables.store import read
from consumers.meter_readings.projection import CONSUMER
from tests.chargewire.test_readings_command import reading
from tests.consumers.telling import NOON
from tests.consumers.viewed import STORES, filled, store_url

FACTS = [
    reading(1),
    reading(2, transaction="18", connector=2),
    reading(3, evse=2, connector=1, phase="L2"),
    reading(4, evse=1, connector=2, measurand="Voltage"),
    reading(5, epoch=2, observed_ms=NOON - 1000),
]

url = pytest.fixture(params=STORES)(store_url)


async def chosen(url, **wanted):
    """(epoch, sequence) of what is found, in its order."""
    await filled(url, CONSUMER, FACTS)
    newest = wanted.pop("newest", None)
    made = statement(newest=newest, **dict.fromkeys(FILTERS) | wanted)
    found = []
    await asyncio.to_thread(read, url, CONSUMER.name, made, found.append)
    return [(row["epoch"], row["sequence"]) for row in found]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [(1, 1), (1, 2), (1, 3), (1, 4), (2, 5)]),
        ({"station": "CS-2"}, []),
        ({"transaction": "18"}, [(1, 2)]),
        ({"connector": (1, None)}, [(1, 1), (1, 4), (2, 5)]),
        ({"connector": (2, None)}, [(1, 2), (1, 3)]),
        ({"connector": (2, 1)}, [(1, 3)]),
        ({"measurand": "Voltage", "station": "CS-1"}, [(1, 4)]),
        ({"phase": "L2"}, [(1, 3)]),
        ({"since": NOON + 3000, "until": NOON + 5000}, [(1, 2), (1, 3)]),
        ({"newest": 2}, [(1, 3), (1, 4)]),
        ({"newest": 9, "transaction": "17"}, [(2, 5), (1, 1), (1, 3), (1, 4)]),
    ],
)
async def test_what_is_chosen(url, wanted, expected):
    """All that is asked for must be so. The newest are so by the gateway's clock."""
    assert await chosen(url, **wanted) == expected


async def test_what_was_told_again_is_left_out_on_demand(url):
    """Whatever else is asked for: it is no repetition since the first is left out."""
    told = NOON + 1000
    again = [reading(one, told_ms=told, raw="1", epoch=7, transaction="9") for one in (6, 7, 8)]
    await filled(url, CONSUMER, again)
    assert await chosen(url, transaction="9") == [(7, 6), (7, 7), (7, 8)]
    of = {"station": "CS-1", "once": True}
    assert await chosen(url, transaction="9", **of) == [(7, 6)]
    assert await chosen(url, newest=1, transaction="9", **of) == [(7, 6)]
    assert await chosen(url, since=NOON + 8000, **of) == []


@pytest.mark.parametrize(
    ("text", "expected"), [("1", (1, None)), ("2.1", (2, 1)), ("0", (0, None))]
)
def test_places(text, expected):
    """As lists show them."""
    assert Place().convert(text, None, None) == expected


@pytest.mark.parametrize("text", ["", "a", "1.", ".1", "-1", "1.2.3"])
def test_places_that_are_none(text):
    """The message says how they are written."""
    with pytest.raises(click.BadParameter, match="of an EVSE"):
        Place().convert(text, None, None)
