"""`chargewire readings export`: meter readings in a file to take away, however many there are."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from chargewire.options import config_option, settings
from chargewire.readings.filters import FILTERS, filters, statement
from chargewire.tables.listing import DATA, STORE
from consumers.config import Config, completed

ROWS_AT_ONCE = 50_000
"""Rows in memory, and in a row group of Parquet."""
_CONSUMER = "meter-readings"
_TERMINAL_S, _LINE_S = 0.5, 10.0


@click.command(short_help="Take readings away in a file: Parquet or CSV.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@filters
@STORE
@DATA
@config_option
def export(file: Path, **flags: Any) -> None:
    """Take readings away in a file, .parquet or .csv by its name, and tell how far that is.

    Until all of it is written the file is called FILE.part. In Parquet, times are timestamps in UTC
    and values decimal128(38, 9); a value that does not fit is null, and stands in value_text. It
    needs: pip install 'chargewire[parquet]'.

    \b
    Examples:
      chargewire readings export all.parquet
      chargewire readings export november.csv --station CW-0001 --since 2026-11-01
    """
    wanted = {name: flags.pop(name) for name in FILTERS}
    store = completed(_CONSUMER, settings(Config, flags)).store
    from sqlalchemy import func, select  # noqa: PLC0415 - databases are slow to import

    from chargewire.readings.files import whole  # noqa: PLC0415
    from chargewire.tables.store import read, read_parts  # noqa: PLC0415
    from consumers.meter_readings.projection import METER_READINGS  # noqa: PLC0415

    query = statement(**wanted)
    try:
        with whole(file, METER_READINGS) as out:
            counted: list[int] = []
            counting = select(func.count().label("rows")).select_from(
                query.order_by(None).subquery()
            )
            read(store, _CONSUMER, counting, lambda row: counted.append(row["rows"]))
            progress = Progress(counted[0], time.monotonic, sys.stderr)

            def take(rows: Sequence[Any]) -> None:
                out.write(rows)
                progress.more(len(rows))

            read_parts(store, _CONSUMER, query, take, ROWS_AT_ONCE)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror or error}") from error
    progress.end(str(file))
    for note in out.notes:
        click.echo(note, err=True)


class Progress:
    """Tells how many rows are done, of how many, and how fast: over one line on a terminal."""

    def __init__(self, whole: int, now_s: Callable[[], float], out: Any) -> None:
        self._whole, self._now_s, self._out = whole, now_s, out
        self._every_s = _TERMINAL_S if out.isatty() else _LINE_S
        self._begun_s = self._told_s = now_s()
        self.done = 0

    def more(self, rows: int) -> None:
        """So many rows more are done."""
        self.done += rows
        now_s = self._now_s()
        if now_s - self._told_s >= self._every_s:
            self._told_s = now_s
            self._tell(self._so_far(now_s - self._begun_s), is_last=False)

    def end(self, where: str) -> None:
        """All are done, and stand in a file."""
        took_s = self._now_s() - self._begun_s
        self._tell(
            f"{self.done} rows written to {where} ({took_s:.1f} s, {self._rate(took_s)} rows/s)",
            is_last=True,
        )

    def _so_far(self, took_s: float) -> str:
        whole = max(self._whole, self.done)  # rows may have come since these were counted
        rate = self._rate(took_s)
        left = f", {(whole - self.done) / rate:.0f} s left" if rate else ""
        return f"{self.done} of {whole} rows ({self.done / whole:.0%}), {rate} rows/s{left}"

    def _rate(self, took_s: float) -> int:
        return round(self.done / took_s) if took_s > 0 else 0

    def _tell(self, line: str, *, is_last: bool) -> None:
        if not self._out.isatty():
            click.echo(line, self._out)
        else:
            click.echo(f"\r\x1b[K{line}", self._out, nl=is_last)
