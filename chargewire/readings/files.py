"""Files that rows of a table are taken away in: comma-separated values, or Parquet."""

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import click
from sqlalchemy import BigInteger, Boolean, Column, Table

from chargewire.tables.rows import cell, record
from consumers.tables.columns import TIME, Exact

PRECISION, SCALE = 38, 9
"""Of a decimal number in Parquet: digits in all, and behind the point."""
TEXT = "_text"
"""Follows the name of a decimal column: its number as text, where the former cannot hold it."""


class Wanted(click.ClickException):
    """A file of this form cannot be written; the text says what to do."""


class File(Protocol):
    """A file being written. `notes` tells what of the rows it says otherwise than they are."""

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows, each with the columns of the table in their order."""

    def close(self) -> None:
        """Write what is left."""

    @property
    def notes(self) -> list[str]:
        """For people; empty: nothing."""


@contextmanager
def whole(path: Path, table: Table) -> Iterator[File]:
    """A file that has its name once all of it is on disk; until then it ends in .part.

    If the block raises, the part is removed, and what was there before stays. Raises Wanted and
    OSError.
    """
    made = _FORMS.get(path.suffix.lower())
    if made is None:
        raise Wanted(f"{path.name}: the name has to end in {' or '.join(_FORMS)}")
    part = path.with_name(path.name + ".part")
    try:
        file = made(part, table)
        try:
            yield file
        finally:
            file.close()
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class CsvFile:
    """Comma-separated values, as the lists of the command line write them."""

    def __init__(self, path: Path, table: Table) -> None:
        self._names = table.columns.keys()
        self._file = path.open("w", encoding="utf-8", newline="")
        self._out = csv.writer(self._file, lineterminator="\n")
        self._out.writerow(record(dict.fromkeys(self._names)))

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows."""
        for row in rows:
            values = record(dict(zip(self._names, row, strict=True)))
            self._out.writerow(map(cell, values.values()))

    def close(self) -> None:
        """Write what is left."""
        self._file.close()

    @property
    def notes(self) -> list[str]:
        """Nothing: texts say all."""
        return []


class ParquetFile:
    """Apache Parquet: each write is a row group.

    Times are timestamps in UTC, without _ms in their name. Decimal numbers are decimal128(38, 9);
    one that does not fit is null there, and stands in a second column as text.
    """

    def __init__(self, path: Path, table: Table) -> None:
        try:
            import pyarrow  # noqa: PLC0415 - an extra, and slow to import
            import pyarrow.parquet  # noqa: PLC0415
        except ImportError as error:
            raise Wanted(
                f"Parquet needs a package that is not here: pip install 'chargewire[parquet]' "
                f"({error})"
            ) from error
        self._arrow = pyarrow
        self._number = pyarrow.decimal128(PRECISION, SCALE)
        self._columns = list(table.columns)
        fields: list[Any] = []
        for column in self._columns:
            fields += self._fields(column)
        self._schema = pyarrow.schema(fields)
        self._misfits: dict[str, int] = {}
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")

    def _fields(self, column: Column[Any]) -> list[Any]:
        arrow, name = self._arrow, column.name
        match column.type:
            case Exact():
                return [arrow.field(name, self._number), arrow.field(name + TEXT, arrow.string())]
            case BigInteger() if column.info.get(TIME):
                return [arrow.field(name.removesuffix("_ms"), arrow.timestamp("ms", tz="UTC"))]
            case BigInteger():
                return [arrow.field(name, arrow.int64(), nullable=not column.primary_key)]
            case Boolean():
                return [arrow.field(name, arrow.bool_())]
        return [arrow.field(name, arrow.string(), nullable=not column.primary_key)]

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows, as a row group."""
        arrays: list[Any] = []
        for column, values in zip(self._columns, zip(*rows, strict=True), strict=True):
            found = self._split(column, values) if isinstance(column.type, Exact) else (values,)
            for one in found:
                arrays.append(self._arrow.array(one, self._schema.field(len(arrays)).type))
        self._writer.write_table(self._arrow.table(arrays, schema=self._schema))

    def _split(
        self, column: Column[Any], values: Sequence[Decimal | None]
    ) -> tuple[list[Decimal | None], list[str | None]]:
        """Numbers that fit, and texts of those that do not."""
        numbers: list[Decimal | None] = []
        texts: list[str | None] = []
        for value in values:
            is_fit = value is None or fits(value)
            numbers.append(value if is_fit else None)
            texts.append(None if is_fit or value is None else format(value, "f"))
        count = len(texts) - texts.count(None)
        if count:
            self._misfits[column.name] = self._misfits.get(column.name, 0) + count
        return numbers, texts

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    @property
    def notes(self) -> list[str]:
        """Which columns have numbers that do not fit."""
        return [
            f"{count} numbers do not fit {name}, decimal128({PRECISION}, {SCALE}): there it is "
            f"null, and {name}{TEXT} has them"
            for name, count in self._misfits.items()
        ]


_FORMS: dict[str, Callable[[Path, Table], File]] = {".parquet": ParquetFile, ".csv": CsvFile}


def fits(value: Decimal) -> bool:
    """Whether a decimal column of Parquet holds all digits of a number."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "numbers are finite"
    return exponent >= -SCALE and value.adjusted() < PRECISION - SCALE
