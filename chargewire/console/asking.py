"""A command as the page asks for it, checked against the version of its station."""

import json
from collections.abc import Mapping
from typing import Any

from chargewire.calls.payloads import wrong
from schemas.catalogue import ACTIONS

EXPIRES_S, EXPIRES_MAX_S = 60, 7 * 86_400
_FIELDS = ("station", "action", "payload", "expires_in_s", "when_offline")
_WHEN_OFFLINE = ("fail", "wait")


class WrongCommand(Exception):  # noqa: N818 - what is wrong with it
    """What is asked cannot be; `path` is the place, as a JSON path into the payload or a field."""

    def __init__(self, text: str, path: str | None = None) -> None:
        super().__init__(text)
        self.path = path


def read(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a call. Raises WrongCommand."""
    try:
        found = json.loads(body)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair cannot be written
    except (ValueError, RecursionError) as error:
        raise WrongCommand(f"the body is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise WrongCommand("the body has to be a JSON object")
    for name in found:
        if name not in _FIELDS:
            raise WrongCommand(f"{name}: no such field; there are {', '.join(_FIELDS)}", name)
    for name in ("station", "action"):
        if not isinstance(found.get(name), str) or not found[name]:
            raise WrongCommand(f"{name}: a text is needed", name)
    return found


def command(
    asked: Mapping[str, Any], version: str, *, command_id: str, now_ms: int
) -> dict[str, Any]:
    """The record of `commands` that says what `read` gave. Raises WrongCommand."""
    action, payload = asked["action"], asked.get("payload", {})
    row = ACTIONS.get((version, action))
    if row is None or not row.to_station:
        raise WrongCommand(f"no station of OCPP {version} can be asked for {action}", "action")
    if not isinstance(payload, dict):
        raise WrongCommand("payload: a JSON object is needed", "payload")
    if (violation := wrong(version, action, payload)) is not None:
        raise WrongCommand(f"{violation.description} (OCPP {version})", violation.path)
    when_offline = asked.get("when_offline", "fail")
    if when_offline not in _WHEN_OFFLINE:
        raise WrongCommand(f"when_offline: one of {', '.join(_WHEN_OFFLINE)}", "when_offline")
    return {
        "command_id": command_id,
        "station": asked["station"],
        "action": action,
        "payload": json.dumps(payload, ensure_ascii=False),
        "expires_at": now_ms + _expires_ms(asked.get("expires_in_s", EXPIRES_S)),
        "when_offline": when_offline,
        "requested_by": "console",
    }


def _expires_ms(value: object) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= EXPIRES_MAX_S:  # type: ignore[operator]
        raise WrongCommand(f"expires_in_s: from 1 to {EXPIRES_MAX_S} seconds", "expires_in_s")
    return int(value * 1000)  # type: ignore[operator]
