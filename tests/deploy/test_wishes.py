"""Stopping and hurrying."""

import asyncio

import pytest

from deploy.local.wishes import StoppedError, Wishes


async def test_work_goes_on_until_somebody_wants_it_to_stop() -> None:
    """The work is cancelled and has ended before the error is raised."""
    wishes, ended = Wishes(), asyncio.Event()

    async def work() -> None:
        try:
            wishes.signalled()
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(StoppedError):
        await wishes.unless_stopped(work())
    assert ended.is_set()
    assert not wishes.hurry.is_set()


async def test_the_result_or_the_error_of_work_comes_through() -> None:
    """As if it had been awaited plainly."""

    async def right() -> int:
        return 7

    async def wrong() -> int:
        raise ValueError

    assert await Wishes().unless_stopped(right()) == 7
    with pytest.raises(ValueError):  # noqa: PT011 - it has no text
        await Wishes().unless_stopped(wrong())


async def test_a_second_signal_hurries() -> None:
    """What is under way is given up, and the caller is told that it did not end."""
    wishes = Wishes()
    wishes.signalled()
    assert await wishes.unless_hurried(asyncio.sleep(0), 1)
    assert not await wishes.unless_hurried(asyncio.Event().wait(), 0)
    wishes.signalled()
    assert not await wishes.unless_hurried(asyncio.Event().wait(), 30)
