"""`chargewire call`: ask stations for something, and show what they answered."""

import getpass
import json
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from chargewire.calls.action_help import action_named, callable_actions, fields_of, versions_of
from chargewire.calls.payloads import Payload, Wrong, fitting, risk
from chargewire.calls.results import names, readable, summary, told
from chargewire.calls.traces import CallTraces
from chargewire.durations import Milliseconds
from chargewire.options import kafka_options, settings
from chargewire.stations.records import checked
from chargewire.tables.layout import columns
from programs.settings import KafkaSettings
from schemas.catalogue import VERSIONS

Record = Mapping[str, Any]


class Words(click.ParamType[str]):
    """Station, action and fields, one after the other; completed as far as they are known."""

    name = "words"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Actions, and then the fields of the one that was chosen."""
        said = [*(ctx.params.get(param.name or "") or ())]
        before = 0 if _many(ctx.params) else 1
        if len(said) < before:
            return []
        if len(said) == before:
            known = callable_actions()
            return [
                CompletionItem(name, help=f"OCPP {', '.join(known[name])}")
                for name in known
                if name.lower().startswith(incomplete.lower())
            ]
        versions = versions_of(said[before])
        fields = {field for version in versions for field in fields_of(said[before], version)}
        return [
            CompletionItem(f"{name}=") for name in sorted(fields) if name.startswith(incomplete)
        ]


def _many(params: Mapping[str, Any]) -> bool:
    return bool(params.get("to_all") or params.get("group"))


@click.command()
@click.argument(
    "words",
    nargs=-1,
    required=True,
    type=Words(),
    metavar="[STATION] ACTION [FIELD=VALUE…]",
)
@click.option("--to-all", is_flag=True, help="Ask every station that is connected.")
@click.option("--group", metavar="NAME", help="Ask the stations of a group that are connected.")
@click.option("--yes", is_flag=True, help="Ask many stations without asking you first.")
@click.option("--ocpp", type=click.Choice(list(VERSIONS)), help="The version to check against.")
@click.option(
    "--expires",
    type=Milliseconds(),
    default="60s",
    show_default=True,
    help="Do not send it any later: 30s, 15m, 2h, 7d.",
)
@click.option("--wait-offline", is_flag=True, help="Send it when the station is back, until then.")
@click.option("--no-wait", is_flag=True, help="Do not wait for results; print the commands' ids.")
@click.option("--json", "as_objects", is_flag=True, help="Each result as a JSON object on a line.")
@kafka_options
def call(  # noqa: PLR0913 - one for each option
    words: tuple[str, ...],
    to_all: bool,
    group: str | None,
    yes: bool,
    ocpp: str | None,
    expires: int,
    wait_offline: bool,
    no_wait: bool,
    as_objects: bool,
    **flags: Any,
) -> None:
    """Ask a station for something, wait, and show what it answered.

    The fields of the action follow as FIELD=VALUE (OUTER.INNER=VALUE, LIST.0.FIELD=VALUE, or a
    field several times for a list), as one JSON object, or as - to read that from standard input.
    `chargewire actions ACTION` tells which there are. What the schema does not allow is not sent.

    Ends with 0 when every station has answered, whatever it answered, and else with 1.

    \b
    Examples:
      chargewire call CW-0001 TriggerMessage requestedMessage=Heartbeat
      chargewire call CW-0001 RemoteStartTransaction connectorId=1 idTag=TOKEN-0001
      chargewire call CW-0002 Reset type=OnIdle --wait-offline --expires 7d
      chargewire call CW-0001 GetConfiguration key=HeartbeatInterval key=MeterValueSampleInterval
      chargewire call --group garage ChangeAvailability '{"connectorId": 0, "type": "Inoperative"}'
      chargewire call --to-all ClearCache --json | jq -r 'select(.outcome != "answered") | .station'
    """
    if to_all and group:
        raise click.UsageError("--to-all or --group, not both")
    station = None if to_all or group else checked(words[0])
    rest = words[1:] if station is not None else words
    if not rest:
        raise click.UsageError("which action? `chargewire actions` lists them")
    action = action_named(rest[0])
    payload = _payload(action, rest[1:], ocpp)
    made = settings(KafkaSettings, flags)
    stations = [station] if station is not None else _stations(made, group)
    if station is None and not yes:
        noun = "station" if len(stations) == 1 else "stations"
        click.confirm(f"{action} to {len(stations)} {noun}?", abort=True, err=True)
    commands = [
        {
            "command_id": str(uuid.uuid4()),
            "station": one,
            "action": action,
            "payload": json.dumps(payload, ensure_ascii=False),
            "expires_at": time.time_ns() // 1_000_000 + expires,
            "when_offline": "wait" if wait_offline else "fail",
            "requested_by": getpass.getuser(),
        }
        for one in stations
    ]
    with CallTraces(made) as traces:
        for name, trace in traces.begin(commands):
            click.echo(f"Trace of {name}: {trace}", err=True)
        done = _asked(made, commands, traces, as_objects=as_objects, waits=not no_wait)
    if not done:
        click.get_current_context().exit(1)


def _payload(action: str, words: Sequence[str], ocpp: str | None) -> Payload:
    if [*words] == ["-"]:
        words = [sys.stdin.read()]
    try:
        found = fitting((ocpp,) if ocpp else versions_of(action), action, words)[0]
    except KeyError:
        raise click.UsageError(f"OCPP {ocpp} has no {action} that stations take") from None
    except Wrong as error:
        raise click.UsageError(
            f"{action} cannot be asked for like this:\n{error}\n"
            f"`chargewire actions {action}` tells what it takes."
        ) from error
    if text := risk(action, found):
        click.echo(f"Warning: {text}", err=True)
    return found


def _stations(made: KafkaSettings, group: str | None) -> list[str]:
    """The stations that are connected, all or those of a group."""
    from chargewire.calls.asking import connected  # noqa: PLC0415
    from chargewire.log import states  # noqa: PLC0415 - Kafka's client is slow to import
    from chargewire.log.reading import run  # noqa: PLC0415

    found = run(connected(made), made.kafka)
    if group is not None:
        listed = run(states.state(made, "stations"), made.kafka)
        found = [one for one in found if (listed.get(one.encode()) or {}).get("group") == group]
    if not found:
        of = f" of the group {group}" if group else ""
        raise click.ClickException(f"no station{of} is connected.")
    return found


def _asked(
    made: KafkaSettings,
    commands: Sequence[Record],
    traces: CallTraces,
    *,
    as_objects: bool,
    waits: bool,
) -> bool:
    """Ask, and show results; tells whether every station has answered."""
    from chargewire.calls.asking import ask, put  # noqa: PLC0415 - Kafka's client is slow to import
    from chargewire.log.reading import run  # noqa: PLC0415

    if not waits:
        run(put(made, commands, traces), made.kafka)
        for command in commands:
            click.echo(command["command_id"])
        return True
    begun_s = time.monotonic()
    results: list[Record] = []
    single = len(commands) == 1 and not as_objects
    with click.progressbar(
        length=len(commands), label="Results", file=sys.stderr, hidden=len(commands) == 1
    ) as bar:

        def ended(result: Record) -> None:
            results.append(result)
            traces.ended(result)
            bar.update(1)
            if as_objects:
                click.echo(json.dumps(readable(result), ensure_ascii=False))
            elif single:
                for line in told(result, time.monotonic() - begun_s):
                    click.echo(line)

        try:
            silent = run(ask(made, commands, ended=ended, traces=traces), made.kafka)
        except KeyboardInterrupt:
            _tell_waiting(commands, results)
            click.get_current_context().exit(130)
    if silent:
        _tell_waiting(commands, results)
    if not single and not as_objects:
        for line in columns(summary(results)):
            click.echo(line)
    return not silent and all(result["outcome"] == "answered" for result in results)


def _tell_waiting(commands: Sequence[Record], results: Sequence[Record]) -> None:
    done = {result["command_id"] for result in results}
    left = [command["station"] for command in commands if command["command_id"] not in done]
    click.echo(
        f"No result yet of {names(left)}. It may still come: `chargewire commands --pending`; "
        "where nobody runs `chargewire consume commands`, stations that are gone give none.",
        err=True,
    )
