"""Which tests have a clock of their own."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.deploy.timeless import Timeless

_NAMES = ("connector", "errands", "fleet", "insisting", "link", "starting", "station")
_TIMELESS = {f"test_{name}.py" for name in _NAMES}

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories(config: Any, item: pytest.Item) -> Loops:
    """Of what waits most of the time: minutes, or days. All else needs the time that it takes."""
    if item.path.name in _TIMELESS:
        return {"timeless": Timeless}
    return {"asyncio": asyncio.new_event_loop}
