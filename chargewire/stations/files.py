"""Stations as an operator writes them into a file: a line for each, and what is wrong with it."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from chargewire.stations.records import quirks, registration, station_id

BETWEEN = ";"  # rules in one cell


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file: the station, and the fields of its record that it says; or what is wrong.

    A password is not a field of the record: it is hashed first.
    """

    number: int
    station: str
    given: Mapping[str, Any]
    password: str = ""
    wrong: str = ""


class WrongFile(Exception):  # noqa: N818 - a fact about a file
    """No line of the file can be understood; the text says why."""


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        found = int(text) if text.isdecimal() and text.isascii() else -1
        if not least <= found <= most:
            raise ValueError(f"{text!r} is no number from {least} to {most}")
        return found

    return number


# Column -> field of the record, and how its text is read; ranges are those of `stations put`.
_FIELDS: Mapping[str, tuple[str, Callable[[str], Any]]] = MappingProxyType(
    {
        "registration": ("registration_status", registration),
        "interval": ("boot_interval_s", _between(1, 86_400)),
        "group": ("group", str),
        "quirks": ("quirks", lambda text: quirks(one.strip() for one in text.split(BETWEEN))),
        "profile": ("security_profile", _between(0, 3)),
        "ping_interval": ("ping_interval_s", _between(0, 3600)),
    }
)
COLUMNS = ("station", *_FIELDS, "password")


def lines(file: Iterable[str]) -> Iterator[Line]:
    """The stations of a file of comma-separated values, whose first line names the columns.

    An empty cell says nothing. A station that comes again is wrong: nobody knows which is meant.
    Raises WrongFile.
    """
    reader = csv.DictReader(file, strict=True, restkey="", restval="", skipinitialspace=True)
    try:
        _check([name.strip() for name in reader.fieldnames or ()])
        seen: dict[str, int] = {}
        for cells in reader:
            texts = {name.strip(): text for name, text in cells.items() if text}
            yield _line(reader.line_num, texts, seen)
    except csv.Error as error:
        raise WrongFile(f"line {reader.line_num}: {error}") from error


def _check(names: list[str]) -> None:
    for name in names:
        if name not in COLUMNS:
            raise WrongFile(f"no column {name!r}; there are {', '.join(COLUMNS)}")
        if names.count(name) > 1:
            raise WrongFile(f"the column {name} is there twice")
    if "station" not in names:
        raise WrongFile("the first line has to name the columns, and station among them")


def _line(number: int, texts: Mapping[str, Any], seen: dict[str, int]) -> Line:
    try:
        if "" in texts:
            raise ValueError("more values than columns")
        station = station_id(texts.get("station", ""))
        if seen.setdefault(station, number) != number:
            raise ValueError(f"{station} is in line {seen[station]} already")
        given = {
            field: read(texts[name]) for name, (field, read) in _FIELDS.items() if name in texts
        }
    except ValueError as error:
        return Line(number, "", {}, wrong=str(error))
    return Line(number, station, given, texts.get("password", ""))
