"""How a simulated station is worked from afar: sessions, plugs, service, restarts."""

from typing import Any

from deploy.local import smart_charging
from deploy.local.effects import Answer, Operate, Restart, Start, Stop, accepted, status
from deploy.local.memory import Memory

Payload = dict[str, Any]

_FREE = frozenset({"Available", "Preparing", "Reserved"})


def start(
    memory: Memory,
    connector: int | None,
    token: str,
    remote_id: int | None = None,
    profile: Payload | None = None,
) -> Answer:
    """Accepted means that it is tried: whether somebody plugs in is seen later.

    Of several free connectors the one that is reserved for the token comes first.
    """
    free = [
        plug
        for plug in memory.plugs.values()
        if plug.session is None
        and plug.status.word in _FREE
        and plug.number == (connector or plug.number)
        and memory.welcome(plug, token)
    ]
    free.sort(key=lambda plug: plug.reservation is None)
    if not free or not smart_charging.fits_start(memory, profile):
        return accepted(False)
    return accepted(True, Start(free[0].number, token, remote_id, profile))


def stop(memory: Memory, transaction_id: object) -> Answer:
    """The transaction has to be under way."""
    plug = memory.charging(transaction_id)
    return accepted(False) if plug is None else accepted(True, Stop(plug.number, "Remote"))


def unlock_16(memory: Memory, connector: int) -> Answer:
    """UnlockConnector of 1.6, which ends the session (part 2, 5.18)."""
    if connector not in memory.plugs:
        return status("NotSupported")
    return status("Unlocked", Stop(connector, "UnlockCommand"))


def unlock_2(memory: Memory, evse: int, connector: int) -> Answer:
    """UnlockConnector of 2.x, which does not (part 2, F05)."""
    if evse not in memory.plugs or connector != 1:
        return status("UnknownConnector")
    busy = memory.plugs[evse].session is not None
    return status("OngoingAuthorizedTransaction" if busy else "Unlocked")


def reset(memory: Memory, manner: str, evse: int | None = None) -> Answer:
    """A restart of the station, or of one EVSE: then only its session ends."""
    if evse:
        if evse not in memory.plugs:
            return accepted(False)
        return accepted(True, Stop(evse, "HardReset"))
    waits = manner == "OnIdle" and any(memory.sessions())
    reason = "ScheduledReset" if waits else "RemoteReset"
    return status("Scheduled" if waits else "Accepted", Restart(manner, reason))


def availability(memory: Memory, evse: int | None, connector: int, word: str) -> Answer:
    """A connector, or all of them; Scheduled while somebody charges there."""
    if evse and (evse not in memory.plugs or connector != 1):
        return accepted(False)
    numbers = (evse,) if evse else tuple(memory.plugs)
    busy = word == "Inoperative" and any(memory.plugs[n].session for n in numbers)
    return status("Scheduled" if busy else "Accepted", Operate(numbers, word == "Operative"))
