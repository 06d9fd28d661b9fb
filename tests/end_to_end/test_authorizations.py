"""Tokens decided about by the consumer authorizations: what stations are told, end to end."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from consumers.authorizations.projection import CONSUMER
from consumers.authorizations.token_uses import USED
from consumers.authorizations.tokens import ISSUED
from consumers.stores.store import Store
from deploy.local.kafka import Broker
from schemas.identity import folded_token
from tests.end_to_end.gateways import CODEC, PATIENT, STEADY, Consumer, Fleet, Gateway, until
from tests.station import Station

pytestmark = pytest.mark.kafka

# CS-1 and CS-3 are at home in another partition than CS-5 and CS-7, and with two consumers with
# another of them.
DECIDED = "Authorize,StartTransaction,TransactionEvent"
PAST_MS, FUTURE_MS = 1_600_000_000_000, 4_000_000_000_000
TOKENS: dict[str, dict[str, object]] = {
    "Good": {"status": "Accepted", "group": "FLEET"},
    "Timed": {"status": "Accepted", "expires_at": FUTURE_MS},
    "Old": {"status": "Accepted", "expires_at": PAST_MS},
    "Bad": {"status": "Blocked"},
    "Poor": {"status": "NoCredit"},
    "Member": {"status": "Accepted", "group": "CLOSED"},
    "CLOSED": {"status": "Blocked"},
    "Gone": {"status": "Accepted"},
}


@pytest.fixture
async def fleet(kafka: Broker, prefix: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Topics, and no program yet."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path) as fleet:
        await fleet.topics()
        yield fleet


class Platform:
    """Who issues tokens, and can look into the tables."""

    def __init__(self, fleet: Fleet, producer: AIOKafkaProducer, store: Store) -> None:
        self._fleet = fleet
        self._producer = producer
        self._store = store

    async def issue(self, token: str, **said: object) -> None:
        """Write a record of id-tokens, and wait until it is in the tables."""
        record = {"token": token, "type": "ISO14443", **said} if said else None
        value = None if record is None else CODEC.encode("id-tokens", record)
        key = folded_token(token)
        await self._producer.send_and_wait(self._fleet.prefix + "id-tokens", value, key.encode())

        async def is_known() -> bool:
            rows = (await self._store.load(ISSUED, [(key,)]))[(key,)]["id_tokens"]
            return bool(rows) and rows[0]["status"] == said.get("status")

        await until(is_known, f"{token} is not in the tables")

    async def used(self, station: str, transaction: object, column: str) -> None:
        """Wait until the use of a token by a transaction has something in this column."""
        key = (station, str(transaction))

        async def is_there() -> bool:
            rows = (await self._store.load(USED, [key]))[key]["token_uses"]
            return bool(rows) and rows[0][column] is not None

        await until(is_there, f"{key} has no {column}")


@asynccontextmanager
async def platform(fleet: Fleet, url: str) -> AsyncIterator[Platform]:
    producer = AIOKafkaProducer(bootstrap_servers=fleet.bootstrap)
    await producer.start()
    store = await Store.open(url, CONSUMER)
    try:
        yield Platform(fleet, producer, store)
    finally:
        await store.close()
        await producer.stop()


async def consume(fleet: Fleet, url: str) -> Consumer:
    """One instance of authorizations that has caught up."""
    return await fleet.consume("authorizations", url, command=STEADY)


async def authorize(station: Station, token: str) -> dict[str, Any]:
    """What a station of 1.6 is told of a token."""
    reply = await station.call("Authorize", {"idTag": token})
    assert reply.payload is not None, reply
    return dict(reply.payload["idTagInfo"])


async def start(station: Station, token: str, minute: int, connector: int = 1) -> dict[str, Any]:
    """The answer to a StartTransaction; the same minute is the same transaction."""
    time = f"2026-11-21T10:{minute:02}:00Z"
    call = {"connectorId": connector, "idTag": token, "meterStart": 5, "timestamp": time}
    reply = await station.call("StartTransaction", call)
    assert reply.payload is not None, reply
    return reply.payload


async def stop(station: Station, transaction: int) -> None:
    time = "2026-11-21T11:00:00Z"
    call = {"transactionId": transaction, "meterStop": 9, "timestamp": time}
    assert (await station.call("StopTransaction", call)).ok


def event(kind: str, number: int, token: str | None, transaction: str = "t-1") -> dict[str, Any]:
    """A TransactionEvent of 2.x."""
    said = {
        "eventType": kind,
        "timestamp": "2026-11-21T10:00:00Z",
        "triggerReason": "Authorized",
        "seqNo": number,
        "transactionInfo": {"transactionId": transaction},
        "evse": {"id": 1, "connectorId": 1},
    }
    return said | ({"idToken": {"idToken": token, "type": "ISO14443"}} if token else {})


async def _tokens_are_judged(fleet: Fleet, gateway: Gateway, made: Platform) -> None:
    """Issued, blocked, expired, unknown, in another case, of a group, taken away."""
    station = await fleet.connect(gateway, "CS-1")
    fleet_group = {"status": "Accepted", "parentIdTag": "FLEET"}
    assert await authorize(station, "Good") == fleet_group
    assert await authorize(station, "gOOD") == fleet_group
    until_date = {"expiryDate": "2096-10-02T07:06:40.000Z"}
    assert await authorize(station, "Timed") == {"status": "Accepted"} | until_date
    for token, word in (("Old", "Expired"), ("Bad", "Blocked"), ("Poor", "Blocked")):
        assert await authorize(station, token) == {"status": word}
    assert await authorize(station, "Member") == {"status": "Blocked", "parentIdTag": "CLOSED"}
    assert await authorize(station, "Nobody") == {"status": "Invalid"}
    assert await authorize(station, "Gone") == {"status": "Invalid"}
    assert (await start(station, "", 1, connector=9))["idTagInfo"] == {"status": "Accepted"}


async def _a_token_is_used_once_at_a_time(fleet: Fleet, gateway: Gateway, made: Platform) -> None:
    """Whoever repeats a start is told the same again, whatever has become of the token."""
    one, two = [await fleet.connect(gateway, name) for name in ("CS-1", "CS-5")]
    first = await start(one, "GOOD", 1)
    assert first["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FLEET"}
    refused = await start(two, "good", 1)
    assert refused["idTagInfo"] == {"status": "ConcurrentTx", "parentIdTag": "FLEET"}
    assert await start(one, "GOOD", 1) == first
    assert await start(two, "good", 1) == refused
    assert await authorize(two, "Good") == first["idTagInfo"], "it may be there to stop"
    await stop(one, first["transactionId"])
    await made.used("CS-1", first["transactionId"], "ended_ms")
    second = await start(two, "good", 2)
    assert second["idTagInfo"] == first["idTagInfo"]
    third = await start(two, "good", 3)
    assert third["idTagInfo"] == first["idTagInfo"], "the Stop before it was lost"
    await made.issue("Good", status="Blocked")
    assert await authorize(two, "Good") == {"status": "Blocked"}
    assert await start(two, "good", 3) == third
    assert (await start(two, "good", 4))["idTagInfo"] == {"status": "Blocked"}


async def _of_two_starts_at_once_one_wins(fleet: Fleet, gateway: Gateway, made: Platform) -> None:
    """Whichever of them is read, decided or answered first."""
    stations = [await fleet.connect(gateway, f"AT-{number}") for number in range(8)]
    for number in range(4):
        await made.issue(f"Race-{number}", status="Accepted")
        both = (start(one, f"race-{number}", number) for one in stations[2 * number :][:2])
        told = await asyncio.gather(*both)
        words = sorted(one["idTagInfo"]["status"] for one in told)
        assert words == ["Accepted", "ConcurrentTx"], number


async def _other_versions_are_told_in_their_words(
    fleet: Fleet, gateway: Gateway, made: Platform
) -> None:
    """Authorize and TransactionEvent of 2.x: a cable first, then a card."""
    group = {"idToken": "CLOSED", "type": "ISO14443"}
    for name, version in (("CS-3", "ocpp2.0.1"), ("CS-7", "ocpp2.1")):
        station = await fleet.connect(gateway, name, (version,))
        for token, info in (
            ("timed", {"status": "Accepted", "cacheExpiryDateTime": "2096-10-02T07:06:40.000Z"}),
            ("Poor", {"status": "NoCredit"}),
            ("Nobody", {"status": "Unknown"}),
            ("Member", {"status": "Blocked", "groupIdToken": group}),
        ):
            asked = {"idToken": {"idToken": token, "type": "ISO14443"}}
            assert (await station.call("Authorize", asked)).payload == {"idTokenInfo": info}
        assert (await station.call("TransactionEvent", event("Started", 0, None))).payload == {}
        reply = await station.call("TransactionEvent", event("Updated", 1, "Timed"))
        assert reply.payload is not None
        word = "Accepted" if name == "CS-3" else "ConcurrentTx"
        assert reply.payload["idTokenInfo"]["status"] == word
        again = await station.call("TransactionEvent", event("Updated", 1, "Timed"))
        assert again.payload == reply.payload


async def _stories(fleet: Fleet, url: str, instances: int) -> None:
    gateway = await fleet.start(PATIENT, decided=DECIDED, decision_time_s=25)
    consumers = [await consume(fleet, url) for _ in range(instances)]
    async with platform(fleet, url) as made:
        for token, said in TOKENS.items():
            await made.issue(token, **said)
        await made.issue("Gone")
        await _tokens_are_judged(fleet, gateway, made)
        await _a_token_is_used_once_at_a_time(fleet, gateway, made)
        if instances == 1:
            await _of_two_starts_at_once_one_wins(fleet, gateway, made)
        await _other_versions_are_told_in_their_words(fleet, gateway, made)
    found = await gateway.metrics()
    assert not [name for name in found if name.startswith("fallbacks_total")], "all were decided"
    assert 'decisions_total{outcome="invalid"}' not in found

    async def all_counted() -> list[dict[str, float]] | None:
        """A decision may be read by others before who has made it has counted it."""
        each = [await consumer.metrics() for consumer in consumers]
        made = sum(one["authorizations_decision_seconds_count"] for one in each)
        return each if made == found['decisions_total{outcome="taken"}'] else None

    counted: list[dict[str, float]] = await until(all_counted, "decisions made and taken differ")
    assert sum(_unknown(one) for one in counted) == 4
    assert sum(one["authorizations_unknown_tokens_total"] for one in counted) == 4
    made_by = [one["authorizations_decision_seconds_count"] for one in counted]
    assert all(made_by), "each has stations of its own, and tokens of all"
    decisions = await fleet.log("decisions")
    assert {one["decided_by"] for one in decisions} == {"authorizations"}
    assert len(decisions) == len({one["event_id"] for one in decisions})


def _unknown(counted: dict[str, float]) -> float:
    names = [name for name in counted if "decisions_total" in name and "Unknown" in name]
    return sum(counted[name] for name in names)


async def test_stations_are_told_by_a_file(fleet: Fleet, tmp_path: Path) -> None:
    """The whole way, with SQLite behind the consumer."""
    await _stories(fleet, f"sqlite:///{tmp_path}/authorizations.db", instances=1)


@pytest.mark.postgres
async def test_stations_are_told_by_a_server(fleet: Fleet, postgres: str) -> None:
    """The whole way, with PostgreSQL behind two consumers that share the partitions."""
    await _stories(fleet, postgres, instances=2)


async def test_without_the_consumer_the_gateway_answers(fleet: Fleet, tmp_path: Path) -> None:
    """With its fallbacks; what was asked meanwhile is never decided about, not even afterwards."""
    url = f"sqlite:///{tmp_path}/authorizations.db"
    gateway = await fleet.start(PATIENT, decided=DECIDED, decision_time_s=25)
    brief = await fleet.start(PATIENT, decided=DECIDED, decision_time_s=2)
    consumer = await consume(fleet, url)
    async with platform(fleet, url) as made:
        await made.issue("Bad", status="Blocked")
    async with await fleet.connect(gateway, "CS-1") as station:
        assert await authorize(station, "bad") == {"status": "Blocked"}
    consumer.process.signal(signal.SIGTERM)
    assert await consumer.ended() == 0
    async with await fleet.connect(brief, "CS-1") as station:
        assert (await station.call("Authorize", {"idTag": "Bad"})).code == "InternalError"
        begun = await start(station, "Bad", 1)
        assert begun["idTagInfo"] == {"status": "Accepted"}
    await consume(fleet, url)
    station = await fleet.connect(gateway, "CS-1")
    assert await authorize(station, "Bad") == {"status": "Blocked"}
    assert await start(station, "Bad", 1) == begun, "as it was told before"
    assert (await start(station, "Bad", 2))["idTagInfo"] == {"status": "Blocked"}
    decisions = await fleet.log("decisions")
    asked = [
        one
        for one in await fleet.log("authorization", "transactions")
        if one["kind"] == "call" and one["decision_by"] is not None
    ]
    assert (len(asked), len(decisions)) == (6, 4)
    assert [json.loads(one["response"])["idTagInfo"]["status"] for one in decisions] == [
        *("Blocked", "Blocked", "Accepted", "Blocked"),
    ]
