"""Spans of time on the command line."""

import click
import pytest

from chargewire.durations import Milliseconds, Seconds, duration_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        *(("500ms", 500), ("30s", 30_000), ("1.5m", 90_000)),
        *(("2h", 7_200_000), ("7d", 604_800_000), ("0s", 0)),
        *(("", None), ("30", None), ("beginning", None), ("-1h", None), ("1h30m", None)),
    ],
)
def test_a_span_has_a_unit(text: str, ms: int | None) -> None:
    """Any other text is none."""
    assert duration_ms(text) == ms


def test_options_count_in_one_unit() -> None:
    """Milliseconds or seconds; what is converted stays."""
    assert Milliseconds().convert("2m", None, None) == 120_000
    assert Seconds().convert("2m", None, None) == 120.0
    assert (Milliseconds().convert(5, None, None), Seconds().convert(0.5, None, None)) == (5, 0.5)


@pytest.mark.parametrize("text", ["soon", "0s", "beginning", "end", "-1h"])
def test_what_is_no_span_is_refused_with_examples(text: str) -> None:
    """Nothing at all is none either."""
    for kind in (Milliseconds(), Seconds()):
        with pytest.raises(click.BadParameter, match="is none of 30s, 15m, 2h, 7d"):
            kind.convert(text, None, None)
