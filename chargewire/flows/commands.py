"""`chargewire flow`: what takes more than one frame, from the first call to its end."""

from typing import Any

import click

from chargewire.durations import Seconds
from chargewire.flows import upkeep
from chargewire.flows.running import (
    PLACE,
    TOKEN,
    TOKEN_TYPE,
    a_number,
    flow_options,
    now_ms,
    run_flow,
    waiting,
)


@click.group(short_help="What takes more than one frame, from the first call to its end.")
def flow() -> None:
    """Ask a station for something that takes more than one frame, and follow it to its end.

    Each flow shows how it goes, line by line, and ends: with 0 when what was wanted is reached,
    with 1 when it is not and the last line says why, with 130 on Ctrl-C. A station goes on with
    what it has accepted, whoever has stopped looking. --json tells the same to a program.

    Needs a gateway that holds the station, and nothing else, but for `local-list`, which looks into
    the tables of `chargewire consume authorizations`. A single frame is `chargewire call`.
    """


for _command in (upkeep.configuration, upkeep.firmware, upkeep.diagnostics, upkeep.profile):
    flow.add_command(_command)
flow.add_command(upkeep.local_list)


@flow.command(short_help="Start a transaction, until it is there.")
@click.argument("station")
@TOKEN
@TOKEN_TYPE
@PLACE
@waiting("2m", "How long somebody may take to plug in.")
@flow_options
def start(  # noqa: PLR0913 - one for each option
    station: str,
    token: str,
    token_type: str,
    place: int | None,
    wait_s: float,
    as_objects: bool,
    **flags: Any,
) -> None:
    """Start a transaction, and wait until it is there.

    RemoteStartTransaction (1.6) or RequestStartTransaction (2.x); then the station's own word that
    a transaction with this token has begun, and what it was told of the token. That a station
    accepts says only that it will try: nothing begins where nobody plugs in.

    \b
    Examples:
      chargewire flow start CW-0001 --token TOKEN-0001
      chargewire flow start CW-0002 --evse 1 --token 04A2B3C4D5E6F7 --wait 5m
      chargewire flow start CW-0001 --token TOKEN-0001 --json | jq -r '.transaction // empty'
    """
    from chargewire.flows.transactions import Start  # noqa: PLC0415 - tables are slow to import
    from chargewire.flows.wording import WORDS, Token  # noqa: PLC0415

    def make(version: str) -> Start:
        who, number = Token(token, token_type), a_number()
        return Start(WORDS[version], who, place, remote_start=number, wait_s=wait_s)

    run_flow(station, make, flags, form=_form(as_objects=as_objects))


@flow.command(short_help="Stop a transaction, until it has ended.")
@click.argument("station")
@click.argument("transaction", required=False)
@waiting("2m", "How long the station may take.")
@flow_options
def stop(
    station: str, transaction: str | None, wait_s: float, as_objects: bool, **flags: Any
) -> None:
    """Stop a transaction, wait until it has ended, and show its energy.

    Without TRANSACTION it is the one that is open, where there is only one; those of the last seven
    days are looked through. One that has ended already is told as such.

    \b
    Examples:
      chargewire flow stop CW-0001
      chargewire flow stop CW-0001 1186340219
      chargewire flow stop CW-0002 --json | jq '.energy_wh // empty'
    """
    from chargewire.flows.transactions import Stop  # noqa: PLC0415 - tables are slow to import
    from chargewire.flows.wording import WORDS  # noqa: PLC0415

    def make(version: str) -> Stop:
        return Stop(WORDS[version], transaction, wait_s=wait_s)

    run_flow(station, make, flags, form=_form(as_objects=as_objects))


@flow.command(short_help="Reserve a connector for a token.")
@click.argument("station")
@TOKEN
@TOKEN_TYPE
@click.option("--for", "for_s", type=Seconds(), required=True, help="How long: 30m, 2h.")
@PLACE
@click.option("--follow", is_flag=True, help="Wait until it is used, cancelled or expired.")
@flow_options
def reserve(  # noqa: PLR0913 - one for each option
    station: str,
    token: str,
    token_type: str,
    for_s: float,
    place: int | None,
    follow: bool,
    as_objects: bool,
    **flags: Any,
) -> None:
    """Reserve a connector, an EVSE or the station for a token.

    With --follow it goes on until the reservation is over, and ends with 0 only when it was used.

    \b
    Examples:
      chargewire flow reserve CW-0001 --token TOKEN-0001 --for 30m --connector 1
      chargewire flow reserve CW-0002 --token TOKEN-0002 --for 2h --follow
    """
    from chargewire.flows.reservations import Reserve  # noqa: PLC0415 - tables are slow to import
    from chargewire.flows.wording import WORDS, Token  # noqa: PLC0415

    def make(version: str) -> Reserve:
        return Reserve(
            WORDS[version],
            a_number(),
            Token(token, token_type),
            place,
            now_ms=now_ms(),
            for_s=for_s,
            follow=follow,
        )

    run_flow(station, make, flags, form=_form(as_objects=as_objects))


@flow.command(short_help="Give a reservation up.")
@click.argument("station")
@click.argument("reservation", type=int)
@flow_options
def cancel_reservation(station: str, reservation: int, as_objects: bool, **flags: Any) -> None:
    """Give a reservation up, by the number that `chargewire reservations` shows.

    \b
    Examples:
      chargewire flow cancel-reservation CW-0001 17
    """
    from chargewire.flows.reservations import Cancel  # noqa: PLC0415 - tables are slow to import
    from chargewire.flows.wording import WORDS  # noqa: PLC0415

    def make(version: str) -> Cancel:
        return Cancel(WORDS[version], reservation)

    run_flow(station, make, flags, form=_form(as_objects=as_objects))


def _form(*, as_objects: bool) -> str:
    return "json" if as_objects else "text"
