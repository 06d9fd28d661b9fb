"""What stations and platforms have written becomes rows of reservations and commands: real log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from sqlalchemy import select

from consumers.commands import projection as commands
from consumers.commands.live_connections import CONNECTIONS_NOW
from consumers.log.membership import open_member
from consumers.log.runner import Runner
from consumers.metrics import Metrics
from consumers.reservations import projection as reservations
from consumers.reservations.rows import RESERVATIONS
from consumers.stores.store import Store
from schemas.identity import transaction_id
from tests.consumers.hearing import exchange
from tests.consumers.written import CODEC, Log
from tests.end_to_end.gateways import until
from tests.gateway.conversation import NOON
from tests.station import PATIENCE_S

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

PARTITIONS = 4
STATIONS = 12


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """A store of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return request.getfixturevalue("postgres")


@pytest.fixture
async def log(kafka, prefix):
    """A log of this test's own."""
    async with Log(kafka.bootstrap, prefix, PARTITIONS) as found:
        yield found


@asynccontextmanager
async def consuming(log, url, consumer, **options) -> AsyncIterator[Metrics]:
    """A runner in this process, which ends in order."""
    metrics, stop = Metrics(consumer.name), asyncio.Event()

    async def learn(_):
        return False

    runner = Runner(
        consumer=consumer,
        open_store=partial(Store.open, url, consumer),
        connect=lambda group: open_member({"bootstrap_servers": log.bootstrap}, group=group),
        codec=CODEC,
        learn=learn,
        partitions=PARTITIONS,
        prefix=log.prefix,
        metrics=metrics,
        batch_records=5,
        **options,
    )
    task = asyncio.create_task(runner.run(stop))
    try:
        yield metrics
    finally:
        stop.set()
        await asyncio.wait_for(task, 2 * PATIENCE_S)


async def folded(log, url, consumer, records, **options):
    """Wait until so many records are folded; the rows of all its tables then."""
    async with consuming(log, url, consumer, **options) as metrics:
        await until(lambda: _count(metrics, consumer) >= records)
        assert _count(metrics, consumer) == records
    store = await Store.open(url, consumer)
    try:
        async with store.transaction() as connection:
            return {
                table.name: [
                    dict(row._mapping)
                    for row in await connection.execute(
                        select(table).order_by(*table.primary_key.columns)
                    )
                ]
                for table in consumer.tables
            }
    finally:
        await store.close()


def _count(metrics, consumer):
    name = "chargewire_consumer_records_total"
    return metrics.registry.get_sample_value(name, {"consumer": consumer.name}) or 0


def _of(number, records, sequence):
    """Records as those of a station, from this sequence on."""
    station = f"S{number}"
    base = sequence - records[0][1]["sequence"]
    for topic, record in records:
        at = record["sequence"] + base
        call = record["call_sequence"]
        yield (
            topic,
            record
            | {
                "station": station,
                "sequence": at,
                "call_sequence": None if call is None else call + base,
                "event_id": f"{record['epoch']}.{at}.{station}",
            },
        )


def reserved(number):
    """A station's evening with a reservation: what is used, refused, cancelled or left."""
    expiry = {"expiryDate": "2026-11-21T13:00:00Z", "idTag": "A", "reservationId": 5}
    accepted = {"status": "Accepted"}
    story = [*exchange("1.6", "ReserveNow", {"connectorId": 1} | expiry, accepted)]
    yield from _of(number, story, 1)
    if number % 4 == 2:
        gone = exchange("1.6", "CancelReservation", {"reservationId": 5}, accepted)
        yield from _of(number, gone, 3)
    if number % 4 > 1:
        return
    begin = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-11-21T12:00:00Z"}
    info = {"status": "Accepted" if number % 4 == 0 else "ConcurrentTx"}
    answer = {"idTagInfo": info, "transactionId": transaction_id(f"S{number}", begin)}
    start = exchange("1.6", "StartTransaction", begin | {"reservationId": 5}, answer)
    yield from _of(number, start, 5)


