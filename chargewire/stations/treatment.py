"""`chargewire stations put` and `delete`: how the gateway is to treat a station."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from chargewire.options import kafka_options, settings
from chargewire.stations import records
from chargewire.stations.records import FIELDS, quirks, record, station_id
from programs.settings import KafkaSettings
from schemas.credentials import (
    PASSWORD_BYTES_MIN,
    SALT_BYTES,
    credential_hash,
    password_bytes,
)

_TOPIC = "stations"
_PASSWORD = click.Path(dir_okay=False, allow_dash=True)


@click.command(short_help="Say how a station is to be treated, or change that.")
@click.argument("station")
@click.option("--registration", metavar="STATUS", help="Boot answer: Accepted, Pending, Rejected.")
@click.option(
    "--interval",
    type=click.IntRange(min=1, max=86_400),
    metavar="SECONDS",
    help="Interval in that answer: of heartbeats, or until the next try.",
)
@click.option("--group", metavar="NAME", help="Such as its site; names its local list.")
@click.option(
    "--quirk",
    "rules",
    metavar="RULE",
    multiple=True,
    help="A rule that is bent for it"
    " in place of the gateway's choice; lenient: the usual ones; strict: none. May be repeated.",
)
@click.option("--profile", type=click.IntRange(0, 3), help="Lowest OCPP security profile taken.")
@click.option("--password-file", type=_PASSWORD, metavar="FILE", help="Its password, kept hashed.")
@click.option("--password-prompt", is_flag=True, help="Ask for its password.")
@click.option(
    "--ping-interval",
    type=click.IntRange(min=0, max=3600),
    metavar="SECONDS",
    help="Silence before a ping; 0: never, for stations that do not answer any.",
)
@click.option(
    "--unset",
    type=click.Choice(list(FIELDS)),
    metavar="OPTION",
    multiple=True,
    help="Leave this to the gateway again: an option's name, such as quirk. May be repeated.",
)
@kafka_options
def put(  # noqa: PLR0913 - one for each option
    station: str,
    registration: str | None,
    interval: int | None,
    group: str | None,
    rules: tuple[str, ...],
    profile: int | None,
    password_file: str | None,
    password_prompt: bool,
    ping_interval: int | None,
    unset: tuple[str, ...],
    **flags: Any,
) -> None:
    """Say how a station is to be treated, or change that; what is not given stays as it is.

    Gateways follow at once; what is said at boot or handshake, from the next one on. Of a password
    a salted hash is kept, and 32 to 40 hex digits stand for the bytes of an AuthorizationKey. With
    a password and no profile, a station needs profile 1: without its password it is not let in.

    \b
    Examples:
      chargewire stations put CW-0001 --registration Pending --interval 30
      chargewire stations put CW-0001 --group garage --quirk lenient --quirk missing_field
      chargewire stations put CW-0001 --profile 0 --password-file CW-0001.key
      chargewire stations put CW-0001 --profile 1
      chargewire stations put CW-0001 --ping-interval 0
      chargewire stations put CW-0001 --unset quirk
    """
    if password_file and password_prompt:
        raise click.UsageError("--password-file or --password-prompt, not both")
    given: dict[str, Any] = {
        "registration_status": registration and _checked(records.registration, registration),
        "boot_interval_s": interval,
        "group": group,
        "quirks": _checked(quirks, rules) if rules else None,
        "security_profile": profile,
        "ping_interval_s": ping_interval,
        **_credential(password_file, prompt=password_prompt),
    }
    given = {name: value for name, value in given.items() if value is not None}
    key = _checked(station_id, station).encode()
    now_ms = time.time_ns() // 1_000_000
    said: dict[str, Any] = {}

    def decide(there: Mapping[bytes, Any]) -> Mapping[bytes, Any]:
        said.update(record(station, there.get(key), given, unset, now_ms))
        return {key: said}

    _change(settings(KafkaSettings, flags), key, decide)
    click.echo(" ".join(_words(said)))


@click.command(short_help="Leave a station to the gateway's own choices.")
@click.argument("station")
@kafka_options
def delete(station: str, **flags: Any) -> None:
    """Leave a station to the gateway's own choices, as one that nobody knows.

    \b
    Example:
      chargewire stations delete CW-0001
    """
    key = station.encode()

    def decide(there: Mapping[bytes, Any]) -> Mapping[bytes, Any]:
        if there.get(key) is None:
            raise click.ClickException(f"nothing is said of {station}.")
        return {key: None}

    _change(settings(KafkaSettings, flags), key, decide)
    click.echo(f"{station} is as any other", err=True)


def _checked(check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _credential(file: str | None, *, prompt: bool) -> dict[str, str]:
    """Salt and hash of a password, where there is one; the end of a file's line is not of it."""
    if prompt:
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        password = asked.encode()
    elif file is not None:
        try:
            with click.open_file(file, "rb") as stream:
                password = stream.read().rstrip(b"\r\n")
        except OSError as error:
            raise click.UsageError(f"{file}: {error.strerror}") from error
    else:
        return {}
    if not password:
        raise click.UsageError("the password is empty")
    return hashed(password)


def hashed(password: bytes) -> dict[str, str]:
    """The fields of a record that know a password without having it; a short one is told."""
    if len(password_bytes(password)) < PASSWORD_BYTES_MIN:
        least = f"{PASSWORD_BYTES_MIN} characters or bytes"
        click.echo(f"shorter than the {least} that OCPP asks for: it can be guessed", err=True)
    salt = secrets.token_bytes(SALT_BYTES)
    return {"credential_hash": credential_hash(password, salt), "credential_salt": salt.hex()}


def _words(said: Mapping[str, Any]) -> list[str]:
    """What is said of a station, but for secrets."""
    shown = {name: value for name, value in said.items() if name not in ("station", "at")}
    if shown.pop("credential_salt", None):
        shown["credential_hash"] = "********"
    return [
        said["station"],
        *(
            f"{name}={','.join(value) or 'none' if isinstance(value, list) else value}"
            for name, value in shown.items()
            if value is not None
        ),
    ]


def _change(made: KafkaSettings, key: bytes, decide: Any) -> None:
    from chargewire.log import states  # noqa: PLC0415 - Kafka's client is slow to import
    from chargewire.log.reading import run  # noqa: PLC0415

    run(states.change(made, _TOPIC, [key], decide), made.kafka)
