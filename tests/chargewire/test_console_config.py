"""The settings of the console."""

import pytest

from chargewire.console.config import Config, is_token, span_ms
from programs.settings import SettingsError
from programs.settings_file import load


def test_it_listens_on_this_machine_and_only_shows_unless_told_otherwise() -> None:
    """Nobody else sees the fleet by accident, and nobody commands it."""
    config = load(Config, {}, {})
    assert (config.console_listen, config.console_token) == ("127.0.0.1:9200", "")


def test_every_wrong_value_is_named() -> None:
    """In one list, and the token is never shown."""
    wrong = {
        "CHARGEWIRE_CONSOLE_LISTEN": "9200",
        "CHARGEWIRE_CONSOLE_TOKEN": "too-short",
        "CHARGEWIRE_CONSOLE_SINCE": "yesterday",
        "CHARGEWIRE_CONSOLE_FRAMES": "0",
    }
    with pytest.raises(SettingsError) as raised:
        load(Config, {}, wrong)
    assert len(raised.value.problems) == 4
    assert all(any(name in line for line in raised.value.problems) for name in wrong)
    assert "too-short" not in str(raised.value)


def test_spans_are_as_on_the_command_line() -> None:
    """Whole numbers of one unit."""
    assert [span_ms(text) for text in ("90s", "15m", "2h", "7d")] == [
        90_000,
        900_000,
        7_200_000,
        604_800_000,
    ]
    assert [span_ms(text) for text in ("", "h", "1.5h", "1w", "-1h")] == [None] * 5


def test_a_token_is_hard_to_guess_and_fits_a_header() -> None:
    """No blank, no line end, nothing but ASCII."""
    assert is_token("0123456789abcdef")
    assert not any(is_token(text) for text in ("short", "x" * 201, "0123456789 abcdef", "é" * 20))
