"""`chargewire commands`: what stations were asked to do, and what became of it."""

import json
from collections.abc import Iterable
from typing import Any

import click

from chargewire.log.summary import clipped
from chargewire.tables.listing import listing_options, show
from chargewire.tables.rows import Row, minute

_ANSWER_WIDTH = 60


@click.command()
@click.option("--pending", is_flag=True, help="Only those that have not ended.")
@listing_options
def commands(pending: bool, station: str | None, since: int | None, **flags: Any) -> None:
    """Show what stations were asked to do, and what became of it, the oldest first.

    Reads the tables of `chargewire consume commands`. Times are in UTC. `answered` means that the
    station answered, not that it agreed: the last column has what it said.

    \b
    Examples:
      chargewire commands --pending
      chargewire commands --station CW-0001 --since 1h
      chargewire commands --json | jq 'select(.outcome == "timeout") | .station'
    """

    def select() -> Any:
        return _statement(pending=pending, station=station, since=since)

    show("commands", select, table, nothing="No such command.", **flags)


def _statement(*, pending: bool, station: str | None, since: int | None) -> Any:
    from sqlalchemy import func, select  # noqa: PLC0415

    from consumers.commands.projection import COMMANDS, ENDED  # noqa: PLC0415

    of = COMMANDS.c
    statement = select(COMMANDS)
    if pending:
        statement = statement.where(of.state != ENDED)
    if station is not None:
        statement = statement.where(of.station == station)
    if since is not None:
        last = func.coalesce(of.ended_ms, of.settled_ms, of.taken_ms, of.issued_ms)
        statement = statement.where(last >= since)
    began = func.coalesce(of.asked_ms, of.taken_ms, of.settled_ms, of.ended_ms)
    return statement.order_by(began, of.station, of.command_id)


def table(rows: Iterable[Row], now_ms: int) -> list[list[str]]:
    """Rows of texts, a heading first."""
    cells = [["STATION", "COMMAND", "ACTION", "ASKED", "BY", "ATTEMPT", "STATE", "ANSWER"]]
    for row in rows:
        cells.append(
            [
                row["station"],
                row["command_id"],
                row["action"] or "",
                minute(row["asked_ms"]),
                row["requested_by"] or "",
                str(row["attempt"]),
                _state(row, now_ms),
                clipped(_answer(row), _ANSWER_WIDTH),
            ]
        )
    return cells


def _state(row: Row, now_ms: int) -> str:
    if row["outcome"] is not None:
        return str(row["outcome"])
    expires_ms = row["expires_ms"]
    is_late = expires_ms is not None and expires_ms <= now_ms
    return f"{row['state']}, past its time" if is_late else str(row["state"])


def _answer(row: Row) -> str:
    """The error and its details; or else the status that a station answered, or all it said."""
    if row["error_code"] or row["response"] is None:
        said = ": ".join(filter(None, (row["error_code"], row["error_description"])))
        return f"{said} {row['response'] or ''}".strip()
    try:
        said = json.loads(row["response"])
    except ValueError:
        return str(row["response"])
    status = said.get("status") if isinstance(said, dict) else None
    return status if isinstance(status, str) else str(row["response"])
