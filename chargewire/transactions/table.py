"""Transactions as a person wants to read them."""

from collections.abc import Iterable

from chargewire.stations.presence import ago
from chargewire.tables.rows import Row, minute, numbered, place

_MARK = " …"  # after what is still growing


def table(rows: Iterable[Row], now_ms: int) -> list[list[str]]:
    """Rows of texts, a heading first. Times are the station's, in UTC; energy is in kWh.

    What an open transaction has so far is followed by an ellipsis. STATE, CHARGING, REASON and ODD
    are the columns state, charging_state, reason and anomalies, word for word.
    """
    cells = [
        [
            *("STATION", "TRANSACTION", "AT", "TOKEN", "BEGIN", "DURATION", "KWH"),
            *("STATE", "CHARGING", "REASON", "ODD"),
        ]
    ]
    for row in rows:
        cells.append(
            [
                row["station"],
                numbered(row, "transaction_id"),
                place(row),
                row["token"] or "",
                minute(row["begin_ms"]),
                _duration(row, now_ms),
                _kwh(row),
                row["state"],
                (row["charging_state"] or "") if row["state"] == "open" else "",
                row["reason"] or "",
                row["anomalies"],
            ]
        )
    return cells


def _duration(row: Row, now_ms: int) -> str:
    if row["duration_ms"] is not None:
        return ago(row["duration_ms"])
    began = row["begin_observed_ms"]
    return ago(now_ms - began) + _MARK if row["state"] == "open" and began is not None else ""


def _kwh(row: Row) -> str:
    energy, mark = row["energy_wh"], ""
    begin, last = row["meter_begin_wh"], row["meter_last_wh"]
    if row["state"] == "open" and begin is not None and last is not None and last >= begin:
        energy, mark = last - begin, _MARK
    return "" if energy is None else f"{energy / 1000:.3f}{mark}"
