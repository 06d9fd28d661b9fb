"""Long answers of 2.x stations, which come as calls of their own: pages with numbers."""

from collections.abc import Sequence
from typing import Any

from deploy.local.calls import Call, Payload
from deploy.local.memory import Memory

PAGE = 10
"""Rows on a page."""

NUMBERED = frozenset({"NotifyReport", "NotifyMonitoringReport", "NotifyCustomerInformation"})
"""The calls whose pages bear a number and a time; the others say only whether more will come."""


def pages(
    action: str, name: str, rows: Sequence[Any], asked: Payload, memory: Memory
) -> tuple[Call, ...]:
    """The rows under `name`, page after page, for the requestId that was asked with."""
    found = []
    for number, start in enumerate(range(0, len(rows), PAGE)):
        payload = {
            "requestId": asked["requestId"],
            name: list(rows[start : start + PAGE]),
            "tbc": start + PAGE < len(rows),
        }
        if action in NUMBERED:
            payload |= {"seqNo": number, "generatedAt": memory.now()}
        found.append(Call(action, payload))
    return tuple(found)
