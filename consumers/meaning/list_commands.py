"""The commands that keep local lists: their ids, by which they are known again."""

from uuid import UUID, uuid5

SEND = "SendLocalList"
CHECK = "GetLocalListVersion"
LEARN = frozenset({"GetConfiguration", "GetVariables"})
"""What asks for the limits of a list, in one version or another."""
REQUESTED_BY = "authorizations"

_PREFIX = "local-list."
_IDS = UUID("6a3a0c5e-4a0e-5d53-9a5c-1d9d0a6b8f0e")  # a namespace of its own (RFC 9562, 5.5)


def command_id(station: str, epoch: int, asked: str | None, ended: str | None) -> str:
    """The id of the next command to a station, on the connection with this epoch.

    It follows from the last that was asked and the last that has ended: two who know the same of a
    station give it the same id, and then no gateway sends it twice.
    """
    return f"{_PREFIX}{epoch}.{uuid5(_IDS, f'{epoch} {asked} {ended} {station}')}"


def is_ours(command: str | None) -> bool:
    """Whether a command is one of these."""
    return command is not None and command.startswith(_PREFIX)


def connection(command: str) -> int | None:
    """The epoch of the connection that one of these commands was meant for."""
    epoch = command.removeprefix(_PREFIX).partition(".")[0]
    return int(epoch) if epoch.isdecimal() and epoch.isascii() else None
