"""`chargewire console`: run the web console until it is told to stop."""

from typing import Any

import click

from chargewire.options import WrongSettings, kafka_options, settings


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where it is served; 127.0.0.1:9200.")
@click.option("--token-file", metavar="FILE", help="A file with the token for commands.")
@click.option("--since", metavar="SPAN", help="Show what happened since so long ago: 15m, 2h.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
@click.option("--log-format", metavar="FORMAT", help="auto, json or console.")
@click.option("--check", is_flag=True, help="Check the configuration, then end.")
@kafka_options
def console(
    listen: str | None, token_file: str | None, since: str | None, check: bool, **flags: Any
) -> None:
    """Show the fleet in a browser: stations, what they say, transactions; and ask them things.

    It reads the topics by itself, belongs to no consumer group and keeps nothing: start as many as
    you like, stop them at any time. What happened is shown from --since on; how things are, from
    the topics of the consumers' tables, however old.

    It only shows, unless it has a token (CHARGEWIRE_CONSOLE_TOKEN, or --token-file): who brings
    that may send commands. Open http://localhost:9200/#token=TOKEN once; the browser keeps it
    until its tab is closed. Everybody who reaches the port may look: it listens on this machine
    only, unless you say else, and then a proxy with a login and TLS belongs before it.

    \b
    Examples:
      chargewire console
      chargewire console --since 15m --listen 127.0.0.1:8080
      CHARGEWIRE_CONSOLE_TOKEN=$(openssl rand -hex 16) chargewire console
      CHARGEWIRE_CONSOLE_HOSTS=console.example.com chargewire console --listen 0.0.0.0:9200
    """
    from chargewire.console.config import Config  # noqa: PLC0415 - only where it runs
    from chargewire.console.program import completed, run  # noqa: PLC0415
    from programs.settings import SettingsError  # noqa: PLC0415

    mine = {"console_listen": listen, "console_token_file": token_file, "console_since": since}
    try:
        config = completed(settings(Config, flags | mine))
    except SettingsError as error:
        raise WrongSettings(error.problems) from error
    if check:
        click.echo("The configuration is right.")
        return
    does = "may send commands" if config.console_token else "only shows"
    click.echo(f"The console {does}: {_url(config.console_listen)}", err=True)
    click.get_current_context().exit(run(config))


def _url(listen: str) -> str:
    host, _, port = listen.rpartition(":")
    return f"http://{'localhost' if host in ('', '0.0.0.0', '[::]') else host}:{port}/"  # noqa: S104
