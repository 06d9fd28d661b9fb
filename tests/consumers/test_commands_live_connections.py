"""consumers.commands.live_connections: whether a station is connected now, and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.commands.live_connections import CONNECTIONS_NOW, PROJECTION
from consumers.commands.projection import CONSUMER
from consumers.meaning.facts import At, Connected, Disconnected
from consumers.tables.projections import fold
from tests.consumers.readings import in_batches, reading
from tests.consumers.stored import come_back
from tests.consumers.telling import NOON


def at(epoch, sequence=0):
    return At("CS-1", epoch, sequence, NOON + sequence, f"{epoch}.{sequence}.CS-1")


def connected(epoch, gateway="gw-1"):
    return Connected(at(epoch), gateway, "1.6", connection_id=f"c-{epoch}")


def disconnected(epoch, sequence=9, reason="closed"):
    return Disconnected(at(epoch, sequence), f"c-{epoch}", 1006, reason)


def lost(number):
    """The end of a connection whose gateway never learned its epoch."""
    return Disconnected(at(-1, 5), None if number is None else f"c-{number}", 1013, "outage")


def row(*told):
    (rows,) = fold(PROJECTION, {}, told).values()
    (found,) = rows[CONNECTIONS_NOW.name]
    return found


@pytest.mark.parametrize(
    ("told", "epoch", "is_connected"),
    [
        ([connected(5)], 5, True),
        ([connected(5), disconnected(5)], 5, False),
        ([connected(5), connected(8), disconnected(5)], 8, True),
        ([connected(5), disconnected(5), connected(8)], 8, True),
        ([disconnected(5)], 5, False),
        ([disconnected(5), connected(8)], 8, True),
        ([connected(5), lost(5)], 5, False),
        ([lost(5), connected(5)], 5, False),
        ([lost(5), connected(5), connected(8)], 8, True),
        ([connected(5), lost(3)], 5, True),
        ([connected(5), lost(None)], 5, True),
        ([connected(5), disconnected(5), connected(5)], 5, False),
    ],
)
def test_the_newest_connection_counts(told, epoch, is_connected):
    """Its end, and not that of an older one."""
    found = row(*told)
    assert (found["epoch"], found["connected"]) == (epoch, is_connected)


def test_where_it_is():
    """The gateway, and the version that is spoken there."""
    found = row(connected(5), disconnected(5), connected(8, "gw-2"))
    assert (found["gateway"], found["ocpp_version"]) == ("gw-2", "1.6")
    assert (found["disconnected_ms"], found["close_reason"]) == (None, None)


def test_the_first_of_two_ends_counts():
    """A gateway that was thought lost may tell of the end itself."""
    found = row(connected(5), disconnected(5, 7, "gateway_lost"), disconnected(5, 9))
    assert (found["close_reason"], found["disconnected_ms"]) == ("gateway_lost", NOON + 7)


def test_an_end_whose_beginning_is_not_in_the_log():
    """Nothing is left of what an older connection told."""
    found = row(connected(5), disconnected(8))
    assert (found["connection_id"], found["gateway"], found["connected_ms"]) == ("c-8", None, None)


_TOLD = st.lists(
    st.one_of(
        st.tuples(st.just("end"), st.integers(0, 9)),
        st.tuples(st.just("lost"), st.integers(0, 9)),
        st.just(("begin", 0)),
    ),
    max_size=10,
)


@given(_TOLD, st.data())
def test_batches_and_repetition_do_not_matter(told, data):
    """The log is read in its order, and sometimes again from an earlier place."""
    makes = {"end": disconnected, "lost": lost}
    log = [
        connected(place) if kind == "begin" else makes[kind](number)
        for place, (kind, number) in enumerate(told)
    ]
    read = data.draw(reading(log))
    assert in_batches(data, PROJECTION, read) == fold(PROJECTION, {}, log)


TOLD = [connected(5), lost(3), disconnected(5), connected(8)]


async def test_rows_come_back_from_a_file_as_they_were(tmp_path):
    """Beside the commands, in one store."""
    await come_back(f"sqlite:///{tmp_path}/store.db", CONSUMER, PROJECTION, TOLD)


@pytest.mark.postgres
async def test_rows_come_back_from_a_server_as_they_were(postgres):
    """The same on PostgreSQL."""
    await come_back(postgres, CONSUMER, PROJECTION, TOLD)
