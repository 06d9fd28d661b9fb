"""`chargewire transactions`: who charged what, when and where."""

from typing import Any

import click

from chargewire.tables.listing import listing_options, show
from chargewire.transactions.table import table


class _Explained(click.Command):
    """Lists in its help what the names in a column mean."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from consumers.transactions.anomalies import ANOMALIES  # noqa: PLC0415 - slow to import

        with formatter.section("What may be odd"):
            formatter.write_dl([*ANOMALIES.items()])


@click.command(cls=_Explained)
@click.option("--open", "is_open", is_flag=True, help="Only those that go on.")
@click.option("--odd", is_flag=True, help="Only those that something is odd about.")
@listing_options
def transactions(
    is_open: bool, odd: bool, station: str | None, since: int | None, **flags: Any
) -> None:
    """Show who charged what, when and where, the oldest first.

    Reads the tables of `chargewire consume transactions`. Times are the station's own, in UTC;
    energy is that of the bill, and empty where nobody knows it: the last column says why. JSON and
    CSV also tell the command that began each, where it was a remote start.

    \b
    STATE     open, or ended: its end is in the log ("state")
    CHARGING  what an open one of 2.x last said it does ("charging_state")
    REASON    why it was stopped, as the station says ("reason")
    ODD       what is odd about it, by the names below ("anomalies")

    In quotation marks is what JSON and CSV call them; the words in them are the same.

    \b
    Examples:
      chargewire transactions --open
      chargewire transactions --station CW-0001 --since 7d
      chargewire transactions --since 2026-11-01 --csv > november.csv
      chargewire transactions --odd --json | jq '{station, transaction_id, anomalies}'
    """

    def select() -> Any:
        return _statement(is_open=is_open, odd=odd, station=station, since=since)

    show("transactions", select, table, nothing="No such transaction.", **flags)


def _statement(*, is_open: bool, odd: bool, station: str | None, since: int | None) -> Any:
    from sqlalchemy import func, select  # noqa: PLC0415

    from consumers.transactions.remote_starts import command  # noqa: PLC0415
    from consumers.transactions.rows import OPEN, TRANSACTIONS  # noqa: PLC0415

    of = TRANSACTIONS.c
    statement = select(TRANSACTIONS, command())
    if is_open:
        statement = statement.where(of.state == OPEN)
    if odd:
        statement = statement.where(of.anomalies != "")
    if station is not None:
        statement = statement.where(of.station == station)
    if since is not None:
        statement = statement.where(of.last_observed_ms >= since)
    began = func.coalesce(of.begin_observed_ms, of.end_observed_ms, of.last_observed_ms)
    return statement.order_by(began, of.station, of.transaction_id, of.ordinal)
