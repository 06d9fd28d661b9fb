"""A local list, until it is in sync."""

import pytest

from chargewire.flows.local_lists import LocalList, of_station
from chargewire.flows.steps import Answer, Look, Say, Within
from consumers.authorizations.projection import CONSUMER
from consumers.stores.store import Store
from tests.chargewire.flowing import asked, over

BEHIND = {
    **{"state": "behind", "version": 3, "wanted": 5, "held": 2, "missing": 3, "surplus": 0},
    **{"differing": 1, "left_out": 0, "connected": True, "status": "Accepted", "failures": 0},
    **{"outcome": "answered", "station": "CS-1"},
}


def test_it_is_looked_at_until_it_is_in_sync() -> None:
    """What changes is told once."""
    flow = LocalList(asks=False, limit_s=60)
    assert [*flow.begin()] == [Within(60), Look(0)]
    say, look = flow.found(BEHIND)
    assert say.text == "behind: version 3 with 2 of 5 tokens (3 missing, 1 differing)"
    assert look == Look(1.0)
    assert [*flow.found(BEHIND)] == [look]
    end = flow.found(BEHIND | {"state": "in sync", "version": 4, "held": 5, "left_out": 1})
    assert over(end) == (True, "in sync: version 4 with 5 of 5 tokens, 1 do not fit")


def test_the_station_can_be_asked_first() -> None:
    """It says its version in the words of its own."""
    for name in ("listVersion", "versionNumber"):
        flow = LocalList(asks=True, limit_s=60)
        assert asked(flow.begin()) == ("GetLocalListVersion", {})
        say, *rest = flow.answered(Answer("answered", {name: 4}))
        assert (say.data["told_version"], rest) == (4, [Within(60), Look(0)])
    assert over(flow.answered(Answer("timeout"))) == (
        *(False, "the station was asked in vain: timeout"),
    )


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"connected": False}, "the station is not connected"),
        ({"failures": 2, "status": "Failed"}, "2 failures in a row, the last: Failed"),
        ({"version": None}, "which list it has is not known; 5 tokens are wanted"),
    ],
)
def test_what_holds_it_up_is_told(told, words: str) -> None:
    """So that one need not look elsewhere; also when the time is over."""
    flow = LocalList(asks=False, limit_s=60)
    step, _ = flow.found(BEHIND | told)
    assert isinstance(step, Say)
    assert words in step.text
    reached, text = over(flow.late())
    assert not reached
    assert text.startswith("not in sync within 60 s; ")
    assert words in text


def test_some_lists_never_are() -> None:
    """None is wanted, the station keeps none, or it is longer than any that is sent."""
    flow = LocalList(asks=False, limit_s=60)
    assert over(flow.found(None))[0] is False
    assert over(flow.found(BEHIND | {"state": "off"}))[0] is False
    reached, text = over(flow.found(BEHIND | {"state": "too long"}))
    assert (reached, "are too many" in text) == (False, True)
    assert over(flow.late()) == (False, "not in sync within 60 s")


async def test_the_row_is_that_of_the_consumers_view(tmp_path) -> None:
    """The columns are there."""
    store = await Store.open(f"sqlite:///{tmp_path}/store.db", CONSUMER)
    try:
        async with store.transaction() as connection:
            found = await connection.execute(of_station("CS-1"))
            assert {*found.keys()} == {*BEHIND}
    finally:
        await store.close()
