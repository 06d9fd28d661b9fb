"""The flows that look after a station: its configuration, firmware, log, profiles, local list."""

import asyncio
import json
from typing import Any

import click

from chargewire.flows.running import (
    AS_OBJECTS,
    PLACE,
    Moment,
    a_number,
    flow_options,
    now_ms,
    run_flow,
    waiting,
)
from chargewire.options import kafka_options, settings
from chargewire.tables.listing import AS_CSV, DATA, STORE
from consumers.config import Config, completed

_CONSUMER = "authorizations"


@click.command(short_help="All of a station's configuration, as one table.")
@click.argument("station")
@AS_OBJECTS
@AS_CSV
@kafka_options
def configuration(station: str, as_objects: bool, as_csv: bool, **flags: Any) -> None:
    """Show all of a station's configuration, as one table.

    From 1.6 by GetConfiguration; where a station does not tell all at once, the keys that OCPP
    knows are asked for in pieces. From 2.x by GetBaseReport, whose pages are put together; when one
    is missing, the last line names it and the end is 1. How it goes is told on standard error.

    \b
    Examples:
      chargewire flow configuration CW-0001
      chargewire flow configuration CW-0002 --csv > CW-0002.csv
      chargewire flow configuration CW-0002 --json | jq 'select(.variable == "Interval") | .value'
    """
    if as_objects and as_csv:
        raise click.UsageError("--json or --csv, not both")
    from chargewire.flows.configuration import Keys, Report  # noqa: PLC0415 - slow to import
    from chargewire.flows.wording import WORDS  # noqa: PLC0415

    def make(version: str) -> Keys | Report:
        words = WORDS[version]
        return Keys(words) if words.has_keys else Report(words, request=a_number())

    form = "json" if as_objects else "csv" if as_csv else "text"
    run_flow(station, make, flags, form=form, is_table=True)


@click.command(short_help="Update the firmware, until it is installed.")
@click.argument("station")
@click.option("--url", required=True, help="Where the station is to fetch it.")
@click.option("--at", "at_ms", type=Moment(), help="When, such as 2h or 2027-01-31T02:00; now.")
@click.option("--install-at", "install_ms", type=Moment(), help="When to install it (2.x).")
@click.option("--certificate", type=click.File(encoding="utf-8"), help="PEM file: signed.")
@click.option("--signature", metavar="BASE64", help="Of the firmware, by that certificate.")
@waiting("1h", "How long it may take, from when it is to begin.")
@flow_options
def firmware(  # noqa: PLR0913 - one for each option
    station: str,
    url: str,
    at_ms: int | None,
    install_ms: int | None,
    certificate: Any,
    signature: str | None,
    wait_s: float,
    as_objects: bool,
    **flags: Any,
) -> None:
    """Update the firmware, and show each status until it is installed or has failed.

    With --certificate and --signature it is signed firmware (in 1.6 of the security extension).
    The station may restart meanwhile. Ctrl-C ends the looking on alone.

    \b
    Examples:
      chargewire flow firmware CW-0001 --url https://firmware.example/4.2.bin
      chargewire flow firmware CW-0002 --url https://firmware.example/4.2.bin --at 2027-01-31T02:00
    """
    if (certificate is None) != (signature is None):
        raise click.UsageError("--certificate and --signature belong together")
    from chargewire.flows.updates import firmware as updated  # noqa: PLC0415 - slow to import
    from chargewire.flows.wording import WORDS, Firmware  # noqa: PLC0415
    from schemas.times import timestamp  # noqa: PLC0415

    now = now_ms()
    begins_ms = max(at_ms or now, install_ms or now)
    what = Firmware(
        url,
        timestamp(at_ms or now),
        timestamp(install_ms) if install_ms else None,
        certificate.read() if certificate else None,
        signature,
    )
    limit_s = wait_s + max(begins_ms - now, 0) / 1000

    def make(version: str) -> Any:
        return updated(WORDS[version], what, request=a_number(), limit_s=limit_s)

    run_flow(station, make, flags, form="json" if as_objects else "text")


