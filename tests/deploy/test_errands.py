"""Errands of a simulated station, on a line that only writes down what is said."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from deploy.local import errands
from deploy.local.calls import Call, Payload
from deploy.local.days import Wait
from deploy.local.effects import Errand, Install, Restart, Until
from deploy.local.line import Line
from deploy.local.memory import Memory
from tests.deploy.memories import NOW, station

FIRST, LAST = Call("First"), Call("Last")


class Notebook:
    """As much of a line as an errand needs; `deaf` is how many calls nobody answers."""

    def __init__(self, deaf: int = 0) -> None:
        self.online = asyncio.Event()
        self.said: list[object] = []
        self.deaf = deaf

    async def say(self, call: Call) -> Payload | None:
        self.said.append(call)
        self.deaf -= 1
        return {} if self.deaf < 0 else None

    async def passing(self, seconds: float) -> None:
        self.said.append(seconds)


async def perform(errand: Errand, line: Notebook, memory: Memory) -> None:
    async def restart(how: Restart) -> None:
        line.said.append(how)

    await errands.perform(errand, cast(Line, line), memory, restart)


async def test_steps_are_done_one_after_the_other() -> None:
    """Waits, calls, a new firmware, a restart; then it is over."""
    line, memory, again = Notebook(), station(), Restart("OnIdle")
    line.online.set()
    errand = Errand((FIRST, Wait(5), Until(NOW), Install("9"), again, LAST), "firmware")
    errands.begin(errand, memory)
    assert memory.errands == {"firmware": errand}
    await perform(errand, line, memory)
    assert line.said == [FIRST, 5, again, LAST]
    assert memory.firmware == "9"
    assert memory.errands == memory.told == {}


async def test_another_of_its_name_takes_its_place() -> None:
    """What is left of the first is not done."""
    line, memory = Notebook(), station()
    line.online.set()
    first, second = Errand((FIRST,), "log"), Errand((LAST,), "log")
    for errand in (first, second):
        errands.begin(errand, memory)
    await perform(first, line, memory)
    assert line.said == []
    assert memory.errands == {"log": second}


async def test_news_waits_for_the_connection_and_reports_do_not() -> None:
    """A report belongs to the connection on which it was asked for."""
    line, memory = Notebook(), station()
    await perform(Errand((FIRST,)), line, memory)
    assert line.said == [FIRST]
    named = Errand((LAST,), "log")
    errands.begin(named, memory)
    waiting = asyncio.create_task(perform(named, line, memory))
    await asyncio.sleep(0)
    assert (line.said, memory.told) == ([FIRST], {"log": LAST})
    line.online.set()
    await waiting
    assert line.said == [FIRST, LAST]


async def test_what_nobody_answers_is_said_so_often() -> None:
    """Then the next step has its turn."""
    line = Notebook(deaf=errands.ATTEMPTS)
    line.online.set()
    await perform(Errand((FIRST, LAST)), line, station())
    assert line.said == [FIRST, 1, FIRST, 1, FIRST, 1, LAST]


async def test_a_moment_is_awaited_by_the_clock_of_the_station() -> None:
    """In real seconds."""
    line, loop = Notebook(), asyncio.get_running_loop()
    began = loop.time()
    await perform(Errand((Until(NOW + timedelta(seconds=0.05)), FIRST)), line, station())
    assert loop.time() - began == pytest.approx(0.05)
    assert line.said == [FIRST]
