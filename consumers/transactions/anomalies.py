"""What is odd about a transaction, by name: it is flagged, never left out."""

from collections.abc import Mapping
from types import MappingProxyType

from consumers.tables.projections import Row
from consumers.transactions import sequences
from consumers.transactions.runs import NO_ID, UNUSABLE, Run, place, same

ANOMALIES: Mapping[str, str] = MappingProxyType(
    {
        "stop_without_start": "It was stopped, and its start is not in the log.",
        "no_start": "It goes on, and its start is not in the log.",
        "stop_before_start": "The stop came before the start.",
        "another_start": "It began under an id that was in use: the second row of that id.",
        "second_stop": "A second stop says something else; the first one counts.",
        # That may be right: with one of the same group. Groups are known to authorizations alone.
        "other_stop_token": "It was stopped with another token, of the same group or not.",
        "id_missing": "The station told no transaction id.",
        "id_zero": "The station told 0 as the transaction id, which names none.",
        "id_minus_one": "The station told -1 as the transaction id, which names none.",
        "id_max": "The station told 2^63-1 as the transaction id, which names none.",
        "meter_begin_missing": "The start had no reading: what a stop or update tells stands in.",
        "meter_end_missing": "The stop had no reading: the last one that was told stands in.",
        "meter_backwards": "The meter is lower afterwards than before: the energy is not known.",
        "clock_1970": "The station's clock was not set.",
        "clock_future": "The station's clock was ahead of the gateway's by more than 5 minutes.",
        "clock_unreadable": "A time of the station could not be read.",
        "clock_backwards": "It ended before it began, by the station's clock.",
        "delivered_late": "Start or stop came more than 5 minutes after it happened.",
        "seq_gap": "Sequence numbers are missing (2.x).",
        "seq_repeated": "Sequence numbers came again (2.x).",
        "seq_disordered": "Sequence numbers came after higher ones (2.x).",
        "update_after_stop": "It went on after its end (2.x).",
        "reading_after_stop": "MeterValues came after its end.",
    }
)
"""Name -> what it means; rows list theirs in this order."""

UNSET_MS = 1_262_304_000_000  # before 2010 there was no OCPP 1.6: such a clock was never set
TOLERANCE_MS = 300_000


def clock(row: Row) -> str:
    """How the station's clock was at a start or stop: the name of an anomaly, empty when right."""
    if row["told_ms"] is None:
        return "clock_unreadable"
    if row["told_ms"] < UNSET_MS:
        return "clock_1970"
    return "clock_future" if row["told_ms"] > row["observed_ms"] + TOLERANCE_MS else ""


def anomalies(run: Run, row: Row) -> list[str]:
    """The names of what is odd about a run of facts, and the row that comes of it."""
    found = _order(run) | _numbers(row)
    for told in (run.start, run.stop):
        if told is not None:
            found |= {clock(told)}
            if not clock(told) and told["observed_ms"] - told["told_ms"] > TOLERANCE_MS:
                found.add("delivered_late")
    begin, end = row["meter_begin_wh"], row["meter_end_wh"]
    after = row["meter_last_wh"] if run.stop is None else end
    checks = {
        "other_stop_token": _folded(row["token"]) != _folded(row["stop_token"])
        and bool(row["token"] and row["stop_token"]),
        "meter_begin_missing": run.start is not None and run.start["meter_wh"] is None,
        "meter_end_missing": run.stop is not None and run.stop["meter_wh"] is None,
        "meter_backwards": begin is not None and after is not None and after < begin,
        "clock_backwards": row["begin_ms"] is not None
        and row["end_ms"] is not None
        and row["end_ms"] < row["begin_ms"],
        "seq_gap": bool(row["seq_missing"]),
        "seq_repeated": bool(row["seq_repeated"]),
        "seq_disordered": bool(row["seq_disordered"]),
    }
    found |= {name for name, is_so in checks.items() if is_so}
    return [name for name in ANOMALIES if name in found]


def _order(run: Run) -> set[str]:
    start, stop = run.start, run.stop
    checks = {
        "stop_without_start": start is None and stop is not None,
        "no_start": start is None and stop is None,
        "another_start": run.another,
    }
    if stop is not None:
        ended = place(stop)
        checks |= {
            "stop_before_start": start is not None and ended < place(start),
            "second_stop": any(not same(stop, other) for other in run.stops),
            "update_after_stop": any(_is_after(row, stop) for row in run.updates),
            "reading_after_stop": any(place(row) > ended for row in run.readings),
        }
    return {name for name, is_so in checks.items() if is_so}


def _is_after(update: Row, stop: Row) -> bool:
    """By their sequence numbers, or where these do not tell by their places in the log."""
    numbers, last = sequences.read(update["seq_nos"]), sequences.read(stop["seq_nos"])
    if numbers and last and numbers[-1][1] != last[-1][1]:
        return numbers[-1][1] > last[-1][1]
    return place(update) > place(stop)


def _numbers(row: Row) -> set[str]:
    name = row["transaction_id"]
    if name.startswith(NO_ID):
        return {"id_missing"}
    return {UNUSABLE[name]} if name in UNUSABLE and not row["own"] else set()


def _folded(token: str | None) -> str:
    """Tokens are compared without regard to case (OCPP 1.6, 7.28)."""
    return (token or "").casefold()
