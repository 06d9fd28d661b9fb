"""Id tokens as an operator writes them, in options or in a file, and as records of the bus."""

import csv
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from chargewire.tables.rows import iso
from schemas.identity import folded_token

COLUMNS = ("token", "type", "status", "expires", "group", "lists")
TOLD = ("stations", "times", "first", "last")
"""What `tokens list --unknown` tells beside; an import passes over it."""

# IdTokenEnumType: OCPP 2.0.1 part 2, 3.43; the last three are new in 2.1. 1.6 has no types.
TYPES = (
    *("Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"),
    *("NoAuthorization", "DirectPayment", "EVCCID", "VIN"),
)
# AuthorizationStatusEnumType: OCPP 2.0.1 part 2, 3.4; the first five are those of 1.6.
STATUSES = (
    *("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"),
    *("NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime", "Unknown"),
)
DEFAULTS = {"type": "ISO14443", "status": "Accepted"}
_LENGTH = 255  # OCPP 2.1: identifierString[255]; 1.6 and 2.0.1 have 20 and 36
BETWEEN = ";"  # lists in one cell


class Wrong(Exception):  # noqa: N818 - what is wrong with a value
    """A value that cannot be taken: the name of its column, and why."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column}: {why}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a file: the token's record, or what is wrong with it."""

    line: int
    record: Mapping[str, Any] | None
    wrong: Wrong | None = None


def key(token: str) -> bytes:
    """The key of a token's record in Kafka."""
    return folded_token(token).encode()


def record(texts: Mapping[str, str]) -> dict[str, Any]:
    """The record of a token from texts by column; an empty one is as if it were not there.

    Raises Wrong.
    """
    if not texts.get("token"):
        raise Wrong("token", "is empty")
    return {
        "token": _token("token", texts["token"]),
        "type": word("type", texts.get("type") or DEFAULTS["type"], TYPES),
        "status": word("status", texts.get("status") or DEFAULTS["status"], STATUSES),
        "expires_at": expiry(texts.get("expires") or ""),
        "group": _token("group", texts.get("group") or "") or None,
        "lists": [
            name.strip() for name in (texts.get("lists") or "").split(BETWEEN) if name.strip()
        ]
        or None,
    }


def texts(record: Mapping[str, Any]) -> dict[str, str]:
    """The same in the other direction: column -> text, all of COLUMNS."""
    ends_ms = record["expires_at"]
    return {
        "token": record["token"],
        "type": record["type"],
        "status": record["status"],
        "expires": "" if ends_ms is None else iso(ends_ms),
        "group": record["group"] or "",
        "lists": BETWEEN.join(record["lists"] or ()),
    }


def word(column: str, text: str, known: Sequence[str]) -> str:
    """The word of OCPP that is meant, whatever its case. Raises Wrong, with the nearest one."""
    for one in known:
        if one.lower() == text.strip().lower():
            return one
    near = difflib.get_close_matches(text.strip(), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise Wrong(column, f"{text!r} is no word of OCPP; {hint}")


def expiry(text: str) -> int | None:
    """Epoch milliseconds of a day or time in ISO 8601, in UTC unless it says else. Raises Wrong."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        why = f"{text!r} is no time such as 2027-01-31 or 2027-01-31T18:00:00Z"
        raise Wrong("expires", why) from None
    return int(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000)


def rows(lines: Iterable[str], defaults: Mapping[str, str] = MappingProxyType({})) -> Iterator[Row]:
    """The tokens of a file of comma-separated values, whose first line names the columns.

    `defaults` are for cells that are empty or not there. A token that comes again is wrong: which
    of the two is meant, nobody knows. Raises Wrong where it goes no further: the columns are not
    named, or a quotation mark has no partner.
    """
    reader = csv.reader(lines, strict=True)
    heading: list[str] = []
    seen: dict[bytes, int] = {}
    while (cells := _next(reader)) is not None:
        if not any(cell.strip() for cell in cells):
            continue
        if not heading:
            heading = _heading(cells)
            continue
        try:
            found = record({**defaults, **_named(heading, cells)})
            earlier = seen.setdefault(key(found["token"]), reader.line_num)
            if earlier != reader.line_num:
                raise Wrong("token", f"{found['token']} is in line {earlier} already")
        except Wrong as wrong:
            yield Row(reader.line_num, None, wrong)
        else:
            yield Row(reader.line_num, found)


def _next(reader: Any) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise Wrong(f"line {reader.line_num}", str(error)) from error


def _heading(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for name in names:
        if name not in COLUMNS and name not in TOLD:
            near = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COLUMNS)}"
            raise Wrong(name or "(empty)", f"no such column; {hint}")
        if names.count(name) > 1:
            raise Wrong(name, "this column is there twice")
    if "token" not in names:
        raise Wrong("token", "the first line has to name the columns, and this one among them")
    return names


def _named(heading: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) > len(heading):
        raise Wrong(f"column {len(heading) + 1}", "more values than columns")
    return {name: cell for name, cell in zip(heading, cells, strict=False) if cell}


def _token(column: str, text: str) -> str:
    """The text, untouched: a blank at its end would be another token, and is no wish of anyone."""
    if text != text.strip():
        raise Wrong(column, f"{text!r} has blanks around it")
    if not text.isprintable():
        raise Wrong(column, f"{text!r} has characters that cannot be printed")
    if len(text) > _LENGTH:
        raise Wrong(column, f"{len(text)} characters, at most {_LENGTH} are allowed")
    return text
