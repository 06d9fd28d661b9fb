"""Asking a slow Kafka again."""

import asyncio

import pytest
from aiokafka.errors import KafkaTimeoutError

from deploy.local.insisting import LIMIT_S, TooSlowError, insist


async def test_what_was_too_slow_is_done_again() -> None:
    """Until it is done; why not is told in words, and again when it is another reason."""
    slow = KafkaTimeoutError("slow")
    outcomes = [slow, slow, TimeoutError(), OSError("away"), OSError("away"), slow, None]
    told: list[str] = []

    async def work() -> None:
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    await insist(work, told.append)
    assert outcomes == []
    assert told == ["KafkaTimeoutError: slow", "TimeoutError", "away", "KafkaTimeoutError: slow"]


async def test_there_is_a_limit() -> None:
    """After which the last reason is told, in words; also where nothing ever answers."""
    clock = asyncio.get_running_loop().time
    begun_s = clock()

    async def fails() -> None:
        await asyncio.sleep(40)
        raise KafkaTimeoutError("Failed to get offsets")

    with pytest.raises(TooSlowError, match=r"^KafkaTimeoutError: Failed to get offsets$"):
        await insist(fails, lambda _: None)
    assert clock() - begun_s == pytest.approx(LIMIT_S, abs=1)
    with pytest.raises(TooSlowError, match=r"^no answer$"):
        await insist(asyncio.Event().wait, lambda _: None)


async def test_what_will_not_mend_itself_is_not_tried_again() -> None:
    """It is the error of whoever asked."""
    attempts = []

    async def refused() -> None:
        attempts.append(1)
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await insist(refused, lambda _: None)
    assert len(attempts) == 1
