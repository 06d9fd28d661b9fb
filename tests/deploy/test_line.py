"""How long a simulated station waits before it connects again."""

from random import Random

from deploy.local.line import PAUSE_MAX_S, pause_s


def test_the_pause_doubles_up_to_a_limit_and_is_jittered() -> None:
    """Between half and all of 1, 2, 4 ... seconds, never more than the limit."""
    random = Random(1)
    for attempt, longest in enumerate([1, 2, 4, 8, 16, PAUSE_MAX_S, PAUSE_MAX_S]):
        pauses = {pause_s(attempt, random) for _ in range(200)}
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
        assert len(pauses) > 150


def test_a_pause_is_never_shorter_than_retry_after() -> None:
    """A date (the other form of RFC 9110) or nonsense asks for nothing."""
    assert 10.5 <= pause_s(0, Random(1), "10") <= 11
    assert pause_s(0, Random(1), "Fri, 31 Dec 1999 23:59:59 GMT") <= 1
    assert pause_s(1_000_000, Random(1), "") <= PAUSE_MAX_S
