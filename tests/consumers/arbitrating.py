"""Rows as the arbiter of commands judges by, short to write: what the log says, and by when."""

from consumers.commands import live_connections
from consumers.commands import projection as commands
from consumers.commands.arbitration import Limits
from consumers.meaning.facts import At, Connected, Disconnected
from consumers.tables.projections import fold
from tests.consumers.commanding import MINUTE
from tests.consumers.telling import NOON

LIMITS = Limits(claim_ms=2_000, answer_ms=30_000, pause_ms=60_000)
EXPIRES = NOON + MINUTE


def connected(position, gateway="gw-1", station="CS-1", **said):
    """A connection that begins at this offset."""
    usual = {"gateway": gateway, "version": "1.6", "connection_id": f"c-{position}"}
    return Connected(at(position, station, epoch=position), **usual | said)


def disconnected(position, epoch, reason="closed", station="CS-1"):
    """The end of the connection with this epoch."""
    return Disconnected(at(position, station, epoch=epoch), f"c-{epoch}", 1006, reason)


def at(position, station="CS-1", epoch=None):
    """The place of a record."""
    epoch = position if epoch is None else epoch
    return At(station, epoch, 0, NOON + 1000 * position, f"topic.{position}.{station}")


def joined(*facts):
    """The one command of these facts, with its station's connection; None where there is none."""
    found = fold(commands.PROJECTION, {}, facts)
    if not found:
        return None
    (tables,) = found.values()
    (row,) = tables["commands"]
    origins = tables.get("command_origins", ())
    names = [column.name for column in commands.COMMAND_ORIGINS.c]
    origin = origins[0] if origins else dict.fromkeys(names)
    newest = {"connected": None, "epoch": None}
    for group in fold(live_connections.PROJECTION, {}, facts).values():
        newest = {name: group["connections_now"][0][name] for name in newest}
    return {**origin, **row, **newest}
