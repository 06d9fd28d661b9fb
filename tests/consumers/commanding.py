"""Facts of commands, short to write, and what comes of them."""

from consumers.commands.projection import PROJECTION
from consumers.meaning.facts import At, CommandAsked, CommandEnded, CommandSettled, CommandTaken
from consumers.tables.projections import fold
from tests.consumers.telling import NOON

MINUTE = 60_000


def at(position):
    """The place of a record, written as many seconds after noon."""
    return At("CS-1", position, 0, NOON + 1000 * position, f"topic.{position}.CS-1")


def asked(position, attempt=1, **said):
    """A record of commands."""
    usual = {"command": "c", "action": "Reset", "payload": "{}", "expires_ms": NOON + MINUTE}
    return CommandAsked(at(position), attempt=attempt, **usual | said)


def taken(position, attempt=1, gateway="gw-1", **said):
    """A gateway's claim, on the connection that began at offset 77."""
    usual = {"command": "c", "gateway": gateway, "connection_epoch": 77}
    return CommandTaken(at(position), attempt=attempt, **usual | said)


def settled(position, attempt=1, outcome="answered", **said):
    """The outcome of an attempt in the connection log."""
    return CommandSettled(at(position), **{"command": "c"} | said, attempt=attempt, outcome=outcome)


def ended(position, attempt=1, outcome="answered", **said):
    """A record of command-results."""
    usual = {"command": "c", "action": "Reset", "response": '{"status":"Accepted"}'}
    return CommandEnded(at(position), attempt=attempt, outcome=outcome, **usual | said)


def groups(*facts):
    """The groups that come of facts, read one after the other in one batch."""
    return fold(PROJECTION, {}, facts)


def row(*facts):
    """The one command that comes of facts."""
    (tables,) = groups(*facts).values()
    (found,) = tables["commands"]
    return found


def state(*facts):
    """How far the one command is."""
    return row(*facts)["state"]


def history(*facts):
    """What was said of the one command: (kind, position, attempt)."""
    (tables,) = groups(*facts).values()
    return [(one["kind"], one["position"], one["attempt"]) for one in tables["command_history"]]
