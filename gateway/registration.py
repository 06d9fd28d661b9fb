"""What a central system may ask of a station by the state of its registration, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asking:
    """Either nothing but some actions, or all but some."""

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()

    def allows(self, action: str) -> bool:
        """Whether it may be asked."""
        return action not in self.never and (self.only is None or action in self.only)


_ALL = Asking()
# OCPP 1.6, 4.2: while Pending the central system may look and change settings, but must not start
# or stop a transaction; while Rejected it should ask nothing, and would not be answered.
_PENDING_16 = Asking(never=frozenset({"RemoteStartTransaction", "RemoteStopTransaction"}))
_REJECTED_16 = Asking(only=frozenset())
# OCPP 2.0.1, B02: what a station answers while Pending; the rest is a SecurityError to it. While
# Rejected (B03) only a BootNotification may be triggered (F06).
_PENDING_2X = Asking(
    only=frozenset({"GetBaseReport", "GetReport", "GetVariables", "SetVariables", "TriggerMessage"})
)
_REJECTED_2X = Asking(only=frozenset({"TriggerMessage"}))

_TABLE: Mapping[tuple[str, str], Asking] = {
    ("v16", "Pending"): _PENDING_16,
    ("v16", "Rejected"): _REJECTED_16,
    ("v2", "Pending"): _PENDING_2X,
    ("v2", "Rejected"): _REJECTED_2X,
}


def asking(family: str, status: str) -> Asking:
    """What may be asked after this answer to a BootNotification; `family` is a field prefix."""
    return _TABLE.get((family, status), _ALL)
