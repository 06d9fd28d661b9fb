"""`chargewire readings`: what meters told, value by value."""

from collections.abc import Sequence
from typing import Any

import click

from chargewire.log.summary import clipped
from chargewire.options import config_option
from chargewire.readings.export import export
from chargewire.readings.filters import FILTERS, filters, statement
from chargewire.tables.listing import AS_CSV, AS_OBJECTS, DATA, STORE, show
from chargewire.tables.rows import Row, cell, iso, place

NEWEST = 1000
"""A table shows no more."""
_SIGNED_WIDTH = 30


@click.group(invoke_without_command=True)
@filters
@AS_OBJECTS
@AS_CSV
@STORE
@DATA
@config_option
def readings(as_objects: bool, as_csv: bool, **flags: Any) -> None:
    """Show what meters told, value by value, the oldest first; a table has the newest 1000.

    Reads the tables of `chargewire consume meter-readings`. Times are the station's own, in UTC;
    values are exact, in Wh, W, A, V and so on. What is no number, or is signed, is shown as sent.
    A frame that a station sent again is there again, but for --once.

    \b
    Examples:
      chargewire readings --station CW-0001 --since 1h
      chargewire readings --station CW-0001 --connector 1 --measurand Power.Active.Import
      chargewire readings --since 2026-11-01 --until 2026-12-01 --csv > november.csv
      chargewire readings export november.parquet --since 2026-11-01 --until 2026-12-01
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    wanted = {name: flags.pop(name) for name in FILTERS}

    def select() -> Any:
        return statement(**wanted, newest=None if as_objects or as_csv else NEWEST)

    forms = {"as_objects": as_objects, "as_csv": as_csv}
    show("meter-readings", select, table, nothing="No such reading.", **forms, **flags)


readings.add_command(export)


def table(rows: Sequence[Row], now_ms: int) -> list[list[str]]:
    """Rows of texts, a heading first."""
    if len(rows) == NEWEST:
        click.echo(f"The newest {NEWEST}; --json, --csv and export give all.", err=True)
    cells = [
        *(["STATION", "AT", "TRANSACTION", "TIME", "MEASURAND", "PHASE", "VALUE", "UNIT"],),
    ]
    for row in rows:
        told = row["told_ms"]
        cells.append(
            [
                row["station"],
                place(row),
                row["transaction_id"] or "",
                (row["told_text"] or "") if told is None else iso(told)[:19].replace("T", " "),
                row["measurand"],
                row["phase"] or "",
                _value(row),
                row["unit"] or "",
            ]
        )
    return cells


def _value(row: Row) -> str:
    if row["value"] is not None:
        return cell(row["value"])
    if row["signed"] is not None:
        return "signed: " + clipped(row["signed"], _SIGNED_WIDTH)
    return clipped(row["raw"] or "", _SIGNED_WIDTH)