async def test_reservations_from_the_log(log, url):
    """Live in two runs, in another order of topics, and from the beginning: the same rows."""
    await log.topics(reservations.CONSUMER.topics)
    told = [one for number in range(STATIONS) for one in reserved(number)]
    # The starts first: topics are read in any order.
    early = [one for one in told if one[0] == "transactions"]
    late = [one for one in told if one[0] != "transactions"]
    for part in (early, late):
        for topic, record in part:
            await log.write(topic, [record])
        rows = await folded(log, url, reservations.CONSUMER, len(part))
    states = [row["state"] for row in rows[RESERVATIONS.name]]
    expected = {0: "used", 1: "accepted", 2: "cancelled", 3: "accepted"}
    of = [expected[int(row["station"][1:]) % 4] for row in rows[RESERVATIONS.name]]
    assert (states, len(of)) == (of, STATIONS)
    refused = [row for row in rows[RESERVATIONS.name] if row["refused_transaction_id"]]
    assert len(refused) == STATIONS // 4
    again = await folded(log, url, reservations.CONSUMER, len(told), rebuilds=True)
    assert again == rows


def asked(number, attempt=1):
    return "commands", {
        "command_id": f"c-{number}",
        "station": f"S{number}",
        "action": "Reset",
        "payload": '{"type":"Soft"}',
        "expires_at": NOON + 60_000,
        "when_offline": "wait",
        "attempt": attempt,
        "requested_by": "test",
    }


def ended(number, outcome):
    return "command-results", {
        "command_id": f"c-{number}",
        "station": f"S{number}",
        "action": "Reset",
        "attempt": 1,
        "outcome": outcome,
        "response": None,
        "error_code": None,
        "error_description": None,
        "message_id": None,
        "at": NOON,
    }


def connection(number, kind, **said):
    nothing = dict.fromkeys(
        (
            *("connection_id", "epoch", "sequence", "gateway", "ocpp_version", "remote_address"),
            *("security_profile", "offered_subprotocols", "user_agent", "takeover"),
            *("close_code", "reason", "command_id", "attempt", "outcome"),
        )
    )
    record = nothing | {"event_id": f"{kind}-{number}", "type": kind, "at": NOON}
    return "connections", record | {"station": f"S{number}"} | said


def commanded(number):
    """A station's commands: answered twice, held, settled, or asked again."""
    yield connection(number, "connected", gateway="gw", ocpp_version="1.6", connection_id="c")
    yield asked(number)
    claim = {"command_id": f"c-{number}", "attempt": 1}
    if number % 4 < 2:
        yield connection(number, "taken", gateway="gw", epoch=0, **claim)
    if number % 4 == 0:
        yield connection(number, "settled", outcome="answered", **claim)
        yield ended(number, "answered")
        yield ended(number, "connection_lost")
    if number % 4 >= 2:
        yield connection(number, "settled", outcome="offline", **claim)
    if number % 4 == 3:
        yield asked(number, attempt=2)


async def test_commands_from_the_log(log, url):
    """The first result counts, and a rebuild gives the same rows, with their history."""
    await log.topics(commands.CONSUMER.topics)
    told = [one for number in range(STATIONS) for one in commanded(number)]
    for topic in reversed(commands.CONSUMER.topics):  # results before what they are of
        part = [record for name, record in told if name == topic]
        await log.write(topic, part)
        rows = await folded(log, url, commands.CONSUMER, len(part))
    found = {row["station"]: row for row in rows[commands.COMMANDS.name]}
    expected = {0: "ended", 1: "taken", 2: "settled", 3: "waiting"}
    for number in range(STATIONS):
        row = found[f"S{number}"]
        assert (row["state"], row["payload"]) == (expected[number % 4], '{"type":"Soft"}')
        assert (row["outcome"], row["void_results"]) == (
            ("answered", 1) if number % 4 == 0 else (None, 0)
        )
    assert len(rows[commands.COMMAND_HISTORY.name]) == len(told) - STATIONS
    assert [row["connected"] for row in rows[CONNECTIONS_NOW.name]] == [True] * STATIONS
    again = await folded(log, url, commands.CONSUMER, len(told), rebuilds=True)
    assert again == rows
