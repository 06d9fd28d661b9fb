"""Sequels hear of commits in order, each at its own pace, and break nobody but themselves."""

import asyncio

import pytest

from consumers.meaning.facts import At, Seen
from consumers.metrics import Metrics
from consumers.sequels.running import TOLD_AT_ONCE, Limits, Sequels
from consumers.stores.changes import Ownership

OWNED = {0: Ownership(1, {})}


def facts(*sequences):
    return [Seen(At("S1", 1, sequence, 0, "")) for sequence in sequences]


class Heard:
    """Remembers; `held` keeps it in a call, `fails` ends one."""

    def __init__(self):
        self.told, self.owned = [], []
        self.fails = False
        self.held = None
        self.calls = asyncio.Queue()

    async def committed(self, facts):
        for number, found in facts.items():
            self.told.append((number, [fact.at.sequence for fact in found]))
        await self._behave()

    async def woken(self, owned):
        self.owned.append(owned)
        await self._behave()

    async def called(self, times=1):
        async with asyncio.timeout(30):
            for _ in range(times):
                await self.calls.get()

    async def _behave(self):
        self.calls.put_nowait(None)
        if self.held is not None:
            await self.held.wait()
        if self.fails:
            raise ValueError("broken")


class Stage:
    def __init__(self, *sequels, **limits):
        self.metrics = Metrics("test")
        patient = {"committed_s": 60.0, "woken_s": 60.0}
        self.sequels = Sequels(sequels, self.metrics, Limits(**(patient | limits)))

    @property
    def failures(self):
        return self.metrics.registry.get_sample_value(
            "chargewire_consumer_sequel_failures_total", {"consumer": "test"}
        )


@pytest.fixture
async def staged():
    made = []

    def stage(*sequels, **limits):
        made.append(Stage(*sequels, **limits))
        return made[-1]

    yield stage
    for one in made:
        await one.sequels.close()


async def test_commits_are_told_in_their_order(staged):
    """With their partition number; one without facts is not worth telling."""
    one = Heard()
    stage = staged(one)
    for told in ({0: facts(1, 2)}, {}, {0: facts(3), 1: facts(4)}):
        stage.sequels.committed(told)
        await asyncio.sleep(0)
    await stage.sequels.close()
    assert one.told == [(0, [1, 2]), (0, [3]), (1, [4])]


async def test_what_waits_is_told_at_once(staged):
    """Many commits cost a slow sequel no more than one; but too much at once would be too late."""
    one = Heard()
    one.held = asyncio.Event()
    stage = staged(one)
    stage.sequels.committed({0: facts(1)})
    await one.called()
    for told in ({0: facts(2)}, {1: facts(3)}, {0: facts(4)}, {2: facts(*range(TOLD_AT_ONCE))}):
        stage.sequels.committed(told)
    one.held.set()
    await one.called(2)
    assert one.told[:3] == [(0, [1]), (0, [2, 4]), (1, [3])]
    assert [(number, len(found)) for number, found in one.told[3:]] == [(2, TOLD_AT_ONCE)]


async def test_a_slow_one_holds_up_nobody(staged):
    """Neither who hands on, nor another sequel."""
    slow, quick = Heard(), Heard()
    slow.held = asyncio.Event()
    stage = staged(slow, quick)
    for sequence in range(100):
        stage.sequels.committed({0: facts(sequence)})
        await quick.called()
    assert len(slow.told) == 1
    slow.held.set()


async def test_what_takes_too_long_is_ended(staged):
    """Counted, and then comes the next."""
    one = Heard()
    one.held = asyncio.Event()
    stage = staged(one, committed_s=0.01, woken_s=0.01)
    stage.sequels.woken(OWNED)
    stage.sequels.committed({0: facts(1)})
    await one.called(2)
    one.held = None
    stage.sequels.committed({0: facts(2)})
    await one.called()
    assert stage.failures == 2
    assert one.told == [(0, [1]), (0, [2])]
    assert one.owned == [OWNED]


async def test_failures_are_counted_and_that_is_all(staged):
    """What comes next is told as if nothing had been."""
    one = Heard()
    one.fails = True
    stage = staged(one)
    stage.sequels.committed({0: facts(1)})
    await one.called()
    stage.sequels.committed({0: facts(2)})
    await stage.sequels.close()
    assert (one.told, stage.failures) == ([(0, [1]), (0, [2])], 2)


async def test_only_so_many_facts_wait(staged):
    """What comes then is not told, and counted; a single large commit always is."""
    one = Heard()
    one.held = asyncio.Event()
    stage = staged(one, facts=3)
    stage.sequels.committed({0: facts(1, 2, 3, 4)})
    await one.called()
    stage.sequels.committed({0: facts(5, 6)})
    stage.sequels.committed({0: facts(7, 8)})
    stage.sequels.committed({0: facts(9)})
    one.held.set()
    await stage.sequels.close()
    assert [sequences for _, sequences in one.told] == [[1, 2, 3, 4], [5, 6, 9]]
    assert stage.failures == 1


async def test_wakings_do_not_pile_up(staged):
    """While one is under way only the newest waits, and commits get their turn."""
    one = Heard()
    one.held = asyncio.Event()
    stage = staged(one)
    stage.sequels.woken({})
    await one.called()
    stage.sequels.woken({1: OWNED[0]})
    stage.sequels.woken(OWNED)
    stage.sequels.committed({0: facts(1)})
    one.held.set()
    await one.called(2)
    assert one.told == [(0, [1])]
    assert one.owned == [{}, OWNED]


async def test_ending_does_not_wait_for_ever(staged):
    """Who hangs is cut off after the time that it would have had."""
    one = Heard()
    one.held = asyncio.Event()
    stage = staged(one, committed_s=0.05, woken_s=60)
    stage.sequels.woken(OWNED)
    await one.called()
    stage.sequels.committed({0: facts(1)})
    async with asyncio.timeout(30):
        await stage.sequels.close()
    assert one.told == []


async def test_what_holds_something_of_its_own_lets_go_of_it():
    """A sequel with a `close`; also when it was never told anything, or fails at it."""
    closed = []

    class Holding:
        async def committed(self, facts):
            """Nothing."""

        async def woken(self, owned):
            """Nothing."""

        async def close(self):
            closed.append(self)
            raise OSError

    metrics = Metrics("tally")
    await Sequels([Holding()], metrics).close()
    assert len(closed) == 1
    assert (
        metrics.registry.get_sample_value(
            "chargewire_consumer_sequel_failures_total", {"consumer": "tally"}
        )
        == 1
    )
