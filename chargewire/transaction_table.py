"""Transactions as a person, a spreadsheet or a program wants to read them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from chargewire.presence import ago

Row = Mapping[str, Any]
_MARK = " …"  # after what is still growing


def table(rows: Iterable[Row], now_ms: int) -> list[list[str]]:
    """Rows of texts, a heading first. Times are the station's, in UTC; energy is in kWh.

    What an open transaction has so far is followed by an ellipsis.
    """
    cells = [
        *(["STATION", "TRANSACTION", "AT", "TOKEN", "BEGIN", "DURATION", "KWH", "STATE", "ODD"],),
    ]
    for row in rows:
        place = [str(row[name]) for name in ("evse", "connector") if row[name] is not None]
        cells.append(
            [
                row["station"],
                row["transaction_id"] + (f" #{row['ordinal']}" if row["ordinal"] > 1 else ""),
                ".".join(place),
                row["token"] or "",
                minute(row["begin_ms"]),
                _duration(row, now_ms),
                _kwh(row),
                _state(row),
                row["anomalies"],
            ]
        )
    return cells


def record(row: Row) -> dict[str, Any]:
    """A row for programs: all columns, but times as ISO 8601 text (UTC), without _ms in the name.

    Only a duration stays in milliseconds.
    """
    made: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("_ms") and name != "duration_ms":
            made[name.removesuffix("_ms")] = None if value is None else iso(value)
        else:
            made[name] = value
    return made


def cell(value: Any) -> str:
    """A value in a CSV file: empty for null, a number without exponent, true and false."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def iso(ms: int) -> str:
    """Epoch milliseconds as ISO 8601; as their number where no calendar has them."""
    try:
        seconds = datetime.fromtimestamp(ms // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return str(ms)
    return f"{seconds:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def minute(ms: int | None) -> str:
    """Epoch milliseconds, to the minute."""
    return "" if ms is None else iso(ms)[:16].replace("T", " ")


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


def _state(row: Row) -> str:
    if row["state"] == "open":
        return row["charging_state"] or "open"
    return row["reason"] or "ended"
