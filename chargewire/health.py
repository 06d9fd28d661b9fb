"""`chargewire health`: asks a program on this machine how it is, as a container's probe does."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

import click

from chargewire.options import config_option, settings
from programs.addresses import address, is_address
from programs.settings import KafkaSettings, setting

TIME_S = 5.0
_GATEWAY, _CONSOLE = "gateway", "console"
_THIS_MACHINE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(KafkaSettings):
    """Of the settings of any program, those that say where it answers."""

    admin: str = setting(
        "",
        "metrics and health over HTTP; empty: a port of its own for each program",
        allowed="host:port",
        check=lambda text: not text or is_address(text),
    )
    console_listen: str = setting(
        "127.0.0.1:9200", "where the console is served", allowed="host:port", check=is_address
    )
    console_hosts: tuple[str, ...] = setting((), "names by which the console may be called")


@click.command()
@click.argument("program", required=False, metavar="[PROGRAM]")
@click.option("--live", is_flag=True, help="Only whether it lives, not whether it is ready.")
@config_option
def health(program: str | None, live: bool, config: str | None) -> None:
    """Ask a program on this machine whether it is ready; ends with 0 if so, else with 1.

    PROGRAM is gateway, console or the name of a consumer. It is looked for where its settings say,
    which are read here as it reads them: environment and file. Without PROGRAM, whoever answers
    first at CHARGEWIRE_ADMIN or the ports by default is asked: in a container there is one.

    \b
    Examples:
      chargewire health
      chargewire health --live
      chargewire health transactions
    """
    places = list(_places(settings(Asked, {"config": config}), program))
    answer = next(filter(None, (_ask(*place, live=live) for place in places)), None)
    if answer is None:
        raise click.ClickException(f"nobody answers at {', '.join(place for place, _ in places)}")
    well, text = answer
    if not well:
        raise click.ClickException(text)
    click.echo(text)


def _places(asked: Asked, program: str | None) -> Iterator[tuple[str, str]]:
    """host:port of each operators' port that comes into question, and by which name it is called;
    empty: as its host."""
    if program != _CONSOLE:
        if asked.admin and program is None:
            yield asked.admin, ""
        else:
            yield from ((place, "") for place in _ports(asked.admin, program))
    if program in (None, _CONSOLE):
        yield asked.console_listen, next(iter(asked.console_hosts), "")


def _ports(admin: str, program: str | None) -> Iterator[str]:
    """As above, of gateway and consumers. Raises click.BadParameter for a name of nobody."""
    from consumers.services import SERVICES  # noqa: PLC0415 - slow, and seldom needed

    ports = {_GATEWAY: 9100, **{name: service.port for name, service in SERVICES.items()}}
    if program is None:
        yield from (f"127.0.0.1:{port}" for port in ports.values())
    elif program in ports:
        yield admin or f"127.0.0.1:{ports[program]}"
    else:
        raise click.BadParameter(f"{program}: there are {', '.join([*ports, _CONSOLE])}")


def _ask(place: str, name: str, *, live: bool) -> tuple[bool, str] | None:
    """(whether all is well, what is to be said); None when nobody answers there within TIME_S."""
    host, port = address(place)
    connection = http.client.HTTPConnection(_THIS_MACHINE.get(host, host), port, timeout=TIME_S)
    try:
        headers = {"Host": name} if name else {}
        connection.request("GET", "/healthz" if live else "/readyz", headers=headers)
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if response.status == http.HTTPStatus.OK:
        return True, "alive" if live else "ready"
    return False, _reasons(body) or f"{place} answers {response.status}"


def _reasons(body: str) -> str:
    """What an operators' port gives as reasons, on one line; empty when it gives none."""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    return "; ".join(map(str, told)) if isinstance(told, list) else ""
