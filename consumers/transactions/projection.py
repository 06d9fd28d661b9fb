"""The transactions of all stations: one row each, whatever the version, whatever went wrong."""

from consumers.meaning.facts import (
    Fact,
    TransactionAnswered,
    TransactionMetered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.tables.projections import Consumer, Key, Projection, Rows
from consumers.transactions import remote_starts, unnamed_readings
from consumers.transactions.facts import TRANSACTION_FACTS, remember
from consumers.transactions.rows import TRANSACTIONS, transactions
from consumers.transactions.runs import NO_ID, is_unusable


def group(fact: Fact) -> Key | None:
    """Station and transaction id, to which all rows of that id belong: usually one.

    A start, update or stop that names no transaction belongs to the place where it happened, as
    far as that was told. Readings that name none say nothing of transactions.
    """
    match fact:
        case TransactionStarted() | TransactionUpdated() | TransactionStopped():
            place = fact.connector if fact.evse is None else fact.evse
            name = fact.transaction or f"{NO_ID}{'' if place is None else place}"
        case TransactionAnswered(transaction=str(name)) if name:
            pass
        case TransactionMetered(transaction=name) if name and not is_unusable(name):
            pass
        case _:
            return None
    return fact.at.station, name


def evolve(rows: Rows, fact: Fact) -> Rows:
    """What is remembered after one more fact; the very same rows where nothing changes."""
    assert isinstance(
        fact,
        TransactionStarted
        | TransactionUpdated
        | TransactionStopped
        | TransactionAnswered
        | TransactionMetered,
    ), "group has chosen"
    key = group(fact)
    assert key is not None
    return remember(rows, key[1], fact)


def derive(rows: Rows) -> Rows:
    """The rows of a group with its transactions, from all that is remembered of them."""
    return {**rows, TRANSACTIONS.name: transactions(rows[TRANSACTION_FACTS.name])}


PROJECTION = Projection(
    topics=("transactions", "metering"),
    tables=(TRANSACTIONS, TRANSACTION_FACTS),
    group=group,
    evolve=evolve,
    derive=derive,
    joins=True,
    published=frozenset({TRANSACTIONS.name}),
)
CONSUMER = Consumer(
    "transactions", (PROJECTION, remote_starts.PROJECTION, unnamed_readings.PROJECTION)
)
