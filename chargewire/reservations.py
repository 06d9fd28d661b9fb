"""`chargewire reservations`: what is reserved for whom, until when, and what became of it."""

from collections.abc import Iterable
from typing import Any

import click

from chargewire.tables.listing import listing_options, show
from chargewire.tables.rows import Row, minute, numbered, place


@click.command()
@click.option("--active", is_flag=True, help="Only those that stand now.")
@listing_options
def reservations(active: bool, station: str | None, since: int | None, **flags: Any) -> None:
    """Show what is reserved for whom, until when, and what became of it, the oldest first.

    Reads the tables of `chargewire consume reservations`. Times are in UTC. A reservation whose
    time is over shows as expired, also where its station has not said so.

    \b
    Examples:
      chargewire reservations --active
      chargewire reservations --station CW-0001 --since 7d
      chargewire reservations --json | jq 'select(.state == "expired") | .token'
    """

    def select() -> Any:
        return _statement(active=active, station=station, since=since)

    show("reservations", select, table, nothing="No such reservation.", **flags)


def _statement(*, active: bool, station: str | None, since: int | None) -> Any:
    from sqlalchemy import column, func, select  # noqa: PLC0415
    from sqlalchemy import table as named  # noqa: PLC0415

    from consumers.reservations.rows import ACCEPTED, NOW, RESERVATIONS  # noqa: PLC0415

    found = named(NOW, *(column(one.name, one.type) for one in RESERVATIONS.columns))
    of = found.c
    statement = select(found)
    if active:
        statement = statement.where(of.state == ACCEPTED)
    if station is not None:
        statement = statement.where(of.station == station)
    if since is not None:
        statement = statement.where(of.last_observed_ms >= since)
    began = func.coalesce(of.asked_ms, of.used_ms, of.last_observed_ms)
    return statement.order_by(began, of.station, of.reservation_id, of.ordinal)


def table(rows: Iterable[Row], now_ms: int) -> list[list[str]]:
    """Rows of texts, a heading first."""
    cells = [
        *(["STATION", "RESERVATION", "AT", "TOKEN", "ASKED", "UNTIL", "STATE", "TRANSACTION"],),
    ]
    for row in rows:
        cells.append(
            [
                row["station"],
                numbered(row, "reservation_id"),
                place(row) or row["connector_type"] or "",
                row["token"] or "",
                minute(row["asked_ms"]),
                minute(row["expires_ms"]),
                _state(row),
                _transaction(row),
            ]
        )
    return cells


def _state(row: Row) -> str:
    if row["state"] == "refused":
        return f"refused: {row['answer'] or 'error'}"
    return str(row["state"])


def _transaction(row: Row) -> str:
    if row["refused_transaction_id"] is not None and row["transaction_id"] is None:
        return f"{row['refused_transaction_id']} (refused)"
    return row["transaction_id"] or ""
