"""Computes the rows of transactions from what was told of them."""

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Boolean, Column, Index, Table, Text

from consumers.tables.columns import exact, key, station, time, whole, words
from consumers.tables.projections import Row
from consumers.transactions import sequences
from consumers.transactions.anomalies import anomalies, clock
from consumers.transactions.facts import METADATA, rank
from consumers.transactions.runs import Run, first_told, place, runs, same

TRANSACTIONS = Table(
    "transactions",
    METADATA,
    station(),
    key("transaction_id", Text, "as the station and the gateway call it: unique for a station"),
    key("ordinal", doc="from 1; higher ones are flagged another_start"),
    words("id", "fleet-wide: a UUID of what the transaction is known by"),
    Column("own", Boolean, comment="whether the station made up transaction_id (2.x)"),
    words("state", "open or ended"),
    whole("evse", "from 2.x on"),
    whole("connector", "as told"),
    words("token", "that it was begun with"),
    words("token_type", "from 2.x on"),
    words("token_group", "that the token belongs to, as the station was told"),
    words("status", "what the station was last told of the token before the stop"),
    words("stop_token", "that it was stopped with"),
    time("begin_ms", "when it began, by the station's clock"),
    words("begin_text", "the same as sent, where the milliseconds do not say all of it"),
    time("begin_observed_ms", "when the gateway first saw the start"),
    time("end_ms", "when it ended, by the station's clock"),
    words("end_text", "the same as sent, where the milliseconds do not say all of it"),
    time("end_observed_ms", "when the gateway first saw the stop"),
    whole("duration_ms", "null while open, and where one clock did not tell both times"),
    exact("meter_begin_wh", "the energy meter at the beginning"),
    exact("meter_end_wh", "the energy meter at the end"),
    exact("meter_last_wh", "the last reading in between or afterwards"),
    time("meter_last_ms", "the station's time of that"),
    exact("energy_wh", "for the bill: null while open, and never negative"),
    words("reason", "why it was stopped"),
    words("charging_state", "the last one told (2.x)"),
    Column("offline", Boolean, comment="whether some of it happened offline, as the station says"),
    whole("reservation", "the id of the reservation that it used"),
    whole("remote_start", "the id that the remote start gave which began it (2.x)"),
    whole("start_repeats", "how often the start came again"),
    whole("stop_repeats", "how often the stop came again"),
    whole("updates", "how many updates came (2.x)"),
    whole("seq_first", "the lowest sequence number (2.x)"),
    whole("seq_last", "the highest sequence number (2.x)"),
    whole("seq_missing", "how many between these never came (2.x)"),
    whole("seq_repeated", "how many came again (2.x)"),
    Column("seq_disordered", Boolean, comment="whether one came after a higher one (2.x)"),
    words("anomalies", "names of what is odd, with a blank between them; empty: nothing"),
    whole("first_epoch", "where the first frame stands in the log"),
    whole("first_sequence", "where the first frame stands in its connection"),
    whole("last_epoch", "where the last frame stands in the log"),
    whole("last_sequence", "where the last frame stands in its connection"),
    time("last_observed_ms", "when the gateway saw the last frame"),
    Index("transactions_by_id", "id"),
    Index("transactions_by_begin", "begin_observed_ms"),
    Index("transactions_by_state", "state", "station"),
    comment="One row for each transaction of any OCPP version",
)
OPEN, ENDED = "open", "ended"

_NAMESPACE = uuid.UUID("5a1c6f1e-6b0a-5d0f-9c55-0d6f3f1f6a16")


def transactions(facts: Sequence[Row]) -> tuple[Row, ...]:
    """The rows of a group, from all that is remembered of it, in the order of their beginning.

    None where there are only readings and answers: a transaction is begun by what tells so.
    """
    names: Counter[str] = Counter()
    rows = []
    for ordinal, run in enumerate(runs(facts), start=1):
        name = _name(run)
        names[name] += 1
        rows.append(_row(run, ordinal, _id(name, names[name])))
    return tuple(rows)


def _row(run: Run, ordinal: int, fleet_wide: str) -> Row:
    told, start, stop = run.told, run.start or {}, run.stop or {}
    row = {
        "station": told[0]["station"],
        "transaction_id": told[0]["transaction_id"],
        "ordinal": ordinal,
        "id": fleet_wide,
        "own": run.own,
        "state": ENDED if stop else OPEN,
        "stop_token": stop.get("token"),
        "begin_ms": start.get("told_ms"),
        "begin_text": start.get("told_text"),
        "begin_observed_ms": start.get("observed_ms"),
        "end_ms": stop.get("told_ms"),
        "end_text": stop.get("told_text"),
        "end_observed_ms": stop.get("observed_ms"),
        "duration_ms": _duration_ms(run),
        "reason": stop.get("reason"),
        "charging_state": _last(told, "charging_state", "state").get("charging_state"),
        "offline": any(row["offline"] for row in told),
        "start_repeats": max(len(run.starts) - 1, 0),
        "stop_repeats": sum(same(stop, other) for other in run.stops) - 1 if stop else 0,
        "updates": sum(row["frames"] for row in run.updates),
        **{name: first_told(told, name) for name in ("evse", "connector", "reservation")},
        "remote_start": first_told(told, "remote_start"),
        **_token(run),
        **_energy(run),
        **_sequence_numbers(told),
        **_places(run),
    }
    return row | {"anomalies": " ".join(anomalies(run, row))}


