"""The memory of a simulated station for tests, and the schemas that its words are held to."""

from datetime import UTC, datetime
from typing import Any

from jsonschema import Draft4Validator, Draft6Validator

from deploy.local import settings
from deploy.local.calls import Session
from deploy.local.days import MODELS, Status
from deploy.local.memory import Memory, Plug
from schemas.catalogue import json_schema

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def station(version: str = "1.6", *, busy: bool = False) -> Memory:
    """A station with two connectors; the first charges if it is busy."""
    table = settings.OLD if version == "1.6" else settings.NEW
    plugs = {number: Plug(number) for number in (1, 2)}
    if busy:
        transaction = 7 if version == "1.6" else "T-7"
        plugs[1].session = Session("S", 1, "T", NOW, 0, transaction)
        plugs[1].status = Status("Charging")
    model = MODELS[1]
    return Memory(model, "1", plugs, settings.defaults(table, model), lambda: NOW)


def valid(version: str, action: str, part: str, payload: dict[str, Any]) -> None:
    """Raises what the reference validator has against it."""
    validator = Draft4Validator if version == "1.6" else Draft6Validator
    validator(json_schema(version, action, part)).validate(payload)