@click.command(short_help="Have a station upload its log, until it is there.")
@click.argument("station")
@click.option("--url", required=True, help="The folder that it is to upload it to.")
@click.option("--security", is_flag=True, help="Its security log, not its diagnostics.")
@waiting("15m", "How long it may take.")
@flow_options
def diagnostics(
    station: str, url: str, security: bool, wait_s: float, as_objects: bool, **flags: Any
) -> None:
    """Have a station upload its log, and show each status until it is there or has failed.

    GetDiagnostics (1.6) or GetLog (2.x; with --security in 1.6, too). The name of the file is told
    as soon as the station tells it. Ctrl-C ends the looking on alone.

    \b
    Examples:
      chargewire flow diagnostics CW-0001 --url ftp://logs.example/in/
      chargewire flow diagnostics CW-0002 --url https://logs.example/in/ --security
    """
    from chargewire.flows.updates import upload  # noqa: PLC0415 - slow to import
    from chargewire.flows.wording import DIAGNOSTICS, SECURITY, WORDS  # noqa: PLC0415

    kind = SECURITY if security else DIAGNOSTICS

    def make(version: str) -> Any:
        return upload(WORDS[version], kind, url, request=a_number(), limit_s=wait_s)

    run_flow(station, make, flags, form="json" if as_objects else "text")


@click.command(short_help="Put a charging profile, and see that it counts.")
@click.argument("station")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@PLACE
@flow_options
def profile(station: str, file: str, place: int | None, as_objects: bool, **flags: Any) -> None:
    """Put a charging profile, and hold it against the station's composite schedule.

    FILE (- for standard input) has the profile as one JSON object, in the words of the station's
    OCPP version: a ChargingProfile, or all of a SetChargingProfile. Without --connector or --evse a
    profile is for the whole station. Then GetCompositeSchedule tells what the station will do, for
    a day at most; where it has other limits than were asked for, which may be for a good reason
    such as a profile above it, they are shown and the end is 1.

    \b
    Examples:
      chargewire flow profile CW-0001 night.json --connector 1
      jq .profiles[0] plan.json | chargewire flow profile CW-0002 - --evse 1
    """
    try:
        with click.open_file(file, encoding="utf-8") as opened:
            said = json.load(opened)
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise click.UsageError(f"{file} is no JSON: {error}") from error
    if not isinstance(said, dict):
        raise click.UsageError(f"{file} has no JSON object")
    from chargewire.flows.profiles import Profile, parts  # noqa: PLC0415 - slow to import
    from chargewire.flows.wording import WORDS  # noqa: PLC0415

    def make(version: str) -> Profile:
        words = WORDS[version]
        found, where = parts(words, said)
        return Profile(words, found, where if place is None else place)

    run_flow(station, make, flags, form="json" if as_objects else "text")


@click.command(short_help="Wait until a station's local list is in sync.")
@click.argument("station")
@click.option("--ask", "asks", is_flag=True, help="Ask the station first which version it has.")
@waiting("5m", "How long it may take.")
@STORE
@DATA
@flow_options
def local_list(station: str, asks: bool, wait_s: float, as_objects: bool, **flags: Any) -> None:
    """Wait until the local authorization list of a station holds what it should.

    `chargewire consume authorizations` keeps the lists, and this looks into its tables; it writes
    nothing. --ask has the station tell its version, from which the consumer learns, too: where
    somebody else has changed the list, it is sent anew.

    \b
    Examples:
      chargewire flow local-list CW-0001
      chargewire flow local-list CW-0001 --ask --wait 10m
    """
    from chargewire.flows.local_lists import LocalList, of_station  # noqa: PLC0415 - slow to import
    from chargewire.tables.store import read  # noqa: PLC0415

    made = settings(Config, flags)
    store = completed(_CONSUMER, made).store

    def look() -> Any:
        found: list[dict[str, Any]] = []
        read(store, _CONSUMER, of_station(station), lambda row: found.append(dict(row)))
        return found[0] if found else None

    def make(version: str) -> LocalList:
        return LocalList(asks=asks, limit_s=wait_s)

    async def stored() -> Any:
        return await asyncio.to_thread(look)  # it runs an event loop of its own

    form = "json" if as_objects else "text"
    run_flow(station, make, flags, form=form, stored=stored, made=made)