def _name(run: Run) -> str:
    """What a transaction is known by: the station's own id, or else what its start said.

    Of one whose start never came it is what the stop said.
    """
    told = run.told[0]
    if run.own:
        return json.dumps([told["station"], told["transaction_id"]])
    said = run.start or run.stop
    assert said is not None, "only 2.x has updates"
    time, meter = said["told_text"] or said["told_ms"], said["meter_wh"]
    parts = [said["station"], said["connector"], said["token"], time]
    parts.append(None if meter is None else format(meter.normalize(), "f"))
    return json.dumps(parts if run.start else [*parts, told["transaction_id"]])


def _id(name: str, number: int) -> str:
    return str(uuid.uuid5(_NAMESPACE, name if number == 1 else f"{name} {number}"))


def _token(run: Run) -> Row:
    """Token at the beginning, which an update may tell later, and what was said of it."""
    begun = min(
        (row for row in run.starts + run.updates if row["token"]),
        key=lambda row: rank(row, "token"),
        default=run.start or {},
    )
    stop = run.stop
    heard = [row for row in run.answers if stop is None or place(row) < place(stop)] or run.answers
    answer = heard[-1] if heard else {}
    return {
        "token": begun.get("token"),
        "token_type": begun.get("token_type"),
        "token_group": answer.get("token_group"),
        "status": answer.get("status"),
    }


def _energy(run: Run) -> Row:
    """The meter, and the energy between its readings.

    Where the start had none it is that of the beginning as a stop tells it, or the first reading
    that is known; and where the stop had none, the last one: then rather less energy is on the bill
    than more, and it is flagged. Of a meter that ran backwards nobody knows the energy: it is null.
    """
    last = _last(run.updates + run.readings, "last_meter_wh", "last_meter")
    first = min(
        (row for row in run.updates if row["meter_wh"] is not None),
        key=lambda row: rank(row, "meter"),
        default={},
    )
    begin: Decimal | None = (run.start or {}).get("meter_wh")
    if begin is None:
        begin = (run.stop or {}).get("begin_wh")
    if begin is None:
        begin = first.get("meter_wh")
    end: Decimal | None = None
    if run.stop is not None:
        end = run.stop["meter_wh"]
        end = last.get("last_meter_wh") if end is None else end
    energy = None if begin is None or end is None else end - begin
    return {
        "meter_begin_wh": begin,
        "meter_end_wh": end,
        "meter_last_wh": last.get("last_meter_wh"),
        "meter_last_ms": last.get("last_meter_ms"),
        "energy_wh": energy if energy is not None and energy >= 0 else None,
    }


def _last(rows: Sequence[Row], column: str, what: str) -> Row:
    """The row that tells the last value of a column; an empty one if none does."""
    told = (row for row in rows if row[column] is not None)
    return max(told, key=lambda row: rank(row, what), default={})


def _duration_ms(run: Run) -> int | None:
    if run.start is None or run.stop is None or clock(run.start) != clock(run.stop):
        return None
    begin, end = run.start["told_ms"], run.stop["told_ms"]
    return None if begin is None or end is None or end < begin else end - begin


def _sequence_numbers(told: Sequence[Row]) -> Row:
    """What came of the numbers that a 2.x station gives the events of a transaction."""
    every: sequences.Ranges = ()
    repeated, disordered = 0, False
    for row in told:
        added = sequences.read(row["seq_nos"])
        joined = sequences.union(every, added)
        repeated += sequences.size(every) + sequences.size(added) - sequences.size(joined)
        repeated += row["seq_repeated"] or 0
        disordered |= sequences.is_late(every, added) or bool(row["seq_disordered"])
        every = joined
    return {
        "seq_first": every[0][0] if every else None,
        "seq_last": every[-1][1] if every else None,
        "seq_missing": sequences.missing(every) if every else None,
        "seq_repeated": repeated if every else None,
        "seq_disordered": disordered if every else None,
    }


def _places(run: Run) -> Row:
    first = min(run.told, key=lambda row: (row["epoch"], row["sequence"]))
    last = max(run.told + run.answers + run.readings, key=place)
    return {
        "first_epoch": first["epoch"],
        "first_sequence": first["sequence"],
        "last_epoch": last["epoch"],
        "last_sequence": last["last_sequence"],
        "last_observed_ms": last["last_observed_ms"],
    }
