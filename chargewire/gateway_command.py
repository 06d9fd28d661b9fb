"""`chargewire gateway`: run the gateway until it is told to stop."""

from typing import Any

import click

from chargewire.options import kafka_options, settings
from gateway.config import Config
from programs.kafka.tls import TlsFileError


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where stations connect.")
@click.option("--admin", metavar="HOST:PORT", help="Where metrics, health and schemas are.")
@click.option("--path", metavar="/PATH", help="What stands before the station id in the URL.")
@click.option("--instance", metavar="NAME", help="Name of this gateway in the log.")
@click.option("--workers", metavar="N", help="Processes that share the port.")
@click.option("--decided", metavar="ACTION,…", help="Actions that a deciding service answers.")
@click.option("--quirks", metavar="RULE,…", help="Rules bent for stations; strict: none.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
@click.option("--log-format", metavar="FORMAT", help="auto, json or console.")
@click.option(
    "--allow-single-replica",
    is_flag=True,
    default=None,
    help="Start on topics with one replica, which do not survive a broker.",
)
@click.option("--check", is_flag=True, help="Check the configuration, then end.")
@kafka_options
def gateway(check: bool, **flags: Any) -> None:
    """Run the gateway: stations on one side, Kafka on the other.

    Every setting can be given as an environment variable or in a file as well; `chargewire config
    show --all` lists them. SIGTERM drains: calls in hand are finished, sockets closed in slices.

    \b
    Examples:
      chargewire gateway --kafka broker-1:9092,broker-2:9092
      CHARGEWIRE_DECIDED=Authorize chargewire gateway --workers 4
      chargewire gateway --config /etc/chargewire.toml --check
    """
    config = settings(Config, flags)
    if check:
        _check_files(config)
        click.echo("The configuration is right.")
        return
    from gateway.program import run  # noqa: PLC0415 - the whole gateway, only where it runs

    click.get_current_context().exit(run(config))


def _check_files(config: Config) -> None:
    """Fail where the files of the TLS port are no good."""
    if not config.tls_certificate:
        return
    from gateway.certificates import ended, loaded  # noqa: PLC0415 - slow to import

    try:
        _, ends = loaded(config)
    except TlsFileError as error:
        raise click.ClickException(str(error)) from error
    if problem := ended(config, ends):
        raise click.ClickException(problem)
