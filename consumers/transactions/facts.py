"""What is remembered of the facts of a transaction: enough to say at any time what it is.

The rows of transactions are computed from these, always from all of a group. So they come from
what was told, and not from the order in which it was read.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, Column, MetaData, Table, Text

from consumers.meaning.facts import (
    TransactionAnswered,
    TransactionMetered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.tables.columns import exact, key, station, time, whole, words
from consumers.tables.projections import Row, Rows, put
from consumers.transactions import sequences
from consumers.transactions.anomalies import clock

Told = (
    TransactionStarted
    | TransactionUpdated
    | TransactionStopped
    | TransactionAnswered
    | TransactionMetered
)
"""The facts that are remembered here."""

METADATA = MetaData()
TRANSACTION_FACTS = Table(
    "transaction_facts",
    METADATA,
    station(),
    key("transaction_id", Text),
    key("epoch"),
    key("sequence"),  # of the first frame; 0 in a row of readings
    key("kind", Text),
    whole("last_sequence", "of the last frame"),
    whole("frames", "how many updates stand in this row"),
    Column("own", Boolean, comment="whether the station made up the transaction's id"),
    time("observed_ms", "when the gateway saw the first frame"),
    time("last_observed_ms", "when the gateway saw the last frame"),
    time("told_ms", "the station's time, of the first frame"),
    words("told_text", "what the station wrote, where told_ms does not say all of it"),
    whole("evse", "from 2.x on"),
    whole("connector", "as told"),
    words("token", "as sent; of updates the first"),
    words("token_type", "from 2.x on"),
    whole("token_no", "the sequence number that it was told under"),
    time("token_at_ms", "when: the station's time, the gateway's where that clock was wrong"),
    exact("meter_wh", "the energy meter; of updates the first reading"),
    exact("begin_wh", "the energy meter at the beginning, as the stop tells it"),
    whole("meter_no", "as token_no"),
    time("meter_at_ms", "as token_at_ms"),
    exact("last_meter_wh", "of updates and readings the last one"),
    time("last_meter_ms", "the station's time of the last reading"),
    whole("last_meter_no", "as token_no"),
    time("last_meter_at_ms", "as token_at_ms"),
    whole("reservation", "its id; never 0"),
    whole("remote_start", "the id that a remote start gave"),
    words("reason", "why it was stopped"),
    words("charging_state", "the last one told"),
    whole("state_no", "as token_no"),
    time("state_at_ms", "as token_at_ms"),
    Column("offline", Boolean, comment="whether the station says that it happened offline"),
    words("seq_nos", "the sequence numbers told, as ranges: 0..5 7"),
    whole("seq_repeated", "how many of them came again within this row"),
    Column("seq_disordered", Boolean, comment="whether one came after a higher one in this row"),
    words("status", "what the station was told of its token"),
    words("token_group", "and the group that this belongs to"),
    comment="What was told of each transaction: starts, updates, stops, answers, readings",
)
START, UPDATE, STOP, ANSWER, READING = "start", "update", "stop", "answer", "reading"
KINDS = (START, UPDATE, STOP, ANSWER, READING)
"""The values of `kind`.

