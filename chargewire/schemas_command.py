"""`chargewire schemas`: the record schemas, and whether a registry has them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

from chargewire.options import config_option, settings
from chargewire.tables.layout import columns
from programs import registry
from programs.settings import KafkaSettings
from schemas import lock, records
from schemas.subjects import subject, text_of

_R = TypeVar("_R")
_URL = click.option("--schema-registry", metavar="URL", help="The registry's address.")
_PREFIX = click.option("--prefix", metavar="TEXT", help="What every topic name begins with.")


@click.group()
def schemas() -> None:
    """The record schemas of the topics."""


@schemas.command(short_help="The Avro schema of a topic.")
@click.argument("topic")
@_PREFIX
@config_option
def show(topic: str, **flags: Any) -> None:
    """Print the Avro schema of a topic, which may be named with or without prefix.

    \b
    Example:
      chargewire schemas show transactions > transactions.avsc
    """
    made = settings(KafkaSettings, flags)
    rows = lock.versions().get(topic.removeprefix(made.prefix))
    if rows is None:
        known = ", ".join(lock.versions())
        raise click.ClickException(f"no topic {topic} has a schema; there are {known}")
    click.echo(text_of(lock.schema(rows[-1])))


@schemas.command("list", short_help="Topic, subject, version and built-in id.")
@_PREFIX
@config_option
def list_(**flags: Any) -> None:
    """List the schemas that came with this version: topic, subject, version, built-in id.

    \b
    Example:
      chargewire schemas list
    """
    made = settings(KafkaSettings, flags)
    cells = [["TOPIC", "SUBJECT", "VERSION", "ID"]]
    for topic, rows in lock.versions().items():
        newest = rows[-1]
        cells.append(
            [made.prefix + topic, subject(made.prefix, topic), str(newest.number), str(newest.id)]
        )
    for line in columns(cells):
        click.echo(line)


@schemas.command(short_help="Register what the registry lacks.")
@_URL
@_PREFIX
@config_option
def register(**flags: Any) -> None:
    """Register every schema that the registry lacks; the gateway does that at its start, too.

    For registries where only operators may write.

    \b
    Example:
      chargewire schemas register --schema-registry http://registry:8081
    """
    made = settings(KafkaSettings, flags)
    _needs_registry(made)
    found = _run(registry.resolve(made))
    for line in columns(
        [["TOPIC", "ID"], *([made.prefix + topic, str(number)] for topic, number in found.items())]
    ):
        click.echo(line)


@schemas.command(short_help="Check that these schemas are the published ones.")
@_URL
@_PREFIX
@config_option
def check(**flags: Any) -> None:
    """Check that the schemas of this version are the published ones, and the registry has them.

    Ends with 1 where they are not. Writes nothing.

    \b
    Examples:
      chargewire schemas check
      chargewire schemas check --schema-registry http://registry:8081
    """
    made = settings(KafkaSettings, flags)
    try:
        registry.builtin_ids()
    except registry.UnpublishedError as error:
        raise click.ClickException(str(error)) from error
    if not made.schema_registry:
        click.echo(f"{len(records.RECORDS)} schemas are as published; no registry is configured")
        return
    missing = _run(registry.missing(made))
    for topic in missing:
        click.echo(click.style(f"not registered: {subject(made.prefix, topic)}", fg="red"))
    if missing:
        raise click.ClickException("register them with `chargewire schemas register`")
    click.echo(f"{len(records.RECORDS)} schemas are as published and registered")


def _needs_registry(made: KafkaSettings) -> None:
    if not made.schema_registry:
        raise click.ClickException(
            "no schema registry is configured, so the built-in ids are used and nothing has to be"
            " registered.\nName one with --schema-registry or CHARGEWIRE_SCHEMA_REGISTRY."
        )


def _run(work: Coroutine[Any, Any, _R]) -> _R:
    try:
        return asyncio.run(work)
    except registry.RegistryError as error:
        raise click.ClickException(str(error)) from error
