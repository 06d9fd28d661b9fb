"""`chargewire transactions`: who charged what, when and where."""

import csv
import re
import sys
import time
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from chargewire.options import config_option, settings
from chargewire.table import columns
from chargewire.tail import since_ms
from chargewire.transaction_table import cell, record, table
from consumers.config import Config, completed

_NAME = "transactions"


class Since(click.ParamType[int]):
    """A time: a day, or so long ago."""

    name = "DAY|DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds."""
        try:
            if re.match(r"\d{4}-", str(value)):
                day = datetime.fromisoformat(str(value))
                return int(day.replace(tzinfo=day.tzinfo or UTC).timestamp() * 1000)
            found = since_ms(str(value), _now_ms())
        except ValueError:
            found = None
        if found is None:
            self.fail(f"{value!r} is none of 2026-11-21, 15m, 2h, 7d", param, ctx)
        return found


@click.command()
@click.option("--open", "is_open", is_flag=True, help="Only those that go on.")
@click.option("--odd", is_flag=True, help="Only those that something is odd about.")
@click.option("--station", metavar="STATION", help="Only those of one station.")
@click.option("--since", type=Since(), help="Only those of which something came since then.")
@click.option("--json", "as_objects", is_flag=True, help="One JSON object a line, complete.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, complete.")
@click.option("--store", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/DATABASE.")
@click.option("--data", metavar="FOLDER", help="Where the file is, when no store is named.")
@config_option
def transactions(  # noqa: PLR0913 - one for each option
    is_open: bool,
    odd: bool,
    station: str | None,
    since: int | None,
    as_objects: bool,
    as_csv: bool,
    **flags: Any,
) -> None:
    """Show who charged what, when and where, the oldest first.

    Reads the tables of `chargewire consume transactions`. Times are the station's own, in UTC;
    energy is that of the bill, and empty where nobody knows it: the last column says why. JSON and
    CSV also tell the command that began each, where it was a remote start.

    \b
    Examples:
      chargewire transactions --open
      chargewire transactions --station CW-0001 --since 7d
      chargewire transactions --since 2026-11-01 --csv > november.csv
      chargewire transactions --odd --json | jq '{station, transaction_id, anomalies}'
    """
    if as_objects and as_csv:
        raise click.UsageError("--json or --csv, not both")
    from chargewire.store import read  # noqa: PLC0415 - databases are slow to import

    store = completed(_NAME, settings(Config, flags)).store
    statement = _statement(is_open=is_open, odd=odd, station=station, since=since)
    if as_objects:
        encode = msgspec.json.Encoder(decimal_format="number").encode
        read(store, _NAME, statement, lambda row: click.echo(encode(record(row))))
    elif as_csv:
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(record(dict.fromkeys(statement.selected_columns.keys())))
        read(store, _NAME, statement, lambda row: out.writerow(map(cell, record(row).values())))
    else:
        found: list[Any] = []
        read(store, _NAME, statement, found.append)
        if not found:
            click.echo("No such transaction.", err=True)
            return
        for line in columns(table(found, _now_ms())):
            click.echo(line)


def _statement(*, is_open: bool, odd: bool, station: str | None, since: int | None) -> Any:
    from sqlalchemy import func, select  # noqa: PLC0415

    from consumers.remote_starts import command  # noqa: PLC0415
    from consumers.transaction_rows import OPEN, TRANSACTIONS  # noqa: PLC0415

    of = TRANSACTIONS.c
    statement = select(TRANSACTIONS, command())
    if is_open:
        statement = statement.where(of.state == OPEN)
    if odd:
        statement = statement.where(of.anomalies != "")
    if station is not None:
        statement = statement.where(of.station == station)
    if since is not None:
        statement = statement.where(of.last_observed_ms >= since)
    began = func.coalesce(of.begin_observed_ms, of.end_observed_ms, of.last_observed_ms)
    return statement.order_by(began, of.station, of.transaction_id, of.ordinal)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
