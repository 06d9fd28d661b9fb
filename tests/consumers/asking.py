"""Facts of tokens, short to write: issued, asked, begun, answered; and the rows of them."""

from consumers.authorizations.projection import CONSUMER
from consumers.meaning.facts import (
    At,
    AuthorizationAsked,
    TokenIssued,
    TokenRemoved,
    TransactionAnswered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.tables.projections import fold
from schemas.identity import folded_token

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z


def at(sequence, *, station="CS-1", epoch=1, observed_ms=None):
    """The place of a frame, which the gateway sees as many seconds after noon as its sequence."""
    observed_ms = NOON + 1000 * sequence if observed_ms is None else observed_ms
    return At(station, epoch, sequence, observed_ms, f"{epoch}-{sequence}-{station}")


def issued(token, offset=1, **said):
    """A record of id-tokens."""
    place = At("", offset, 0, NOON, f"id-tokens.{offset}")
    return TokenIssued(place, folded_token(token), token, **{"status": "Accepted"} | said)


def removed(token, offset):
    """A record of id-tokens without a value."""
    return TokenRemoved(At("", offset, 0, NOON, f"id-tokens.{offset}"), folded_token(token))


def authorize(sequence, token="A", *, version="1.6", token_type=None, **where):
    """Authorize."""
    place = at(sequence, **where)
    return AuthorizationAsked(place, version, "Authorize", token, token_type, NOON * 2)


def started(sequence, token="A", transaction="17", *, connector=1, evse=None, **where):
    """What a StartTransaction, or a TransactionEvent where there is an `evse`, begins."""
    token_type = where.pop("token_type", None)
    said = {"evse": evse, "connector": connector, "token": token, "token_type": token_type}
    return TransactionStarted(at(sequence, **where), transaction, **said)


def asked(start, version="1.6", token=...):
    """The question that goes with a start, or an update that names a token."""
    return AuthorizationAsked(
        start.at,
        version,
        "StartTransaction" if version == "1.6" else "TransactionEvent",
        start.token if token is ... else token,
        start.token_type,
        NOON * 2,
        start.transaction,
        start.evse,
        start.connector,
    )


def updated(sequence, token="A", transaction="17", **where):
    """TransactionEvent Updated."""
    return TransactionUpdated(at(sequence, **where), transaction, token=token)


def stopped(sequence, transaction="17", **where):
    """StopTransaction, or TransactionEvent Ended."""
    return TransactionStopped(at(sequence, **where), transaction)


def answered(sequence, status="Accepted", transaction="17", group=None, **where):
    """What a station is told of a token."""
    return TransactionAnswered(at(sequence, **where), transaction, status, group)


def tables(*facts):
    """Name of a table -> its rows, after the facts, read one after the other."""
    found = {table.name: [] for table in CONSUMER.tables}
    for projection in CONSUMER.projections:
        for rows in fold(projection, {}, facts).values():
            for name, group in rows.items():
                found[name] += group
    return found


def row(name, *facts):
    """The one row of a table that comes of facts."""
    (found,) = tables(*facts)[name]
    return found
