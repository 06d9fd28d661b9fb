"""Which command began a transaction: the remote starts that were answered, and how they match."""

from sqlalchemy import Index, Label, Table, case, func, select

from consumers.meaning.facts import Fact, RemoteStartAnswered
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Key, Projection, Rows
from consumers.transactions.facts import METADATA
from consumers.transactions.rows import TRANSACTIONS
from schemas.identity import folded_token

REMOTE_STARTS = Table(
    "remote_starts",
    METADATA,
    station(),
    key("epoch"),
    key("sequence"),
    words("command", "id of the command that asked; null: none, but somebody's own frame"),
    words("token", "that it is to be started with, with A to Z as a to z"),
    whole("evse", "that was asked for (2.x); null: any"),
    whole("connector", "that was asked for (1.6); null: any"),
    whole("remote_start", "the id that the transaction is to give back (2.x)"),
    words("transaction_id", "of the transaction that had begun already, as the answer says (2.x)"),
    words("status", "Accepted or Rejected; null: the station answered with an error"),
    time("observed_ms", "when the gateway read the answer"),
    Index("remote_starts_by_id", "station", "remote_start", "observed_ms"),
    comment="Every answer to a remote start: append-only.",
)
# A driver needs some minutes to plug in; after that the station has given up (ConnectionTimeOut of
# 1.6, EVConnectionTimeOut of 2.x, are a minute or two).
WINDOW_MS = 300_000


def group(fact: Fact) -> Key | None:
    """The remote starts of a station."""
    return (fact.at.station,) if isinstance(fact, RemoteStartAnswered) else None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The row of one answer, beside those that are there."""
    if not isinstance(fact, RemoteStartAnswered):
        return rows
    row = {
        "station": fact.at.station,
        "epoch": fact.at.epoch,
        "sequence": fact.at.sequence,
        "command": fact.command,
        "token": None if fact.token is None else folded_token(fact.token),
        "evse": fact.evse,
        "connector": fact.connector,
        "remote_start": fact.remote_start,
        "transaction_id": fact.transaction,
        "status": fact.status,
        "observed_ms": fact.at.observed_ms,
    }
    name = REMOTE_STARTS.name
    return {**rows, name: (*rows.get(name, ()), row)}


PROJECTION = Projection(
    topics=("remote-control",),
    tables=(REMOTE_STARTS,),
    group=group,
    evolve=evolve,
    joins=True,
    appended=frozenset({REMOTE_STARTS.name}),
)


def command() -> Label[str | None]:
    """The column `command` of a SELECT from transactions: the id of the command that began each.

    A transaction of 2.x names the remote start that it comes from. Of 1.6 it is the last one that
    the station accepted, for the same token and that connector or any, within five minutes before
    the start; of one that was told after an outage nobody knows. A central system may use an id of
    a remote start again: then it is the last one before the transaction's last frame.
    """
    of, start = TRANSACTIONS.c, REMOTE_STARTS.c
    last = (
        select(start.command)
        .where(start.station == of.station)
        # The index leads to it, also where the id is null.
        .order_by(start.observed_ms.desc(), start.epoch.desc(), start.sequence.desc())
        .limit(1)
        .correlate(TRANSACTIONS)
    )
    named = last.where(
        start.remote_start == of.remote_start,
        # The answer may come after the first frames, where a vehicle was plugged in already.
        start.observed_ms <= of.last_observed_ms + WINDOW_MS,
    )
    guessed = last.where(
        start.remote_start.is_(None),
        start.status == "Accepted",
        # As the database folds: tokens have no letters beyond ASCII that differ in case alone.
        func.lower(start.token) == func.lower(of.token),
        (start.connector == of.connector) | start.connector.is_(None),
        start.observed_ms.between(of.begin_observed_ms - WINDOW_MS, of.begin_observed_ms),
    )
    is_named = of.remote_start.is_not(None)
    return case((is_named, named.scalar_subquery()), else_=guessed.scalar_subquery()).label(
        "command"
    )
