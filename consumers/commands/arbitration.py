"""What is owed to an open command, by what the log says of it: the next step to its one result."""

from dataclasses import dataclass
from typing import Any

from consumers.commands.projection import SETTLED, TAKEN, UNASKED, WAITING, is_void
from consumers.tables.projections import Row

OUTCOMES = frozenset(
    {
        *("answered", "bad_answer", "call_error", "connection_lost", "expired"),
        *("invalid", "offline", "timeout", "unsupported"),
    }
)
"""The words of CommandResult."""

LOST = "lost"
"""Beside the states of a command: it was taken on a connection that has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait for others, in milliseconds.

    `claim_ms`: for somebody to take an attempt, or to say what became of one whose connection has
    ended. `answer_ms`: for the result of what was taken, after it could be sent for the last time;
    so it has to be longer than gateways wait for stations. `pause_ms`: between attempts, at most.
    """

    claim_ms: int = 2_000
    answer_ms: int = 60_000
    pause_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Settle:
    """Write `settled` to the connection log; it counts if it is read back as the first claim.

    `epoch` is the newest connection's, so far as it is known. `waiting`: of an attempt that was
    taken to wait; who is about to ask it says so before, and then this does not count.
    """

    outcome: str
    epoch: int | None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """Write the result: what it says is in the log, and cannot change any more."""

    outcome: str


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Write the command once more, for the connection with this epoch alone."""

    attempt: int
    epoch: int


Step = Settle | End | AskAgain | None


def circumstances(row: Row) -> tuple[Any, ...]:
    """What has to last for a while before the next step: time is counted from its beginning.

    `row` has the columns of a command, and of the newest connection of its station: `connected`
    and `epoch`, both null where there is none.
    """
    return row["attempt"], stage(row)


def stage(row: Row) -> str:
    """How far the newest attempt is: as `state`, but by the station's newest connection as well."""
    state: str = row["state"]
    if state != TAKEN or row["epoch"] is None or row["taken_epoch"] is None:
        return state
    if is_void(row, row["epoch"]):
        return WAITING
    ended = row["epoch"] == row["taken_epoch"] and not row["connected"]
    return LOST if ended or row["epoch"] > row["taken_epoch"] else TAKEN


def step(row: Row, since_ms: int, now_ms: int, limits: Limits) -> Step:
    """What to write now, if anything, where these circumstances are known since `since_ms`.

    Whoever does what this says, however late, however often, and from however old a row, gives no
    command two results that differ from each other in the log's order, and no attempt to a
    station twice: `settled` is subject to what stands before it, a result follows from what is
    settled for ever, and another attempt is for one connection only, on which it is asked once.
    """
    if row["asked_position"] is None:
        return None
    where = stage(row)
    if where == SETTLED:
        return _settled(row, since_ms, now_ms, limits)
    outcome = None
    waited, expires_ms = now_ms - since_ms >= limits.claim_ms, row["expires_ms"]
    unasked = "expired" if now_ms >= expires_ms else "offline"
    waits = where in (LOST, TAKEN) and row["turn_position"] is None
    if where == WAITING and (waited or unasked == "expired"):
        outcome = unasked
    elif where == LOST and waited:
        # Not at once: its gateway may have given it back, or may have its result on the way.
        outcome = unasked if waits else "connection_lost"
    elif where == TAKEN and now_ms >= expires_ms + limits.answer_ms:
        # Not before it has expired: until then it may wait for its turn.
        outcome = unasked if waits else "timeout"
    return None if outcome is None else Settle(outcome, row["epoch"], waits)


def _settled(row: Row, since_ms: int, now_ms: int, limits: Limits) -> Step:
    outcome = row["settled_outcome"]
    if row["when_offline"] != "wait" or outcome not in UNASKED:
        return End(outcome if outcome in OUTCOMES else "connection_lost")
    # What was written in the last moment has to be read back before it is taken for expired.
    if outcome == "expired" or now_ms >= row["expires_ms"] + limits.claim_ms:
        return End("expired")
    soon = now_ms >= row["expires_ms"] - limits.claim_ms
    if not row["connected"] or soon or now_ms - since_ms < pause_ms(row["attempt"], limits):
        return None
    return AskAgain(row["attempt"] + 1, row["epoch"])


def pause_ms(attempt: int, limits: Limits) -> int:
    """How long a command rests after an attempt that nobody took: longer each time.

    The first time not at all: its station has come back.
    """
    return min(limits.claim_ms * ((1 << min(attempt - 1, 20)) - 1), limits.pause_ms)
