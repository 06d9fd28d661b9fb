"""Reservations of a simulated station (OCPP 1.6 part 2, 5.13; 2.x part 2, H)."""

from deploy.local.effects import Answer, Expire, Rest, accepted, status
from deploy.local.memory import Memory, Plug, Reservation

_FREE = frozenset({"Available", "Reserved"})
_AS_IT_IS = frozenset({"Faulted", "Unavailable"})


def _refusal(plug: Plug) -> str | None:
    """Why a connector cannot be reserved."""
    if plug.status.word in _AS_IT_IS:
        return plug.status.word
    taken = plug.session is not None or plug.reservation is not None
    return "Occupied" if taken or plug.status.word not in _FREE else None


def reserve(memory: Memory, connector: int, wanted: Reservation) -> Answer:
    """ReserveNow, where 0 means any connector: then the first that is free is kept.

    An id that is known already means the same reservation, with other words.
    """
    if (connector and connector not in memory.plugs) or wanted.until <= memory.clock():
        return status("Rejected")
    before = _of(memory, wanted.id)
    kept = None
    if before is not None:
        kept, before.reservation = before.reservation, None
    chosen = [memory.plugs[connector]] if connector else list(memory.plugs.values())
    refusals = {plug.number: _refusal(plug) for plug in chosen}
    free = next((plug for plug in chosen if refusals[plug.number] is None), None)
    if free is None:
        if before is not None:
            before.reservation = kept
        words = [word for word in refusals.values() if word is not None]
        return status("Occupied" if "Occupied" in words else words[0])
    free.reservation = wanted
    touched = [plug for plug in (before, free) if plug is not None]
    shown = [Rest(number) for number in dict.fromkeys(plug.number for plug in touched)]
    return status("Accepted", *shown, Expire(free.number, wanted))


def cancel(memory: Memory, number: int) -> Answer:
    """CancelReservation."""
    plug = _of(memory, number)
    if plug is None:
        return accepted(False)
    plug.reservation = None
    return accepted(True, Rest(plug.number))


def _of(memory: Memory, number: int) -> Plug | None:
    plugs = memory.plugs.values()
    return next((p for p in plugs if p.reservation and p.reservation.id == number), None)
