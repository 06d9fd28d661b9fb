"""Rows of a consumer's table as a spreadsheet or a program wants to read them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
"""Column -> value, as it stands in the table; times are `*_ms`, epoch milliseconds."""


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


def place(row: Row) -> str:
    """EVSE and connector, as far as they are known: 2.1."""
    return ".".join(str(row[name]) for name in ("evse", "connector") if row[name] is not None)


def numbered(row: Row, name: str) -> str:
    """An id that may be used again: its second row is followed by #2."""
    return f"{row[name]}" + (f" #{row['ordinal']}" if row["ordinal"] > 1 else "")
