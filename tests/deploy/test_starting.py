"""Waiting for a broker that starts."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.starting import LONGEST_S, SILENCE_S, trouble


@dataclass
class Broker:
    """A process that writes a line every `each_s` until `silent_s`, `started_s` the good one."""

    each_s: float = 10.0
    silent_s: float = 1e9
    started_s: float = 1e9
    ends_s: float = 1e9
    log: Path = Path("kafka/broker.log")

    @property
    def exit_code(self) -> int | None:
        return 1 if asyncio.get_running_loop().time() >= self.ends_s else None

    def output(self) -> str:
        now_s = asyncio.get_running_loop().time()
        lines = 1 + int(min(now_s, self.silent_s) / self.each_s)
        return "INFO loading\n" * lines + ("Kafka Server started\n" * (now_s >= self.started_s))


async def waited(broker: Any) -> tuple[str, list[str], float]:
    """What is said of it, the lines of progress, and how long it took."""
    told: list[str] = []
    said = await trouble(broker, Path("data/kafka"), told.append)
    return said, told, asyncio.get_running_loop().time()


async def test_a_broker_that_takes_requests_has_no_trouble() -> None:
    """It is known by a line of its log."""
    said, told, took_s = await waited(Broker(started_s=5.0))
    assert (said, told) == ("", [])
    assert 5 <= took_s < 6


async def test_a_slow_broker_gets_longer_as_long_as_it_writes() -> None:
    """With a line every minute, so that nobody takes it for dead."""
    said, told, took_s = await waited(Broker(each_s=SILENCE_S - 10, started_s=800.0))
    assert said == ""
    assert took_s >= 800
    assert len(told) == 13
    assert told[0] == "Kafka has been starting for 60 s, and still writes"


async def test_one_that_lives_and_says_nothing_is_given_up() -> None:
    """To try again is all that helps: its data is not to be moved away."""
    said, _, took_s = await waited(Broker(silent_s=20.0))
    assert SILENCE_S + 19 < took_s < SILENCE_S + 30
    assert "the machine may be too busy" in said
    assert "Its log is kafka/broker.log and ends with:\nINFO loading" in said
    assert "goes on where this one stopped" in said
    assert "damaged" not in said


async def test_nobody_waits_for_ever() -> None:
    """Whatever it writes."""
    said, _, took_s = await waited(Broker())
    assert LONGEST_S < took_s < LONGEST_S + 1
    assert "Try again" in said


async def test_of_one_that_has_ended_the_data_may_be_bad() -> None:
    """The advice comes with the end of its log."""
    said, _, took_s = await waited(Broker(ends_s=3.0))
    assert took_s < 4
    assert "it has ended by itself" in said
    assert "INFO loading" in said
    assert "move data/kafka away and start again" in said
    assert "Try again" not in said
