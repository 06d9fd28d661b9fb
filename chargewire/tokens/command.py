"""`chargewire tokens`: who may charge."""

import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import click

from chargewire.options import kafka_options, settings
from chargewire.tokens import listing
from chargewire.tokens import records as token_records
from chargewire.tokens.records import BETWEEN, COLUMNS, Wrong, texts
from programs.settings import KafkaSettings

_TOPIC = "id-tokens"
_BAD_SHOWN = 20


@click.group()
def tokens() -> None:
    """Say who may charge, and see who tried: the id tokens."""


tokens.add_command(listing.list_)
tokens.add_command(listing.lists)


def _token_options(command: Any) -> Any:
    for option in reversed(
        (
            click.option("--type", metavar="TYPE", help="Its IdTokenEnumType; ISO14443 if new."),
            click.option("--status", metavar="STATUS", help="Its status; Accepted if new."),
            click.option("--expires", metavar="TIME", help="Not valid after this day or time."),
            click.option("--group", metavar="TOKEN", help="Its group: the parentIdTag of 1.6."),
            click.option(
                "--list",
                "lists",
                metavar="NAME",
                multiple=True,
                help="Group of stations whose local lists hold it; * for all. May be repeated.",
            ),
        )
    ):
        command = option(command)
    return command


def _given(flags: dict[str, Any]) -> dict[str, str]:
    """The options of a token as texts by column, taken out of the flags; only those given."""
    named = flags.pop("lists")
    found = {name: flags.pop(name) for name in ("type", "status", "expires", "group")}
    if named:
        found["lists"] = BETWEEN.join(named)
    return {name: text for name, text in found.items() if text is not None}


@tokens.command(short_help="Let a token charge, or change what is said of it.")
@click.argument("token")
@_token_options
@kafka_options
def put(token: str, **flags: Any) -> None:
    """Let a token charge, or change what is said of it; what is not given stays as it is.

    An empty text takes something away: --expires "" is for ever. Upper and lower case are the same
    to OCPP.

    \b
    Examples:
      chargewire tokens put 04A2B3C4D5E6F7
      chargewire tokens put 04A2B3C4D5E6F7 --status Blocked
      chargewire tokens put DE-ABC-C12345678 --type eMAID --expires 2027-01-31 --group FAMILY-1
      chargewire tokens put 04A2B3C4D5E6F7 --list garage --list yard
    """
    given = _given(flags)
    key = token_records.key(token)
    try:
        record = token_records.record({"token": token, **given})  # before anything is opened
    except Wrong as error:
        raise click.UsageError(str(error)) from error

    def decide(there: Mapping[bytes, Any]) -> Mapping[bytes, Any]:
        nonlocal record
        old = texts(there[key]) if there.get(key) else {}
        record = token_records.record({**old, **given, "token": token})
        return {key: record}

    _change(settings(KafkaSettings, flags), [key], decide)
    said = texts(record)
    click.echo(" ".join(f"{name}={said[name]}" for name in COLUMNS if said[name]))


@tokens.command(short_help="Take tokens away.")
@click.argument("names", metavar="TOKEN...", nargs=-1, required=True)
@kafka_options
def delete(names: tuple[str, ...], **flags: Any) -> None:
    """Take tokens away: from then on nobody knows them.

    Where one of them is not there, none is taken away.

    \b
    Example:
      chargewire tokens delete 04A2B3C4D5E6F7 DE-ABC-C12345678
    """
    keys = {token_records.key(name): name for name in names}

    def decide(there: Mapping[bytes, Any]) -> Mapping[bytes, Any]:
        missing = [name for key, name in keys.items() if there.get(key) is None]
        if missing:
            raise click.ClickException(f"nobody knows {', '.join(missing)}; nothing was deleted.")
        return dict.fromkeys(keys)

    _change(settings(KafkaSettings, flags), keys, decide)
    click.echo(f"{len(keys)} deleted", err=True)


@tokens.command("import", short_help="Take over tokens from a file.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--skip-bad", is_flag=True, help="Take over the good lines of a file with bad ones.")
@_token_options
@kafka_options
def import_(file: str, skip_bad: bool, **flags: Any) -> None:
    """Take over tokens from a file of comma-separated values, or from standard input (-).

    Its first line names the columns: token, and any of type, status, expires, group, lists
    (separated by semicolons). The options are for what a line leaves empty. A line says all of its
    token: what was known of it before is replaced. Where a line is bad, nothing at all is written.

    \b
    Examples:
      chargewire tokens import members.csv
      chargewire tokens import cards.csv --group FLEET-7 --expires 2027-12-31
      chargewire tokens list --unknown --csv | awk 'NR==1 || /^04A2/' | chargewire tokens import -
    """
    defaults = _given(flags)
    made = settings(KafkaSettings, flags)
    try:
        with click.open_file(file, encoding="utf-8-sig") as lines:
            records, bad = _read(lines, defaults)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    for line in bad[:_BAD_SHOWN]:
        click.echo(line, err=True)
    if len(bad) > _BAD_SHOWN:
        click.echo(f"and {len(bad) - _BAD_SHOWN} more", err=True)
    if bad and not skip_bad:
        raise click.ClickException(
            f"{len(bad)} of {len(bad) + len(records)} lines are bad, so nothing was written; "
            "--skip-bad takes the others."
        )
    began = time.monotonic()
    with click.progressbar(
        length=len(records), label="Writing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        _change(made, [], lambda _: records, written=bar.update)
    skipped = f", {len(bad)} skipped" if bad else ""
    took_s = time.monotonic() - began
    click.echo(f"{len(records)} tokens written{skipped} ({took_s:.1f} s)", err=True)


def _read(lines: Iterable[str], defaults: Mapping[str, str]) -> tuple[dict[bytes, Any], list[str]]:
    """The records of a file by their keys, and what is wrong, a line for each bad one."""
    records, bad = {}, []
    try:
        token_records.record({"token": "-", **defaults})
    except Wrong as error:
        raise click.UsageError(str(error)) from error
    try:
        for row in token_records.rows(lines, defaults):
            if row.record is None:
                bad.append(f"line {row.line}, {row.wrong}")
            else:
                records[token_records.key(row.record["token"])] = row.record
    except Wrong as error:
        raise click.ClickException(f"{error}; nothing was written.") from error
    except UnicodeDecodeError as error:
        raise click.ClickException("the file is no UTF-8; nothing was written.") from error
    return records, bad


def _change(made: KafkaSettings, keys: Iterable[bytes], decide: Any, **told: Any) -> None:
    from chargewire.log import states  # noqa: PLC0415 - Kafka's client is slow to import
    from chargewire.log.reading import run  # noqa: PLC0415

    run(states.change(made, _TOPIC, [*keys], decide, **told), made.kafka)
