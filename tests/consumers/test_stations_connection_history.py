"""consumers.stations.connection_history: every connection, with its beginning and its end."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.meaning.facts import At, Connected, Disconnected, Seen
from consumers.stations.connection_history import CONNECTIONS, PROJECTION, evolve, group
from consumers.stations.projection import CONSUMER
from consumers.stores.changes import Changes, differences
from consumers.stores.store import Store
from consumers.tables.projections import fold, key_columns
from tests.consumers.hearing import conversation, facts
from tests.gateway.conversation import NOON


def at(epoch, sequence):
    return At("CS-1", epoch, sequence, 1000 * epoch + sequence, f"{epoch}.{sequence}.CS-1")


def connected(epoch):
    return Connected(at(epoch, 0), "gw", "1.6", connection_id=f"c-{epoch}")


def disconnected(epoch, sequence=9, reason="closed"):
    return Disconnected(at(epoch, sequence), f"c-{epoch}", 1006, reason)


def rows(*told):
    """The one row of each connection, by its epoch."""
    found = {key: rows[CONNECTIONS.name] for key, rows in fold(PROJECTION, {}, told).items()}
    assert all(key == ("CS-1", row["epoch"]) for key, (row,) in found.items())
    return {epoch: row for (_, epoch), (row,) in found.items()}


def test_a_connection_as_the_gateway_tells_it():
    """Its epoch is the offset of the record that began it."""
    talk = conversation("2.0.1", ("Heartbeat", {}))
    assert rows(*facts(talk.events)) == {
        77: dict.fromkeys(CONNECTIONS.columns.keys())
        | {
            "station": "CS-1", "epoch": 77, "connection_id": "c-1", "gateway": "gw",
            "ocpp_version": "2.0.1", "connected_ms": NOON,
        }
    }  # fmt: skip


def test_a_connection_that_ended():
    """When and why, and nothing of it is lost by the one that follows."""
    found = rows(connected(1), disconnected(1), connected(2))
    assert (found[1]["connected_ms"], found[1]["disconnected_ms"]) == (1000, 1009)
    assert (found[1]["close_code"], found[1]["close_reason"]) == (1006, "closed")
    assert found[2]["disconnected_ms"] is None


def test_the_first_of_two_ends_counts():
    """A gateway that was given up for lost may come back."""
    ends = [disconnected(1, 9, "gateway_lost"), disconnected(1, 12, "closed")]
    for told in (ends, ends[::-1]):
        assert rows(connected(1), *told)[1]["close_reason"] == "gateway_lost"


def test_an_end_may_be_read_alone():
    """As after a retention that took the beginning away."""
    row = rows(disconnected(3))[3]
    assert (row["connected_ms"], row["disconnected_ms"], row["connection_id"]) == (
        *(None, 3009, "c-3"),
    )


@pytest.mark.parametrize(
    "fact", [Seen(at(1, 1)), Disconnected(At("CS-1", -1, -1, 5, "c-1.0"), "c-1", 1013, "outage")]
)
def test_what_belongs_to_no_epoch_is_passed_over(fact):
    """An end whose gateway never knew it stands in lost_connections."""
    assert group(fact) is None


def test_nothing_new_is_the_very_same_rows():
    """So a repetition writes nothing."""
    told = [connected(1), disconnected(1)]
    before = fold(PROJECTION, {}, told)["CS-1", 1]
    for fact in told:
        assert evolve(before, fact) is before


def test_a_connection_is_loaded_alone():
    """However many its station had: the rows of a group are those of one epoch."""
    assert key_columns(CONNECTIONS) == ("station", "epoch")
    assert PROJECTION in CONSUMER.projections


@given(
    st.lists(
        st.integers(1, 3).map(connected)
        | st.builds(disconnected, st.integers(1, 3), st.integers(5, 7)),
        max_size=9, unique_by=lambda fact: fact.at,
    ),
    st.randoms(use_true_random=False),
    st.integers(1, 4),
)  # fmt: skip
def test_order_batches_and_repetition_do_not_matter(told, chance: random.Random, size):
    """The same rows come out however the log is cut and read again."""
    shuffled = told + told[: len(told) // 2]
    chance.shuffle(shuffled)
    groups = {}
    for first in range(0, len(shuffled), size):
        groups |= fold(PROJECTION, groups, shuffled[first : first + size])
    assert groups == fold(PROJECTION, {}, told)


async def _come_back(url):
    told = [connected(1), disconnected(1), connected(2), disconnected(9)]
    after = fold(PROJECTION, {}, told)
    store = await Store.open(url, CONSUMER)
    try:
        generation = (await store.own([0]))[0].generation
        rows = differences(PROJECTION.tables, {}, after)
        await store.commit(0, generation, Changes(rows=rows))
        loaded = await store.load(PROJECTION, [("CS-1", 1), ("CS-1", 9), ("CS-1", 77)])
        assert loaded.pop(("CS-1", 77)) == {CONNECTIONS.name: ()}
        assert loaded == {key: after[key] for key in (("CS-1", 1), ("CS-1", 9))}
        assert fold(PROJECTION, loaded, [*told[:2], told[3]]) == {}
    finally:
        await store.close()


async def test_rows_come_back_from_a_file_as_they_were(tmp_path):
    """Those of the connections that are asked for, and no others."""
    await _come_back(f"sqlite:///{tmp_path}/store.db")


@pytest.mark.postgres
async def test_rows_come_back_from_a_server_as_they_were(postgres):
    """The same on PostgreSQL."""
    await _come_back(postgres)
