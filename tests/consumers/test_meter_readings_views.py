"""Values once, however often a station told them, in both stores."""

import pytest

from consumers.meter_readings.projection import CONSUMER
from tests.consumers.hearing import conversation, facts
from tests.consumers.telling import NOON, sampled
from tests.consumers.viewed import STORES, filled, found, store_url

url = pytest.fixture(params=STORES)(store_url)
TOLD = {"told_ms": NOON, "raw": "500"}


async def once(url, *told):
    """(epoch, sequence, sample_no) of what is there once."""
    await filled(url, CONSUMER, told)
    query = "SELECT epoch, sequence, sample_no FROM readings_once ORDER BY 1, 2, 3"
    return [tuple(row.values()) for row in await found(url, CONSUMER, query)]


async def test_a_stop_that_is_sent_three_times_counts_once(url):
    """Also where the third says another meterStop; MeterValues are told apart from it."""
    samples = [{"value": "230", "measurand": "Voltage", "phase": one} for one in ("L1", "L2")]
    value = {"timestamp": "2026-11-21T12:00:00Z", "sampledValue": samples}
    stops = [
        {"transactionId": 5, "meterStop": meter, "timestamp": "2026-11-21T12:00:01Z"}
        | {"transactionData": [value]}
        for meter in (9, 9, 10)
    ]
    values = {"connectorId": 1, "transactionId": 5, "meterValue": [value]}
    calls = [("StopTransaction", stop) for stop in stops] + [("MeterValues", values)]
    await filled(url, CONSUMER, facts(conversation("1.6", *calls).events))
    query = "SELECT source, COUNT(*) AS rows, SUM(CAST(value AS REAL)) AS sum FROM {} GROUP BY 1"
    counted = {
        name: {
            row["source"]: (row["rows"], row["sum"])
            for row in await found(url, CONSUMER, query.format(name))
        }
        for name in ("meter_readings", "readings_once")
    }
    assert counted == {
        "meter_readings": {"MeterValues": (2, 460), "StopTransaction": (6, 1380)},
        "readings_once": {"MeterValues": (2, 460), "StopTransaction": (2, 460)},
    }


async def test_the_first_one_stays_whatever_connection_it_came_on(url):
    """By its place in the log."""
    told = [sampled(9, epoch=1, **TOLD), sampled(2, epoch=2, **TOLD), sampled(1, epoch=3, **TOLD)]
    assert await once(url, *reversed(told)) == [(1, 9, 0)]


@pytest.mark.parametrize(
    "other",
    [
        {"transaction": "18"}, {"transaction": None}, {"connector": 2}, {"evse": 1},
        {"told_ms": NOON + 1}, {"told_text": "2026-11-21T12:00:00.0001Z"}, {"measurand": "Voltage"},
        {"phase": "L1"}, {"location": "Inlet"}, {"context": "Transaction.End"}, {"raw": "501"},
        {"source": "StopTransaction"}, {"signed": "AP;01"},
    ],
)  # fmt: skip
async def test_what_differs_is_no_repetition(url, other):
    """Null is a value like others."""
    told = [sampled(1, **TOLD | other), sampled(2, **TOLD), sampled(3, **TOLD | other)]
    assert await once(url, *told) == [(1, 1, 0), (1, 2, 0)]


async def test_documents_that_are_signed_are_values_as_well(url):
    """Of two of one time, without a text of the value, none is a repetition; of one it is."""
    told = [
        sampled(number, None, told_ms=NOON, raw=None, signed=f"AP;{document}")
        for number, document in enumerate("ABA")
    ]
    assert await once(url, *told) == [(1, 0, 0), (1, 1, 0)]


async def test_samples_of_one_frame_repeat_nothing(url):
    """Three phases of a station that does not name them."""
    told = [sampled(one, index=index, **TOLD) for one in (1, 2) for index in (0, 1, 2)]
    assert await once(url, *told) == [(1, 1, 0), (1, 1, 1), (1, 1, 2)]


async def test_without_a_time_nothing_is_a_repetition(url):
    """A clock that says the same word for ever would leave one row of years."""
    told = [sampled(one, told_ms=None, told_text="now", raw="500") for one in (1, 2)]
    assert await once(url, *told) == [(1, 1, 0), (1, 2, 0)]
