"""What the commands that list a consumer's table have alike: options, and the forms of a list."""

import csv
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import msgspec

from chargewire.log.summary import safe
from chargewire.log.tail import since_ms
from chargewire.options import config_option, settings
from chargewire.tables.layout import columns
from chargewire.tables.rows import Row, cell, record
from consumers.config import Config, completed

_F = TypeVar("_F", bound=Callable[..., Any])

AS_OBJECTS = click.option(
    "--json", "as_objects", is_flag=True, help="One JSON object a line, complete."
)
AS_CSV = click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, complete.")
STORE = click.option(
    "--store", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/DATABASE."
)
DATA = click.option("--data", metavar="FOLDER", help="Where the file is, when no store is named.")


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


def listing_options(command: _F) -> _F:
    """Give a command --station and --since, and what `show` takes."""
    for option in reversed(
        (
            click.option("--station", metavar="STATION", help="Only those of one station."),
            click.option(
                "--since", type=Since(), help="Only those of which something came since then."
            ),
            *(AS_OBJECTS, AS_CSV, STORE, DATA, config_option),
        )
    ):
        command = option(command)
    return command


def show(  # noqa: PLR0913 - the latter are options
    consumer: str,
    select: Callable[[], Any],
    table: Callable[[Sequence[Row], int], Sequence[Sequence[str]]],
    *,
    nothing: str,
    as_objects: bool,
    as_csv: bool,
    **flags: Any,
) -> None:
    """Print what a SELECT finds in the store of a consumer.

    `select` makes it: once the options are known to be good, since databases are slow to import.
    `table` makes of rows, and of now in epoch milliseconds, rows of texts with a heading. `nothing`
    is said where there are none.
    """
    if as_objects and as_csv:
        raise click.UsageError("--json or --csv, not both")
    from chargewire.tables.store import read  # noqa: PLC0415

    store, statement = completed(consumer, settings(Config, flags)).store, select()
    if as_objects:
        encode = msgspec.json.Encoder(decimal_format="number").encode
        read(store, consumer, statement, lambda row: click.echo(encode(record(row))))
    elif as_csv:
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(record(dict.fromkeys(statement.selected_columns.keys())))
        read(store, consumer, statement, lambda row: out.writerow(map(cell, record(row).values())))
    else:
        found: list[Row] = []
        read(store, consumer, statement, found.append)
        if not found:
            click.echo(nothing, err=True)
            return
        for line in columns([[*map(safe, cells)] for cells in table(found, _now_ms())]):
            click.echo(line)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
