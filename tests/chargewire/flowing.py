"""Events and answers as flows get them, short to write."""

from chargewire.flows.events import Event
from chargewire.flows.steps import Answer, Ask, Over


def event(sequence, *facts, epoch=1, **record):
    """An event that tells facts."""
    return Event({"epoch": epoch, "sequence": sequence} | record, facts)


def question(sequence, epoch=1):
    """The CALL by which the station was asked for this flow."""
    record = {"epoch": epoch, "sequence": sequence, "kind": "call", "direction": "to_station"}
    return Event(record, ours=True)


def call(sequence, action, epoch=1, **said):
    """A CALL of the station."""
    record = {"epoch": epoch, "sequence": sequence, "kind": "call", "direction": "from_station"}
    return Event({**record, "action": action, "observed_at": 1000 * sequence}, said=said)


def answered(status="Accepted", **said):
    return Answer("answered", {"status": status, **said})


def over(steps):
    """(reached, text) of the end among steps; None where they go on."""
    return next(((one.reached, one.text) for one in steps if isinstance(one, Over)), None)


def asked(steps):
    """(action, payload) of what is asked for among steps."""
    return next(((one.action, one.payload) for one in steps if isinstance(one, Ask)), None)
