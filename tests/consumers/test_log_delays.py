"""How late tables are."""

from consumers.log.delays import Delays


def test_a_backlog_is_as_old_as_the_last_record_folded():
    """What comes after it was written later."""
    delays = Delays()
    delays.folded("topic", 1_000)
    assert delays.delay_s("topic", 5, 61_000) == 60
    delays.folded("topic", 31_000)
    assert delays.delay_s("topic", 4, 62_000) == 31


def test_where_little_comes_the_first_record_is_not_late():
    """It came since the last look, however long nothing had come before."""
    delays = Delays()
    delays.folded("topic", 1_000)
    assert delays.delay_s("topic", 0, 3_600_000) == 0
    assert delays.delay_s("topic", 1, 3_601_000) == 1
    assert delays.delay_s("topic", 1, 3_605_000) == 5, "it waits still"


def test_what_was_never_folded_waits_since_it_was_looked_at():
    """How old it is, nobody knows; but what waits for a schema from the beginning must show."""
    delays = Delays()
    assert delays.delay_s("topic", 7, 1_000_000) == 0
    assert delays.delay_s("topic", 7, 1_090_000) == 90