There is one row for each start, stop and answer. Updates, of which there may be thousands, share
one as long as they come on one connection and no start or stop is among them. Of the readings in
MeterValues the last of each connection is kept. What is first, and what is last, says `rank`.
"""

_BLANK: Row = dict.fromkeys(TRANSACTION_FACTS.columns.keys())
_SAID = (
    *(
        "told_ms",
        "told_text",
        "evse",
        "connector",
        "token",
        "token_type",
        "meter_wh",
        "begin_wh",
        "reservation",
    ),
    *("remote_start", "reason", "charging_state", "offline", "status"),
)
# What is told anew again and again: its column -> what the columns of its rank begin with.
_RANKED = {
    "token": "token",
    "meter_wh": "meter",
    "last_meter_wh": "last_meter",
    "charging_state": "state",
}
_FIRST = {"token": ("token", "token_type"), "meter": ("meter_wh",)}
_LAST = {"last_meter": ("last_meter_wh", "last_meter_ms"), "state": ("charging_state",)}


def remember(rows: Rows, name: str, fact: Told) -> Rows:
    """The rows of a group with what a fact adds; the very same ones where it adds nothing.

    `name` is the group's transaction_id. Starts, stops, answers and readings may come in any order
    and any number of times; updates in any order of their connections and any number of times, but
    those of one connection in their order and after the starts and stops before them. The log
    keeps to that: they are all in one topic.
    """
    known = rows.get(TRANSACTION_FACTS.name, ())
    match fact:
        case TransactionStarted():
            row: Row | None = _row(START, name, fact)
        case TransactionStopped():
            row = _row(STOP, name, fact)
        case TransactionAnswered():
            row = _row(ANSWER, name, fact)
        case TransactionUpdated():
            row = _updated(known, _row(UPDATE, name, fact))
        case TransactionMetered():
            row = _reading(known, _row(READING, name, fact))
    return rows if row is None else put(rows, TRANSACTION_FACTS, row)


def rank(row: Row, what: str) -> tuple[Any, ...]:
    """Where a token, meter, last_meter or state of a row comes among those of the other rows.

    By the sequence number that the station gave it (2.x), then by when it was told, and only then
    by its place in the log: stations that were offline deliver the new before the old. What was
    told without a number comes before all that has one.
    """
    number = row[f"{what}_no"]
    told = number is not None, number or 0, row[f"{what}_at_ms"] or 0
    return *told, row["epoch"], row["last_sequence"]


def _row(kind: str, name: str, fact: Told) -> Row:
    at = fact.at
    row = _BLANK | {said: getattr(fact, said, None) for said in _SAID}
    row |= {"station": at.station, "transaction_id": name, "kind": kind}
    row |= {"epoch": at.epoch, "sequence": at.sequence, "last_sequence": at.sequence}
    row |= {"observed_ms": at.observed_ms, "last_observed_ms": at.observed_ms, "frames": 1}
    number = getattr(fact, "seq_no", None)
    row["seq_nos"] = None if number is None else sequences.write(((number, number),))
    row["own"] = kind == UPDATE or any(
        getattr(fact, name, None) is not None
        for name in ("seq_no", "trigger", "charging_state", "remote_start")
    )
    row["reservation"] = row["reservation"] or None  # 0 means none (steve#1414)
    row["token_group"] = getattr(fact, "group", None)
    if row["meter_wh"] is not None:
        row |= {"last_meter_wh": row["meter_wh"], "last_meter_ms": row["told_ms"]}
    at_ms = row["observed_ms"] if clock(row) else row["told_ms"]
    for said, what in _RANKED.items():
        if row[said] not in (None, ""):
            row |= {f"{what}_no": number, f"{what}_at_ms": at_ms}
    return row


def _updated(known: tuple[Row, ...], new: Row) -> Row | None:
    """The row that an update makes or joins; None if it is in one already."""
    here = [row for row in known if row["epoch"] == new["epoch"] and row["kind"] != READING]
    earlier = [row for row in here if row["sequence"] <= new["sequence"]]
    rows = [row for row in earlier if row["kind"] == UPDATE]
    if not rows:
        return new
    row = max(rows, key=_sequence)
    if row["last_sequence"] >= new["sequence"]:
        return None
    if any(row["sequence"] < one["sequence"] for one in earlier if one["kind"] in (START, STOP)):
        return new
    return _joined(row, new)


def _sequence(row: Row) -> int:
    sequence: int = row["sequence"]
    return sequence


def _joined(row: Row, new: Row) -> Row:
    """A row of updates with one more, which came after them."""
    known, added = sequences.read(row["seq_nos"]), sequences.read(new["seq_nos"])
    every = sequences.union(known, added)
    more: dict[str, Any] = {
        "last_sequence": new["last_sequence"],
        "last_observed_ms": new["last_observed_ms"],
        "frames": row["frames"] + 1,
        "offline": row["offline"] or new["offline"],
        "seq_nos": sequences.write(every),
        "seq_repeated": (row["seq_repeated"] or 0) + (bool(added) and every == known),
        "seq_disordered": bool(row["seq_disordered"]) or sequences.is_late(known, added),
    }
    for first in ("evse", "connector", "reservation", "remote_start"):
        more[first] = new[first] if row[first] is None else row[first]
    for what, columns in _FIRST.items():
        if _is_told(new, what) and not (_is_told(row, what) and rank(row, what) < rank(new, what)):
            more |= _of(new, what, columns)
    for what, columns in _LAST.items():
        if _is_told(new, what) and rank(row, what) < rank(new, what):
            more |= _of(new, what, columns)
    return row | more


def _is_told(row: Row, what: str) -> bool:
    return row[f"{what}_at_ms"] is not None


def _of(row: Row, what: str, columns: Iterable[str]) -> Row:
    return {name: row[name] for name in (*columns, f"{what}_no", f"{what}_at_ms")}


def _reading(known: tuple[Row, ...], new: Row) -> Row:
    """The row of a connection's readings: where the last one stands, and the one told last.

    Of those of one time it is the highest.
    """
    new |= dict.fromkeys(("frames", "told_ms", "own", "meter_wh", "meter_at_ms")) | {"sequence": 0}
    for row in known:
        if (row["kind"], row["epoch"]) == (READING, new["epoch"]):
            best = max(row, new, key=_late)
            after = max(row, new, key=lambda one: one["last_sequence"])
            return after | _of(best, "last_meter", _LAST["last_meter"])
    return new


def _late(row: Row) -> tuple[Any, ...]:
    told_ms = row["last_meter_ms"]
    return row["last_meter_at_ms"], row["last_meter_wh"], told_ms is not None, told_ms or 0
