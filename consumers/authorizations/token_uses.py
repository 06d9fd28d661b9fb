"""What each token is used for: which transactions, where, and what their stations were told."""

from sqlalchemy import Index, Table, Text

from consumers.authorizations.tokens import METADATA, compared, is_free
from consumers.meaning.facts import (
    At,
    Fact,
    TransactionAnswered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Key, Projection, Row, Rows, found, newer, order, put

TOKEN_USES = Table(
    "token_uses",
    METADATA,
    station(),
    key("transaction_id", Text, "as the station and the gateway call it: unique for a station"),
    words("token", "the first token told, as it is compared; null: none"),
    words("spelling", "that token as the station wrote it"),
    words("token_type", "its type (2.x)"),
    time("token_ms", "when the gateway saw it"),
    words("token_event_id", "the event that told it"),
    whole("token_epoch", "order of that event"),
    whole("token_sequence", "order of that event"),
    whole("evse", "where it began (2.x)"),
    whole("connector", "where it began"),
    whole("place", "what takes one transaction at a time: the EVSE, or the connector of 1.6"),
    time("begun_ms", "when the gateway first saw it begin"),
    whole("begun_epoch", "order of that"),
    whole("begun_sequence", "order of that"),
    whole("last_epoch", "order of the last start: a repetition, or the same id once more"),
    whole("last_sequence", "order of the last start"),
    time("ended_ms", "when the gateway saw its last stop; null: none yet"),
    whole("ended_epoch", "order of that stop"),
    whole("ended_sequence", "order of that stop"),
    words("status", "what the station was first told of the token"),
    words("token_group", "and of its group"),
    whole("answered_epoch", "order of that answer"),
    whole("answered_sequence", "order of that answer"),
    Index("token_uses_by_token", "token", "token_ms"),
    # So it takes no time to see that none came later, however many there were before.
    Index("token_uses_by_place", "station", "place", "last_epoch", "last_sequence"),
    comment="One row for each id of a transaction, for deciding about tokens. The table of "
    "transactions says what became of each.",
)


def _group(fact: Fact) -> Key | None:
    match fact:
        case TransactionStarted(transaction=str(name)) | TransactionStopped(transaction=str(name)):
            pass
        case TransactionUpdated(transaction=str(name), token=str()):
            pass
        case TransactionAnswered(transaction=str(name), status=str()):
            pass
        case _:
            return None
    return fact.at.station, name


def _evolve(rows: Rows, fact: Fact) -> Rows:
    """Each part of the row is from the first, or the last, fact that tells it."""
    key = _group(fact)
    assert key is not None, "the group has chosen"
    row, at = found(rows, TOKEN_USES, key), fact.at
    match fact:
        case TransactionStarted() | TransactionUpdated():
            row = _begun(row, fact)
        case TransactionStopped() if newer(row, at, "ended_"):
            row = row | {"ended_ms": at.observed_ms} | order(at, "ended_")
        case TransactionAnswered() if _older(row, at, "answered_"):
            said = {"status": fact.status, "token_group": fact.group}
            row = row | said | order(at, "answered_")
    return put(rows, TOKEN_USES, row)


def _begun(row: Row, fact: TransactionStarted | TransactionUpdated) -> Row:
    at = fact.at
    token = compared(fact.token)
    wanted = token is not None and not is_free(fact.token, fact.token_type)
    if wanted and _older(row, at, "token_"):
        said = {"token": token, "spelling": fact.token, "token_type": fact.token_type}
        row = row | said | {"token_ms": at.observed_ms, "token_event_id": at.event_id}
        row |= order(at, "token_")
    if _older(row, at, "begun_"):
        place = fact.connector if fact.evse is None else fact.evse
        where = {"evse": fact.evse, "connector": fact.connector, "place": place}
        row = row | where | {"begun_ms": at.observed_ms} | order(at, "begun_")
    if isinstance(fact, TransactionStarted) and newer(row, at, "last_"):
        row = row | order(at, "last_")
    return row


def _older(row: Row, at: At, prefix: str) -> bool:
    """Whether a fact comes before the one that these columns are from, if they have one."""
    epoch = row[f"{prefix}epoch"]
    return epoch is None or (at.epoch, at.sequence) < (epoch, row[f"{prefix}sequence"])


USED = Projection(
    topics=("transactions",), tables=(TOKEN_USES,), group=_group, evolve=_evolve, joins=True
)
