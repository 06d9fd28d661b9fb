"""What one batch becomes: rows, positions, calls that wait; the runner's tests have the rest."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from consumers.log.folding import Folder
from consumers.stores.store import Store
from consumers.tables.projections import NO_ROWS, Consumer, Projection
from tests.consumers.tally import CONSUMER, HISTORIES, OF_STATIONS, PROJECTION, TALLY, TOTALS
from tests.consumers.written import CODEC, heartbeat

POSITION = 40
PAYLOAD = {"transactionId": 17, "meterStop": 900}


@dataclass
class Record:
    key: bytes
    value: bytes
    offset: int = POSITION
    timestamp: int = 1_800_000_000_000
    headers: tuple[tuple[str, bytes], ...] = ()


def event(topic: str, sequence: int, **more: Any) -> Record:
    """One that is written for the station S1."""
    record = heartbeat("S1", sequence) | {"v16_heartbeat_request": None} | more
    return Record(b"S1", CODEC.encode(topic, record), POSITION + sequence)


CALL = event("transactions", 1, action="StopTransaction", v16_stop_transaction_request=PAYLOAD)
ANSWER: Mapping[str, Any] = {"action": "StopTransaction", "call_sequence": 1}
JOINING = Consumer(
    "tally",
    (
        Projection(
            topics=("transactions", "rejected"),
            tables=CONSUMER.tables,
            group=lambda _: None,
            evolve=lambda rows, _: rows,
            joins=True,
        ),
    ),
)


class Folding:
    """A store, and folders on it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def fold(self, consumer: Consumer, /, **batch: list[Record]) -> Any:
        folder = Folder(
            self.store, consumer, decode=CODEC.decode, home=lambda key: int(key == b"elsewhere")
        )
        generation = (await self.store.own([0]))[0].generation
        return await folder.fold({0: generation}, {0: batch})

    async def open_calls(self) -> list[Mapping[str, Any]]:
        return [*(await self.store.calls([("S1", 1, 1)])).values()]


@pytest.fixture
async def folding(tmp_path: Path) -> AsyncIterator[Folding]:
    store = await Store.open(f"sqlite:///{tmp_path}/tally.db", CONSUMER, histories=HISTORIES)
    yield Folding(store)
    await store.close()


async def test_one_fact_concerns_several_projections(folding: Folding) -> None:
    """Each has groups of its own shape; facts come back, in the order of the log."""
    beats = [
        Record(b"S1", CODEC.encode("availability", heartbeat("S1", n)), n) for n in range(1, 4)
    ]
    done = await folding.fold(CONSUMER, availability=beats)
    assert [fact.at.sequence for fact in done.facts[0]] == [1, 2, 3]
    assert (done.positions, done.commits) == ({0: {"availability": 4}}, 1)
    key = ("S1", "Seen")
    (row,) = (await folding.store.load(PROJECTION, [key]))[key][TALLY.name]
    (total,) = (await folding.store.load(OF_STATIONS, [("S1",)]))["S1",][TOTALS.name]
    assert (row["count"], total["count"]) == (3, 3)


async def test_rows_of_another_partition_are_not_written(folding: Folding) -> None:
    """A projection that names another subject would write beside that one's owner."""
    stray = Consumer(
        "tally",
        (
            Projection(
                topics=("availability",),
                tables=(TOTALS,),
                group=lambda _: ("elsewhere",),
                evolve=lambda _rows, _fact: NO_ROWS,
            ),
        ),
    )
    beat = Record(b"S1", CODEC.encode("availability", heartbeat("S1", 1)))
    done = await folding.fold(stray, availability=[beat])
    assert (len(done.poison), done.facts) == (1, {})
    (bad,) = await folding.store.poison()
    assert "not written from partition 0" in bad.reason


@pytest.mark.parametrize(
    ("topic", "answer"),
    [
        ("transactions", {"kind": "result", "v16_stop_transaction_response": {}}),
        ("transactions", {"kind": "error", "error": {"code": "InternalError"}}),
        ("rejected", {"kind": "result", "rule": "json", "text": "[3", "size": 2}),
    ],
)
async def test_a_call_waits_for_whatever_answers_it(
    folding: Folding, topic: str, answer: dict[str, Any]
) -> None:
    """A result, an error or what could not be taken: then it is forgotten."""
    await folding.fold(JOINING, transactions=[CALL])
    (kept,) = await folding.open_calls()
    assert kept["transactionId"] == 17
    await folding.fold(JOINING, **{topic: [event(topic, 2, **ANSWER, **answer)]})
    assert await folding.open_calls() == []


async def test_a_dead_letter_of_a_call_is_not_kept(folding: Folding) -> None:
    """Nothing in it is certain, and nobody asks for it."""
    letter = event("rejected", 1, action="StopTransaction", rule="json", text="[2", size=2)
    done = await folding.fold(JOINING, rejected=[letter])
    assert not done.poison
    assert await folding.open_calls() == []
