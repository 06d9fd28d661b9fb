"""The stations' books in a file, a line of JSON for each CALL, command, transaction and absence."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.topics import partition
from tests.end_to_end.chaos.charger import Transaction
from tests.end_to_end.commanded import Heard
from tests.end_to_end.gateways import PARTITIONS
from tests.end_to_end.load import Said
from tests.station import Entry


class Pen:
    """Writes the books."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def write(self, kind: str, **told: Any) -> None:
        self._file.write(json.dumps({"of": kind} | told) + "\n")

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Call:
    """One CALL: what was said and heard, when, and for which deed of the station."""

    said: Said
    deed: int
    kept: bool
    sent_s: float
    answered_s: float | None


@dataclass(slots=True)
class Ledger:
    """All books, read again; `away_s` are the times without a connection, as (from, how long)."""

    calls: list[Call] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    away_s: list[tuple[float, float]] = field(default_factory=list)

    def said(self, number: int) -> list[Said]:
        """What the stations of one partition said."""
        return [one.said for one in self.calls if _home(one.said.station) == number]


def read(path: Path) -> Ledger:
    """Read the books of stations that have ended."""
    ledger = Ledger()
    for told in _lines(path):
        match told.pop("of"):
            case "call":
                entry = Entry(told["id"], told["action"], told["payload"], told["answer"])
                said = Said(told["station"], entry)
                times = told["sent_s"], told["answered_s"]
                ledger.calls.append(Call(said, told["deed"], told["kept"], *times))
            case "heard":
                ledger.heard.append(Heard(**told))
            case "transaction":
                ledger.transactions.append(Transaction(**told))
            case "away":
                ledger.away_s.append((told["from_s"], told["for_s"]))
    return ledger


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        for line in file:
            yield json.loads(line)


def _home(station: str) -> int:
    return partition(station.encode(), PARTITIONS)
