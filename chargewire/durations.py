"""Spans of time as people write them: 30s, 15m, 2h, 7d."""

import re
from typing import Any

import click

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(text: str) -> int | None:
    """How many milliseconds these are; None for another text."""
    found = _DURATION.fullmatch(text)
    return None if found is None else int(float(found[1]) * _UNITS_MS[found[2]])


class Milliseconds(click.ParamType[int]):
    """A span of time, not an empty one."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):  # converted before: click may ask again
            return value
        found = duration_ms(str(value))
        if not found:
            self.fail(f"{value!r} is none of 30s, 15m, 2h, 7d", param, ctx)
        return found


class Seconds(click.ParamType[float]):
    """The same, counted in seconds."""

    name = "DURATION"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        return Milliseconds().convert(value, param, ctx) / 1000
