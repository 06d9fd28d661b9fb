"""`chargewire tokens list` and `lists`: id tokens that are known, unknown, or held by stations."""

import csv
import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from chargewire.log.summary import safe
from chargewire.options import kafka_options, settings
from chargewire.tables.layout import columns
from chargewire.tables.listing import AS_CSV, AS_OBJECTS, DATA, STORE
from chargewire.tables.rows import Row, cell, minute, record
from chargewire.tokens.records import BETWEEN, COLUMNS, TOLD
from consumers.config import Config, completed

_CONSUMER = "authorizations"
_HELD = (
    *("station", "station_group", "ocpp_version", "connected", "state", "version", "wanted"),
    *("held", "missing", "surplus", "differing", "left_out", "status", "answered_ms", "failures"),
)
"""What an operator wants to see of the view local_lists_now."""


@click.command("list", short_help="The tokens that are known, or those that nobody knows.")
@click.option("--unknown", is_flag=True, help="Those that stations asked about in vain.")
@AS_OBJECTS
@AS_CSV
@STORE
@DATA
@kafka_options
def list_(unknown: bool, as_objects: bool, as_csv: bool, **flags: Any) -> None:
    """Show the tokens that are known; with --unknown those that stations asked about in vain.

    The former are read from the topic, the latter from the tables of `chargewire consume
    authorizations`. What --csv writes, `chargewire tokens import` reads.

    \b
    Examples:
      chargewire tokens list
      chargewire tokens list --unknown
      chargewire tokens list --csv > tokens.csv
      chargewire tokens list --unknown --csv | chargewire tokens import - --group GUESTS
    """
    made = _settings(flags, as_objects=as_objects, as_csv=as_csv)
    rows = _rows(made, _unknown()) if unknown else _known(made)
    nothing = "Nobody has asked in vain." if unknown else "No token is known yet."
    names = ("token", "type", *TOLD) if unknown else COLUMNS
    _show(rows, names, nothing, as_objects=as_objects, as_csv=as_csv)


@click.command(short_help="What each station has in its local list, and what it should have.")
@AS_OBJECTS
@AS_CSV
@STORE
@DATA
@kafka_options
def lists(as_objects: bool, as_csv: bool, **flags: Any) -> None:
    """Show how far the local authorization list of each station is.

    Reads the tables of `chargewire consume authorizations`.

    \b
    Examples:
      chargewire tokens lists
      chargewire tokens lists --json
    """
    made = _settings(flags, as_objects=as_objects, as_csv=as_csv)
    rows = _rows(made, _held())
    names = tuple(record(dict.fromkeys(_HELD)))
    _show(rows, names, "No station has a local list yet.", as_objects=as_objects, as_csv=as_csv)


def _settings(flags: dict[str, Any], *, as_objects: bool, as_csv: bool) -> Config:
    if as_objects and as_csv:
        raise click.UsageError("--json or --csv, not both")
    return settings(Config, flags)


def _known(made: Config) -> list[Row]:
    from chargewire.log import states  # noqa: PLC0415 - Kafka's client is slow to import
    from chargewire.log.reading import run  # noqa: PLC0415

    found = run(states.state(made, "id-tokens"), made.kafka)
    return [
        {
            "token": one["token"],
            "type": one["type"],
            "status": one["status"],
            "expires_ms": one["expires_at"],
            "group": one["group"],
            "lists": one["lists"] or [],
        }
        for _, one in sorted(found.items())
        if one is not None
    ]


def _unknown() -> Any:
    """One row for each token, whatever stations asked about it."""
    from sqlalchemy import BigInteger, cast, column, func, select, table  # noqa: PLC0415

    names = ("token", "spelling", "token_type", "station", "times", "first_ms", "last_ms")
    asked = table("unknown_tokens", *map(column, names))
    of = asked.c
    return (
        select(
            func.max(of.spelling).label("token"),
            func.max(of.token_type).label("type"),
            func.count(of.station.distinct()).label("stations"),
            cast(func.sum(of.times), BigInteger).label("times"),
            func.min(of.first_ms).label("first_ms"),
            func.max(of.last_ms).label("last_ms"),
        )
        .group_by(of.token)
        .order_by(func.max(of.last_ms).desc(), of.token)
    )


def _held() -> Any:
    from sqlalchemy import Boolean, column, select, table  # noqa: PLC0415

    kinds = {"connected": Boolean()}
    lists_now = table("local_lists_now", *(column(name, kinds.get(name)) for name in _HELD))
    return select(lists_now).order_by(lists_now.c.station)


def _rows(made: Config, statement: Any) -> list[Row]:
    from chargewire.tables.store import read  # noqa: PLC0415 - databases are slow to import

    found: list[Row] = []
    read(completed(_CONSUMER, made).store, _CONSUMER, statement, found.append)
    return found


def _show(
    rows: Sequence[Row], names: Sequence[str], nothing: str, *, as_objects: bool, as_csv: bool
) -> None:
    """Rows with times as _ms; `names` are those of the columns in a file."""
    if as_objects:
        for row in rows:
            click.echo(json.dumps(record(row), ensure_ascii=False))
    elif as_csv:
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(names)
        for row in rows:
            out.writerow(map(_cell, record(row).values()))
    elif not rows:
        click.echo(nothing, err=True)
    else:
        heading = [name.upper().replace("_", " ") for name in names]
        for line in columns([heading, *map(_short, rows)]):
            click.echo(line)


def _cell(value: Any) -> str:
    return BETWEEN.join(value) if isinstance(value, list) else cell(value)


def _short(row: Row) -> list[str]:
    """A row for a person: times to the minute, in UTC, and nothing that steers the terminal."""
    return [
        minute(value) if name.endswith("_ms") else safe(_cell(value)) for name, value in row.items()
    ]
