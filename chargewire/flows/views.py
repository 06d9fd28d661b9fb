"""Shows the steps of a flow: a line each, for a person or a program."""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from chargewire.flows.steps import Ask, Listed, Over, Say, Step
from chargewire.log.summary import safe
from chargewire.tables.layout import columns
from chargewire.tables.rows import cell, iso


class View:
    """Writes what a flow says as it says it.

    `form` is text, json, or csv. With `is_table` what is wanted is its table: then that alone is
    standard output in the latter two, and how it goes is told on standard error.
    """

    def __init__(
        self,
        name: str,
        station: str,
        *,
        form: str,
        is_table: bool,
        now_ms: Callable[[], int],
    ) -> None:
        self._name, self._station = name, station
        self._form, self._is_table, self._now_ms = form, is_table, now_ms
        self.asked = False  # whether the station was asked for anything yet

    def show(self, step: Step) -> None:
        match step:
            case Ask(action, payload):
                self.asked = True
                data = {"asked": action, "payload": payload}
                self._tell(f"asks for {action}", data, None)
            case Say(text, data, at_ms):
                self._tell(text, data, at_ms)
            case Listed(rows):
                self._list(rows)
            case Over(reached, text, data):
                self._tell(text, {**data, "reached": reached}, None, "green" if reached else "red")

    def _tell(
        self, text: str, data: Mapping[str, Any], at_ms: int | None, colour: str | None = None
    ) -> None:
        at = iso(self._now_ms() if at_ms is None else at_ms)
        if self._form == "json" and not self._is_table:
            told = {"at": at, "station": self._station, "flow": self._name, "said": text}
            click.echo(json.dumps({**told, **data}, ensure_ascii=False))
            return
        line = click.style(safe(text), fg=colour) if colour else safe(text)
        click.echo(f"{at[11:19]}  {line}", err=self._is_table)

    def _list(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if self._form == "json":
            if not self._is_table:
                rows = [{"station": self._station, "flow": self._name, "rows": [*rows]}]
            for row in rows:
                click.echo(json.dumps(row, ensure_ascii=False))
        elif self._form == "csv":
            out = csv.writer(sys.stdout, lineterminator="\n")
            out.writerow(rows[0] if rows else ())
            out.writerows(map(cell, row.values()) for row in rows)
        elif rows:
            cells = [[safe(cell(value)) for value in row.values()] for row in rows]
            for line in columns([[name.upper() for name in rows[0]], *cells]):
                click.echo(line)
