"""What is shown while things start."""

import io

import pytest

from deploy.local.display import Display


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


async def test_away_from_a_terminal_each_part_is_one_plain_line() -> None:
    """No control characters in a log file."""
    stream = io.StringIO()
    display = Display(stream)
    async with display.during("Kafka", "localhost:9092"):
        display.detail("12 MB of 43 MB")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "  12 MB of 43 MB"
    assert lines[1].startswith("  Kafka             localhost:9092  (")
    assert "\x1b" not in stream.getvalue()


async def test_on_a_terminal_the_line_is_replaced_in_the_end() -> None:
    """Only the last state stays."""
    stream = Terminal()
    async with Display(stream).during("Kafka", "localhost:9092"):
        pass
    assert stream.getvalue().rpartition("\r\x1b[K")[2].startswith("  Kafka             localhost")


async def test_a_part_that_fails_is_not_shown_as_done() -> None:
    """The error comes through, the line goes away."""
    stream = Terminal()
    with pytest.raises(OSError, match="no"):
        async with Display(stream).during("Kafka", "localhost:9092"):
            raise OSError("no")
    assert "localhost:9092" not in stream.getvalue()
