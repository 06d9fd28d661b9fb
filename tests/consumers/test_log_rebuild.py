"""A rebuild refuses a log without its beginning, and says how far it is."""

import pytest
from aiokafka import TopicPartition
from structlog.testing import capture_logs

from consumers.log.rebuild import Progress, RebuildRefusedError, check

A, B = TopicPartition("ocpp.a", 0), TopicPartition("ocpp.a", 1)


def test_a_log_without_its_beginning_is_refused() -> None:
    """With the topics and partitions, and what can be done."""
    check({A: 0, B: 0})
    with pytest.raises(RebuildRefusedError) as refused:
        check({A: 0, B: 17})
    first, last = refused.value.problems
    assert first == "ocpp.a begins later: 1 at 17"
    assert "--from-what-is-left" in last


def test_progress_is_told_now_and_then() -> None:
    """Share, rate and what is left every few seconds; the end once, and then nothing more."""
    progress = Progress({A: 0, B: 10}, {A: 100, B: 110}, 0.0)
    with capture_logs() as told:
        progress.at({}, 6.0)
        progress.at({A: 10, B: 10}, 1.0)
        progress.at({A: 40, B: 20}, 10.0)
        progress.at({A: 60, B: 30}, 11.0)
        progress.at({A: 100, B: 115}, 12.0)
        progress.at({A: 101, B: 119}, 30.0)
    first, last = told
    assert (first["percent"], first["per_s"], first["left_s"]) == (25.0, 5, 30)
    assert (last["event"], last["records"], last["of"]) == ("rebuilt", 200, 200)
    assert progress.done
